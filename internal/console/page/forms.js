// The forms that trigger an event and inject faults.

import { appPath, request } from "./api.js"
import { find, setText } from "./dom.js"
import { oneLine, plural } from "./text.js"

// connectForms has the forms act on the app that currentApp returns.
export function connectForms(currentApp) {
  const onSubmit = (selector, output, method, path, action) => {
    const form = find(selector)
    form.addEventListener("submit", async (event) => {
      event.preventDefault()
      const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""))
      const { body, done } = action(fields)
      let text = done
      try {
        await (await request(method, appPath(currentApp(), path), { body })).text()
        output.className = "done"
      } catch (error) {
        output.className = "error"
        text = [error.status, oneLine(error.message)].filter(Boolean).join(" ")
      }
      output.textContent = "" // so that the same text is announced again
      requestAnimationFrame(() => setText(output, text))
    })
  }

  onSubmit("#trigger form", find("#trigger output"), "POST", "events", ({ name, channels, data = "", socket_id }) => {
    const names = channels.split(/[\s,]+/).filter(Boolean)
    return { body: { name, channels: names, data, socket_id }, done: `Triggered on ${plural(names.length, "channel")}` }
  })

  const onFault = (selector, method, path, action) => onSubmit(selector, find("#faults output"), method, path, action)
  onFault("#fail", "POST", "failures", ({ times, status, retry_after, path }) => ({
    body: { times: Number(times), status: Number(status), path, headers: retry_after && { "Retry-After": retry_after } },
    done: `The next ${plural(Number(times), "request")} will fail with ${status}`,
  }))
  onFault("#delay", "PUT", "delay", ({ milliseconds }) => ({
    body: { milliseconds: Number(milliseconds) },
    done: milliseconds === "0" ? "Responses are not delayed" : `Responses are delayed by ${milliseconds} ms`,
  }))
  onFault("#close", "POST", "disconnect", ({ code, reason }) => ({
    body: { code: Number(code), reason },
    done: `Connections were closed with ${code}`,
  }))
  onFault("#drop", "POST", "disconnect", () => ({ body: {}, done: "Connections were dropped" }))
  onFault("#reset", "POST", "reset", () => ({ done: "The server was reset" }))

  find("#trigger textarea").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit()
  })
}
