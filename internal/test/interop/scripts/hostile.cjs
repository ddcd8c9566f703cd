// Opens pages in a browser and lets each of them attack the control API of
// `pusherctl serve`, as a page could that a developer visits.
"use strict"

const { chromium } = require("playwright-core")
const { serve } = require("./json_lines.cjs")

let browser

serve({
  launch: async ({ executable, timeout, args }) => {
    browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu", ...args], timeout })
  },
  close: () => browser.close(),

  // Returns the outcome of each attack: "succeeded" if the page could read a response that
  // is no error, "sent" if it cannot know, "rejected" or "blocked".
  attack: async ({ page: url, target, timeout }) => {
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(timeout)
      await page.goto(url)
      return await page.evaluate(attacks, target)
    } finally {
      await context.close()
    }
  },
})

// Runs in the page.
async function attacks(target) {
  const outcomes = {}
  const attack = async (name, f) => {
    outcomes[name] = await f().catch((error) => `blocked: ${error.message}`)
  }
  const read = async (path, options) => {
    const response = await fetch(target + path, options)
    if (response.type === "opaque") return "sent"
    if (!response.ok) return `rejected: ${response.status}`
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel() // the stream would use a connection
    return "succeeded"
  }
  // Waits until an element has loaded or failed.
  const load = (tag, attributes, parent = document.body) =>
    new Promise((resolve) => {
      const element = Object.assign(document.createElement(tag), attributes)
      element.onload = () => resolve(element)
      element.onerror = () => resolve(null)
      parent.append(element)
    })

  const json = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })
  for (const path of ["/openapi.yaml", "/apps", "/apps/1/events", "/apps/1/connections", "/apps/1/channels", "/apps/1/stream"]) {
    await attack(`GET ${path}`, () => read(path))
    await attack(`GET ${path} with credentials`, () => read(path, { credentials: "include" }))
    await attack(`GET ${path} without CORS`, () => read(path, { mode: "no-cors" }))
    await attack(`HEAD ${path}`, () => read(path, { method: "HEAD" }))
  }
  const changes = {
    "POST /apps": {},
    "POST /apps/1/events": { name: "n", channels: ["c"], data: "hostile" },
    "POST /apps/1/failures": { status: 503, times: 1000 },
    "PUT /apps/1/delay": { milliseconds: 600000 },
    "POST /apps/1/disconnect": {},
    "POST /apps/1/reset": {},
    "DELETE /apps/1": {},
  }
  for (const [name, body] of Object.entries(changes)) {
    const [method, path] = name.split(" ")
    await attack(name, () => read(path, json(method, body)))
    await attack(`${name} as text`, () => read(path, { method, body: JSON.stringify(body) }))
    await attack(`${name} without a body`, () => read(path, { method }))
    if (method !== "POST") continue
    await attack(`${name} without CORS`, () => read(path, { method, mode: "no-cors", body: JSON.stringify(body) }))
    await attack(`${name} with sendBeacon`, async () => (navigator.sendBeacon(target + path, JSON.stringify(body)) ? "sent" : "blocked"))
    for (const enctype of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
      await attack(`${name} with a form, ${enctype}`, async () => {
        const frame = document.createElement("iframe")
        frame.name = `frame of ${name} ${enctype}`
        document.body.append(frame)
        const form = Object.assign(document.createElement("form"), { action: target + path, method, enctype, target: frame.name })
        // As text/plain the body is {"x":"=","status":503,…}.
        const input = Object.assign(document.createElement("input"), { name: '{"x":"', value: `",${JSON.stringify(body).slice(1)}` })
        form.append(input)
        document.body.append(form)
        const outcome = new Promise((resolve) => {
          frame.onload = () => resolve("sent")
          document.addEventListener("securitypolicyviolation", () => resolve("blocked"), { once: true })
        })
        form.submit()
        return outcome
      })
  }
  for (const path of ["/apps/1/events", "/apps"]) {
    await attack(`img ${path}`, async () => ((await load("img", { src: target + path })) ? "succeeded" : "blocked"))
    await attack(`script ${path}`, async () => ((await load("script", { src: target + path })) ? "succeeded" : "blocked"))
    await attack(`style sheet ${path}`, async () => ((await load("link", { rel: "stylesheet", href: target + path })) ? "succeeded" : "blocked"))
    await attack(`iframe ${path}`, async () => {
      const frame = await load("iframe", { src: target + path })
      const text = frame?.contentDocument?.body?.innerText
      return text === undefined ? "blocked" : /error/.test(text) ? "rejected" : "succeeded"
    })
  }
  await attack("EventSource", () => {
    const source = new EventSource(`${target}/apps/1/stream`)
    return new Promise((resolve) => {
      source.onopen = source.onmessage = () => resolve("succeeded")
      source.onerror = () => resolve("blocked")
    }).finally(() => source.close())
  })
  await attack("module", () => import(`${target}/apps`).then(() => "succeeded"))
  await attack("worker", async () => {
    const worker = new Worker(URL.createObjectURL(new Blob([`importScripts(${JSON.stringify(`${target}/apps`)}); postMessage("loaded")`])))
    return new Promise((resolve) => {
      worker.onmessage = () => resolve("succeeded")
      worker.onerror = () => resolve("blocked")
    })
  })
  return outcomes
}
