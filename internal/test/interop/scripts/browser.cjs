// Drives a browser by what a person sees: labels, roles and text. It reports what
// pages write to their console, as warnings and errors, under the window's name.
"use strict"

const { chromium } = require("playwright-core")
const { report, serve } = require("./lines.cjs")

const windows = new Map()
let browser

serve({
  launch: async ({ executable, timeout }) => {
    browser = await chromium.launch({
      executablePath: executable,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
      timeout,
    })
  },
  close: () => browser.close(),

  // Every window has cookies of its own.
  open: async ({ window, url, width, height, timeout }) => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: "light" })
    context.setDefaultTimeout(timeout)
    const page = await context.newPage()
    const complain = (text) => report({ client: window, channel: "", event: "console", data: text })
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()))
    page.on("pageerror", (error) => complain(error.message))
    page.on("requestfailed", (request) => complain(`${request.url()}: ${request.failure().errorText}`))
    windows.set(window, page)
    await page.goto(url)
  },

  fill: ({ window, label, text }) => windows.get(window).getByLabel(label, { exact: true }).fill(text),
  press: ({ window, key }) => windows.get(window).keyboard.press(key),
  click: ({ window, role, name }) => windows.get(window).getByRole(role, { name }).click(),

  // Waits until the region shows the text.
  see: ({ window, region, text }) => windows.get(window).locator(region).getByText(text).first().waitFor(),
  count: ({ window, region, text }) => windows.get(window).locator(region).getByText(text).count(),
  overflows: ({ window }) => windows.get(window).evaluate(() => document.documentElement.scrollWidth > innerWidth),
  screenshot: async ({ window, path }) => void (await windows.get(window).screenshot({ path })),
})
