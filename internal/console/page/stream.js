// The stream of an app: what it has recorded, and then what happens.

import { request } from "./api.js"

const firstDelay = 500
const maxDelay = 5000

// follow passes each object of the stream to onItem, and connects again until signal is
// aborted. onState is called with the error when the stream ends, and without one when it
// is open.
export async function follow(path, signal, onItem, onState) {
  const newest = { event: 0, log: 0 } // milliseconds
  let delay = firstDelay
  while (!signal.aborted) {
    try {
      const response = await request("GET", path, { signal })
      onState()
      delay = firstDelay
      const known = { ...newest }
      for await (const item of objects(response.body)) {
        const type = item.event ? "event" : "log"
        const time = Date.parse(item[type]?.time)
        if (time <= known[type]) continue // the server repeats what it has recorded
        if (time > newest[type]) newest[type] = time
        onItem(item)
      }
      throw new Error("the server closed the stream")
    } catch (error) {
      if (signal.aborted) return
      onState(error)
    }
    await new Promise((resolve) => setTimeout(resolve, delay))
    delay = Math.min(2 * delay, maxDelay)
  }
}

// objects decodes NDJSON as it arrives. Empty lines keep the connection alive.
async function* objects(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read()
    if (done) return
    const lines = (rest + value).split("\n")
    rest = lines.pop()
    for (const line of lines) {
      if (line) yield JSON.parse(line)
    }
  }
}
