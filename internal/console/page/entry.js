// An entry is a row of the activity. It is made of an object of the stream.

import { bytes, clock, number, oneLine, payload, plural } from "./text.js"
import { make } from "./dom.js"

export const kinds = { event: "event", webhook: "webhook", rejection: "rejection", log: "log line" }

const labels = { event: "event", webhook: "webhook", rejection: "rejected", log: "log" }

export const toEntry = (item) => (item.event ? fromEvent(item.event) : fromLog(item.log))

function fromEvent({ time, name, channel, data, socket_id, user_id, connections }) {
  const facts = [["Name", name], ["Channel", channel], ["Size", `${number(bytes(data))} bytes`],
    ["Received by", plural(connections, "connection")]]
  if (socket_id) facts.push(["Excluded socket ID", socket_id])
  if (user_id) facts.push(["User ID", user_id])
  return { kind: "event", time, title: name, where: channel, brief: data, payload: data, facts }
}

function fromLog({ time, level, message, attributes = {} }) {
  const title = message.replace(/^(pushertest|http): /, "")
  const warning = level !== "DEBUG" && level !== "INFO"
  const kind = title.startsWith("webhook") ? "webhook" : warning ? "rejection" : "log"
  const { body, ...rest } = attributes
  const facts = Object.entries({ message: title, ...rest }).map(([name, value]) => [name, asText(value)])
  const entry = {
    kind, time, title, warning, facts,
    where: asText(attributes.channel || attributes.path || attributes.socket_id || ""),
    brief: asText(attributes.reason ?? body ?? facts.slice(1).map((fact) => fact.join("=")).join(" ")),
    payload: body === undefined ? undefined : asText(body),
  }
  return body === undefined ? entry : { ...entry, ...fromBody(entry.payload) }
}

// fromBody returns the names and channels of the events in the body of a webhook.
function fromBody(body) {
  try {
    const { events } = JSON.parse(body)
    const list = (field) => [...new Set(events.map((event) => event[field]).filter(Boolean))].join(", ")
    const others = events.map(({ name, channel, ...rest }) => JSON.stringify(rest)).filter((text) => text !== "{}")
    return { title: list("name"), where: list("channel"), brief: others.join(" ") }
  } catch {
    return {} // the log shortens long bodies
  }
}

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value))

export function matches(entry, text) {
  return [entry.title, entry.where, entry.brief].some((field) => field.toLowerCase().includes(text))
}

export function toRow(entry) {
  const time = make("time", "", clock(entry.time))
  time.dateTime = entry.time
  const summary = make("summary", "", time,
    make("span", "kind", labels[entry.kind]),
    make("bdi", "title", oneLine(entry.title)),
    make("bdi", "where", oneLine(entry.where)),
    make("bdi", "brief", oneLine(entry.brief)))
  summary.tabIndex = -1 // the list is the tab stop, see activity.js
  const details = make("details", "", summary)
  details.addEventListener("toggle", () => details.append(...contents(entry)), { once: true })
  const row = make("li", entry.kind, details)
  row.classList.toggle("warning", Boolean(entry.warning))
  return row
}

export function contents(entry) {
  const facts = make("dl", "facts")
  for (const [name, value] of entry.facts) {
    facts.append(make("div", "", make("dt", "", oneLine(name)), make("dd", "", make("bdi", "", payload(value)))))
  }
  if (entry.payload === undefined) return [facts]
  const text = make("pre", "", payload(entry.payload))
  text.tabIndex = 0
  text.setAttribute("role", "region")
  text.setAttribute("aria-label", "Payload")
  return [facts, text]
}
