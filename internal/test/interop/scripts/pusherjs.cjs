// Runs clients of pusher-js, each under a name, and reports all that they hear:
// {client, channel, event, data, user}. The channel of a connection's own events
// is "", that of events for the signed-in user "#user", of its watchlist
// "#watchlist". Beside "connected" stands the socket ID.
"use strict"

const Pusher = require("pusher-js")
const { report, serve } = require("./lines.cjs")

const clients = new Map()

const listen = (client, channel, to) =>
  to.bind_global((event, data) => event.startsWith("client-") || report({ client, channel, event, data }))

serve({
  connect: ({ client, key, options }) => {
    const pusher = new Pusher(key, options)
    clients.set(client, pusher)
    pusher.connection.bind("state_change", ({ current }) =>
      report({ client, channel: "", event: current, data: pusher.connection.socket_id }),
    )
    // What the server said comes wrapped when it ended the handshake.
    pusher.connection.bind("error", ({ type, data, error }) => {
      const said = data ?? error?.data
      report({ client, channel: "", event: said ? "error" : type, data: said })
    })
    // The library subscribes to the user's own channel once it knows the user.
    pusher.bind("pusher:signin_success", () =>
      setImmediate(() =>
        pusher.user.serverToUserChannel?.bind("pusher:subscription_succeeded", () =>
          report({ client, channel: "#user", event: "pusher:subscription_succeeded" }),
        ),
      ),
    )
    listen(client, "#user", pusher.user)
    listen(client, "#watchlist", pusher.user.watchlist)
  },

  subscribe: ({ client, channel }) => void listen(client, channel, clients.get(client).subscribe(channel)),
  // Who sent a client event the library tells only those who bind to it by name.
  bind: ({ client, channel, event }) =>
    void clients.get(client).channel(channel).bind(event, (data, metadata) =>
      report({ client, channel, event, data, user: metadata?.user_id }),
    ),
  unsubscribe: ({ client, channel }) => clients.get(client).unsubscribe(channel),
  // Tells whether the client has sent it.
  send: ({ client, channel, event, data }) => clients.get(client).channel(channel).trigger(event, data),
  signin: ({ client }) => clients.get(client).signin(),
  disconnect: ({ client }) => clients.get(client).disconnect(),
})
