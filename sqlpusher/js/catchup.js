// Delivers the events of a channel with history, in order, each once, on top of pusher-js.
// See docs/let-browsers-catch-up.md and catchup.d.ts.

const DUPLICATE_CHECK_MS = 10_000

export function catchUp(pusher, channelName, options) {
  const { url, onEvent, onReload, onError = (error) => console.warn(error), request = {}, jitter = 1000 } = options
  const channel = pusher.subscribe(channelName)
  const waiting = new Map() // events that cannot be delivered yet, by number
  let position = options.position ?? null
  let started = false // whether the subscription was confirmed before
  let running = false
  let closed = false
  let wanted = false // a fetch is needed
  let timer
  let failures = 0
  let checked = -Infinity // when a duplicate was last looked into
  let abort = new AbortController()

  function received(name, message) {
    if (closed || name.startsWith("pusher:") || name.startsWith("pusher_internal:") || name.startsWith("client-")) return
    if (typeof message?.seq !== "number") return
    if (!position) return void fetchSoon(0) // the position comes from the handler
    if (message.epoch !== position.epoch) return void fetchSoon(0)
    if (message.seq > position.seq) {
      waiting.set(message.seq, { name, message })
      deliver()
      return
    }
    // A duplicate, or the database has lost events: the handler knows.
    if (Date.now() - checked >= DUPLICATE_CHECK_MS) {
      checked = Date.now()
      fetchSoon(0)
    }
  }

  // Delivers the events that follow the position. If one is missing, it is fetched after the delay.
  function deliver(delay = 0) {
    if (running) return
    for (;;) {
      const next = waiting.get(position.seq + 1)
      if (!next || !("data" in next.message)) break
      pass(next.name, next.message.data, position.seq + 1)
      if (closed) return
    }
    if (waiting.size > 0) fetchSoon(delay)
  }

  function pass(name, data, seq) {
    waiting.delete(seq)
    position = { epoch: position.epoch, seq }
    try {
      onEvent({ name, data, seq })
    } catch (error) {
      setTimeout(() => { throw error }) // like an event listener: the others are not affected
    }
  }

  function fetchSoon(delay) {
    wanted = true
    if (closed || running || timer !== undefined) return
    timer = setTimeout(fetchAll, delay)
  }

  async function fetchAll() {
    timer = undefined
    running = true
    wanted = false
    const before = position?.seq
    let delay = 0
    try {
      while (!closed && (await fetchPage()));
      failures = 0
      if (position?.seq === before) delay = 500 // what is missing may come later
    } catch (error) {
      if (closed) return
      failures++
      delay = Math.random() * Math.min(30_000, 500 * 2 ** failures)
      wanted = true
      onError(error)
    } finally {
      running = false
    }
    if (closed) return
    if (wanted) fetchSoon(delay)
    else deliver(delay)
  }

  // Returns whether there is another page.
  async function fetchPage() {
    const target = new URL(url, location.href)
    target.searchParams.set("channel", channelName)
    if (position) {
      target.searchParams.set("epoch", position.epoch)
      target.searchParams.set("after", position.seq)
    }
    const response = await fetch(target, { credentials: "same-origin", cache: "no-store", ...request, signal: abort.signal })
    if (!response.ok) {
      if (response.status === 403 || response.status === 404) close()
      const error = new Error(`history of ${channelName}: status ${response.status}`)
      if (closed) onError(error)
      throw error
    }
    const page = await response.json()
    if (closed) return false
    if (!position || !page.complete) {
      const next = { epoch: page.epoch, seq: page.seq }
      position = (position && (await onReload({ ...next }))) ?? next
    } else {
      for (const { seq, name, data } of page.events) {
        pass(name, data, seq)
        if (closed) return false
      }
    }
    for (const [seq, { message }] of waiting) {
      if (message.epoch !== position.epoch || seq <= position.seq) waiting.delete(seq)
    }
    return position.seq < page.seq
  }

  // Events may have been missed. After a reconnection, many browsers come at once.
  function subscribed() {
    fetchSoon(started ? Math.random() * jitter : 0)
    started = true
  }

  function close() {
    if (closed) return
    closed = true
    clearTimeout(timer)
    abort.abort()
    channel.unbind_global(received)
    channel.unbind("pusher:subscription_succeeded", subscribed)
    pusher.unsubscribe(channelName)
  }

  channel.bind_global(received)
  channel.bind("pusher:subscription_succeeded", subscribed)
  if (channel.subscribed) subscribed()
  return {
    channel,
    close,
    get position() {
      return position && { ...position }
    },
  }
}
