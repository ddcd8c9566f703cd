// The page: which app it shows, whether it is connected, and what is polled.

import { createActivity } from "./activity.js"
import { appPath, get, useToken } from "./api.js"
import { find, make, setText } from "./dom.js"
import { connectForms } from "./forms.js"
import { refresh } from "./state.js"
import { follow } from "./stream.js"
import { number, oneLine } from "./text.js"

const pollEvery = 1000

const activity = createActivity()
const select = find("#app")
const errors = { stream: undefined, poll: undefined } // since the last success
let app // ID of the app that is shown
let stop = new AbortController()

function showStatus(source, error) {
  errors[source] = error
  const current = errors.stream ?? errors.poll
  find("#status").dataset.state = current ? "lost" : "live"
  const locked = current?.status === 401
  find("#token-form").hidden = !locked
  setText(find("#status"), locked ? "Not connected: token missing or wrong" : current ? `Not connected: ${oneLine(current.message)}` : "Live")
}

function watch(id) {
  stop.abort()
  stop = new AbortController()
  app = id
  activity.clear()
  follow(appPath(id, "stream"), stop.signal, activity.add, (error) => showStatus("stream", error))
}

function showApps(apps) {
  const ids = apps.map((each) => each.id)
  if (ids.join("\n") !== [...select.options].map((option) => option.value).join("\n")) {
    select.replaceChildren(...apps.map(({ id, key }) => Object.assign(make("option", "", `${oneLine(id)} · ${oneLine(key)}`), { value: id })))
    find("#app-picker").hidden = apps.length < 2
  }
  if (!ids.includes(app) && ids.length) watch(ids[0])
  select.value = app
}

async function poll() {
  if (document.visibilityState === "hidden") return
  try {
    showApps((await get("apps")).apps)
    await refresh(app, stop.signal)
    showStatus("poll", undefined)
  } catch (error) {
    if (error.name !== "AbortError") showStatus("poll", error) // aborted by another choice of the app
  }
}

async function pollForever() {
  for (;;) {
    const { signal } = stop
    const started = performance.now()
    const events = activity.events()
    await poll()
    await new Promise((resolve) => setTimeout(resolve, pollEvery))
    const seconds = (performance.now() - started) / 1000
    // The beginning of a stream is what happened before.
    const rate = signal === stop.signal ? Math.max(0, (activity.events() - events) / seconds) : 0
    setText(find("#rate"), number(Math.round(rate)))
  }
}

select.addEventListener("change", () => watch(select.value))
document.addEventListener("visibilitychange", poll)
find("#prefix").addEventListener("input", poll)
find("#token-form").addEventListener("submit", (event) => {
  event.preventDefault()
  useToken(find("#token").value.trim())
  poll()
})
connectForms(() => app)
pollForever()
