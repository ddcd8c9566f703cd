// Runs named clients of pusher-js and emits the events that they receive:
// {client, channel, event, data, user}. The channel is "" for events of the connection,
// "#user" for events sent to the signed-in user and "#watchlist" for watchlist events.
// The data of "connected" is the socket ID.
"use strict"

const Pusher = require("pusher-js")
const batchAuthorizer = require("pusher-js-auth")
const { emit, serve } = require("./json_lines.cjs")

const clients = new Map()

const emitAll = (client, channel, target) =>
  target.bind_global((event, data) => event.startsWith("client-") || emit({ client, channel, event, data }))

serve({
  // With batchAuth, pusher-js-auth sends the authorization requests.
  connect: ({ client, key, options: { batchAuth, ...options } }) => {
    const pusher = new Pusher(key, batchAuth ? { ...options, authorizer: batchAuthorizer } : options)
    clients.set(client, pusher)
    pusher.connection.bind("state_change", ({ current }) =>
      emit({ client, channel: "", event: current, data: pusher.connection.socket_id }),
    )
    // pusher-js wraps an error that the server sends during the handshake.
    pusher.connection.bind("error", ({ type, data, error }) => {
      const sent = data ?? error?.data
      emit({ client, channel: "", event: sent ? "error" : type, data: sent })
    })
    // pusher-js creates the user's channel after this event.
    pusher.bind("pusher:signin_success", () =>
      setImmediate(() =>
        pusher.user.serverToUserChannel?.bind("pusher:subscription_succeeded", () =>
          emit({ client, channel: "#user", event: "pusher:subscription_succeeded" }),
        ),
      ),
    )
    emitAll(client, "#user", pusher.user)
    emitAll(client, "#watchlist", pusher.user.watchlist)
  },

  // Subscribes to all channels in one turn of the event loop, like a page does.
  subscribe: ({ client, channels }) => {
    for (const channel of channels) emitAll(client, channel, clients.get(client).subscribe(channel))
  },
  // pusher-js passes the sender of a client event only to handlers of that event.
  bind: ({ client, channel, event }) =>
    void clients.get(client).channel(channel).bind(event, (data, metadata) =>
      emit({ client, channel, event, data, user: metadata?.user_id }),
    ),
  unsubscribe: ({ client, channel }) => clients.get(client).unsubscribe(channel),
  // Returns whether pusher-js sent the client event.
  send: ({ client, channel, event, data }) => clients.get(client).channel(channel).trigger(event, data),
  signIn: ({ client }) => clients.get(client).signin(),
  disconnect: ({ client }) => clients.get(client).disconnect(),
})
