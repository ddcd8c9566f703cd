// Opens pages in Chromium. A test sends commands as lines of JSON on stdin:
// {"command": name, "args": object}. The response is a line on stdout: {"result": any} or
// {"error": text}.
"use strict"

const { chromium } = require("playwright-core")
const readline = require("node:readline")

let browser
const pages = new Map()

const commands = {
  launch: async ({ executable }) => {
    browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"] })
  },
  open: async ({ page, url }) => {
    const opened = await browser.newPage()
    pages.set(page, opened)
    await opened.goto(url)
  },
  evaluate: ({ page, script }) => pages.get(page).evaluate(script),
}

void (async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let output
    try {
      const { command, args } = JSON.parse(line)
      output = { result: (await commands[command](args)) ?? null }
    } catch (error) {
      output = { error: String(error.message) }
    }
    process.stdout.write(JSON.stringify(output) + "\n")
  }
  await browser?.close()
  process.exit(0)
})()
