// The control API of `pusherctl serve`.

const base = process.env.PUSHERCTL_CONTROL ?? "http://127.0.0.1:6001/control"
const token = process.env.PUSHERCTL_CONTROL_TOKEN

async function call(method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: { ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text && JSON.parse(text)
}

// Creates an app that no other test process uses.
export async function createApp() {
  const app = await call("POST", "/apps", {})
  const path = `/apps/${app.id}`
  return {
    pusherURL: app.pusher_url,

    // Returns the events on a channel, and waits up to 5 seconds until there are count.
    events: async (channel, count) => (await call("GET", `${path}/events?wait=5&channel=${encodeURIComponent(channel)}&count=${count}`)).events,
    fail: (failure) => call("POST", `${path}/failures`, failure),
    reset: () => call("POST", `${path}/reset`),
    delete: () => call("DELETE", path),
  }
}
