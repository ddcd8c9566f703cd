// The list of events, webhooks, rejections and log lines, newest first.
//
// Memory and the page are bounded: of each kind the latest entries are kept, and the list
// has a limited number of rows. Rows are added once per frame. They wait while the list
// is paused, and while a row is open or has the focus of the keyboard.

import { find, setText } from "./dom.js"
import { kinds, matches, toEntry, toRow } from "./entry.js"
import { number, plural } from "./text.js"

const maxKept = 1000
const maxRows = 200
const announceEvery = 10_000

export function createActivity() {
  const list = find("#rows")
  const kept = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]))
  const times = new WeakMap() // of rows, in milliseconds
  let counts, waiting, skipped, lastNumber = 0
  let paused = false
  let frame = 0

  const checkbox = (kind) => find(`#kinds [name=${kind}]`)
  const isShown = (entry) => checkbox(entry.kind).checked && matches(entry, find("#filter").value.trim().toLowerCase())
  const isHeld = () => paused || find("details[open], :focus-visible", list) !== null

  function add(item) {
    if (item.skipped) {
      skipped += item.skipped
    } else {
      const entry = { ...toEntry(item), number: ++lastNumber }
      entry.at = Date.parse(entry.time)
      counts[entry.kind]++
      kept[entry.kind].push(entry)
      if (kept[entry.kind].length > 2 * maxKept) kept[entry.kind].splice(0, maxKept)
      if (isShown(entry)) waiting.push(entry)
      if (waiting.length > 2 * maxRows) waiting.splice(0, maxRows)
    }
    schedule()
  }

  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0
      if (!isHeld()) flush()
      showCounts()
    })
  }

  function flush() {
    for (const entry of waiting.slice(-maxRows)) {
      // Events and log lines arrive independently of each other.
      let next = list.firstElementChild
      while (next && times.get(next) > entry.at) next = next.nextElementSibling
      const row = toRow(entry)
      times.set(row, entry.at)
      list.insertBefore(row, next)
    }
    waiting = []
    while (list.childElementCount > maxRows) list.lastElementChild.remove()
  }

  function rebuild() {
    list.replaceChildren()
    waiting = Object.values(kept).flat().filter(isShown).sort((a, b) => a.at - b.at || a.number - b.number)
    flush()
    showCounts()
  }

  function clear() {
    for (const entries of Object.values(kept)) entries.length = 0
    counts = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0]))
    skipped = 0
    rebuild()
  }

  function showCounts() {
    for (const kind of Object.keys(kinds)) setText(find("b", checkbox(kind).parentElement), number(counts[kind]))
    find("#empty").hidden = list.childElementCount > 0
    const any = Object.values(counts).some(Boolean)
    setText(find("#empty"), any ? "Nothing of this is selected by the filter." : "Nothing has happened yet. Connect a client, or trigger an event.")

    const notes = []
    if (waiting.length) notes.push(`${waiting.length >= maxRows ? `${maxRows} or more` : waiting.length} new`)
    if (!paused && waiting.length) notes.push("shown when no row is open")
    if (skipped) notes.push(`${number(skipped)} skipped because the page was too slow`)
    find("#note").hidden = notes.length === 0
    setText(find("#note"), notes.join(" · "))
  }

  // Screen readers hear how many there were, not each of them.
  let announced = ""
  setInterval(() => {
    const parts = ["event", "webhook", "rejection"].filter((kind) => counts[kind]).map((kind) => plural(counts[kind], kinds[kind]))
    if (parts.join() !== announced) setText(find("#announcement"), parts.join(", "))
    announced = parts.join()
  }, announceEvery)

  function moveFocus(event) {
    const rows = [...list.children]
    const at = rows.findIndex((row) => row.contains(document.activeElement))
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key]
    if (event.key === "Escape") {
      for (const details of list.querySelectorAll("details[open]")) details.open = false
      list.focus()
    } else if (to !== undefined && event.target.tagName !== "PRE") {
      const row = rows[Math.max(0, Math.min(to, rows.length - 1))]
      if (row) find("summary", row).focus()
      event.preventDefault()
    }
  }

  list.addEventListener("keydown", moveFocus)
  list.addEventListener("focusout", schedule)
  list.addEventListener("toggle", schedule, true)
  find("#kinds").addEventListener("change", rebuild)
  find("#filter").addEventListener("input", rebuild)
  find("#clear").addEventListener("click", clear)
  find("#pause").addEventListener("click", () => {
    paused = !paused
    setText(find("#pause"), paused ? "Resume" : "Pause")
    schedule()
  })
  clear()
  return { add, clear, events: () => counts.event }
}
