// Opens the order page in two windows of Chromium: node page.cjs URL PUSHER_PORT. Each
// line on stdin is a command, and is answered by a line of JSON:
//   order ITEM    place an order in the first window; the answer is what the page says
//   offline       disconnect the second window
//   online        connect it again
//   orders N      wait for N orders in both windows; the answer is what they show
"use strict"

const { chromium } = require("playwright-core")
const readline = require("node:readline")

const [url, port] = process.argv.slice(2)

async function open(browser) {
  const context = await browser.newContext()
  await context.route("https://js.pusher.com/**", (route) => route.fulfill({ path: require.resolve("pusher-js/dist/web/pusher.min.js") }))
  await context.addInitScript((port) => {
    window.WebSocket = class extends WebSocket {
      constructor(url) { super(url.replace(":6001", ":" + port)) }
    }
  }, port)
  const page = await context.newPage()
  await page.goto(url)
  await page.waitForFunction(() => performance.getEntriesByName(new URL("/orders", location).href).length > 0)
  return page
}

void (async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] })
  const windows = [await open(browser), await open(browser)]
  const commands = {
    order: async (item) => {
      await windows[0].getByLabel("Item").fill(item)
      await windows[0].getByRole("button", { name: "Place order" }).click()
      const placed = windows[0].waitForFunction(() => document.querySelector("form").item.value === "")
      const failed = windows[0].waitForFunction(() => document.querySelector("[role=status]").textContent !== "")
      await Promise.any([placed, failed])
      return windows[0].getByRole("status").textContent()
    },
    offline: () => windows[1].context().setOffline(true),
    online: () => windows[1].context().setOffline(false),
    orders: (n) => Promise.all(windows.map(async (window) => {
      await window.waitForFunction((n) => document.querySelectorAll("li").length >= n, Number(n))
      return window.locator("li").allTextContents()
    })),
  }
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...args] = line.split(" ")
    console.log(JSON.stringify(await commands[command](args.join(" ")) ?? ""))
  }
  await browser.close()
})()
