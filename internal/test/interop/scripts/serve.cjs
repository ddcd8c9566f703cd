// Runs the lines of JavaScript that `pusherctl serve` prints, with the libraries that
// they are for.
"use strict"

const PusherJS = require("pusher-js")
const PusherNode = require("pusher")
const { emit, serve } = require("./json_lines.cjs")

const run = (code, Pusher) => new Function("Pusher", `return ${code}`)(Pusher)
let client

serve({
  // Subscribes to channels with pusher-js and emits their events.
  subscribe: ({ code, channels }) => {
    client = run(code, PusherJS)
    for (const channel of channels)
      client.subscribe(channel).bind_global((event, data) => emit({ client: "pusher-js", channel, event, data }))
  },
  disconnect: () => client.disconnect(),

  // Publishes an event with the library for servers.
  trigger: async ({ code, channels, event, data }) => (await run(code, PusherNode).trigger(channels, event, data)).status,
})
