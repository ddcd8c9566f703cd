// Drives a browser by labels, roles and text. Warnings and errors of a page are emitted
// as events "console", with the name of the window as the client.
"use strict"

const { chromium } = require("playwright-core")
const { emit, serve } = require("./json_lines.cjs")

const windows = new Map()
let browser

serve({
  launch: async ({ executable, timeout, args = [] }) => {
    browser = await chromium.launch({
      executablePath: executable,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...args],
      timeout,
    })
  },
  close: () => browser.close(),

  // Opens a window that shares no cookies with the others.
  open: async ({ window, url, width, height, timeout, colorScheme = "light" }) => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme })
    context.setDefaultTimeout(timeout)
    const page = await context.newPage()
    const emitConsole = (text) => emit({ client: window, channel: "", event: "console", data: text })
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && emitConsole(message.text()))
    page.on("pageerror", (error) => emitConsole(error.message))
    page.on("requestfailed", (request) => emitConsole(`${request.url()}: ${request.failure().errorText}`))
    windows.set(window, page)
    await page.goto(url)
  },

  fill: ({ window, label, text }) => windows.get(window).getByLabel(label, { exact: true }).fill(text),
  press: ({ window, key }) => windows.get(window).keyboard.press(key),
  click: ({ window, role, name }) => windows.get(window).getByRole(role, { name }).click(),
  clickText: ({ window, selector, text }) => windows.get(window).locator(selector).getByText(text).first().click(),
  waitForText: ({ window, selector, text }) => windows.get(window).locator(selector).getByText(text).first().waitFor(),
  countText: ({ window, selector, text }) => windows.get(window).locator(selector).getByText(text).count(),
  evaluate: ({ window, expression }) => windows.get(window).evaluate(expression),
  overflows: ({ window }) => windows.get(window).evaluate(() => document.documentElement.scrollWidth > innerWidth),
  screenshot: async ({ window, path }) => void (await windows.get(window).screenshot({ path })),
})
