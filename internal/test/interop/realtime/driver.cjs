// Runs named clients of pusher-js. A command is a line of JSON on stdin, {"command": name,
// "client": name, …}; its response is the line {"done": client} on stdout. What the clients
// receive is written as {client, channel, event, data, user}, see emit.
"use strict"

const readline = require("node:readline")
const Pusher = require("pusher-js")

const write = (line) => process.stdout.write(JSON.stringify(line) + "\n")
const clients = new Map()
const bound = new WeakSet()

// The sender of a client event is passed only to handlers of that event.
const clientEvents = ["client-a", "client-b"]

const bindChannel = (client, channel, target) => {
  if (bound.has(target)) return
  bound.add(target)
  target.bind_global((event, data) => {
    if (clientEvents.includes(event)) return
    if (event === "pusher:subscription_succeeded") data = undefined
    // IDs are strings; pusher-js keeps numbers.
    if (event === "pusher:member_added" || event === "pusher:member_removed") data = { ...data, id: String(data.id) }
    write({ client, channel, event, data })
  })
  for (const event of clientEvents)
    target.bind(event, (data, metadata) => write({ client, channel, event, data, user: metadata?.user_id }))
}

const commands = {
  connect: ({ client, key, options }) => {
    const pusher = new Pusher(key, options)
    clients.set(client, pusher)
    const emit = (event, data) => write({ client, channel: "", event, data })
    let last
    pusher.connection.bind("state_change", ({ current }) => {
      if (current === "connected" || current === "disconnected") emit(current)
    })
    // pusher-js reports a close frame twice, the second time wrapped in another error.
    pusher.connection.bind("error", (error) => {
      if (error.type === "MessageParseError") return emit("invalid_message")
      const cause = error.type === "WebSocketError" ? error.error : error
      if (cause?.type === "PusherError" && cause !== last) emit("error", cause.data)
      last = cause
    })
    pusher.user.bind_global((event, data) => write({ client, channel: "#user", event, data }))
    pusher.user.watchlist.bind_global((event, data) => write({ client, channel: "#watchlist", event, data }))
    pusher.bind("pusher:signin_success", () =>
      setImmediate(() =>
        pusher.user.serverToUserChannel?.bind("pusher:subscription_succeeded", () =>
          write({ client, channel: "#user", event: "pusher:subscription_succeeded" }),
        ),
      ),
    )
  },
  subscribe: ({ client, channel }) => bindChannel(client, channel, clients.get(client).subscribe(channel)),
  unsubscribe: ({ client, channel }) => clients.get(client).unsubscribe(channel),
  send: ({ client, channel, event, data }) => clients.get(client).channel(channel).trigger(event, data),
  signIn: ({ client }) => clients.get(client).signin(),
  members: ({ client, channel }) =>
    write({
      client,
      channel,
      event: "members",
      data: Object.fromEntries(Object.entries(clients.get(client).channel(channel).members.members).map(([id, info]) => [id, info ?? null])),
    }),
  disconnect: ({ client }) => {
    clients.get(client)?.connection.unbind_all()
    clients.get(client)?.disconnect()
    clients.delete(client)
  },
  // Responds when messages that were sent or received before have been handled.
  flush: () => new Promise((resolve) => setTimeout(resolve, 5)),
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const command = JSON.parse(line)
  try {
    await commands[command.command](command)
    write({ done: command.client })
  } catch (error) {
    write({ done: command.client, failed: error.message })
  }
})
