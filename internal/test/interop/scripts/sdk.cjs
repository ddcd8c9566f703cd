// Calls Pusher's server library for Node.js. Every command is given the settings
// of the app, as the library's constructor takes them.
"use strict"

const nacl = require("tweetnacl")
const Pusher = require("pusher")
const { serve } = require("./lines.cjs")

serve({
  // Any method that returns a value, or the promise of a response.
  call: async ({ app, method, args }) => {
    const result = await new Pusher(app)[method](...args)
    return typeof result.text === "function" ? { status: result.status, body: await result.text() } : result
  },

  // The library can encrypt only, so the cipher under it opens the box.
  decrypt: ({ app, channel, data }) => {
    const { nonce, ciphertext } = JSON.parse(data)
    const opened = nacl.secretbox.open(
      Buffer.from(ciphertext, "base64"),
      Buffer.from(nonce, "base64"),
      new Pusher(app).channelSharedSecret(channel),
    )
    return opened && Buffer.from(opened).toString()
  },

  webhook: ({ app, headers, body, tokens }) => {
    const webhook = new Pusher(app).webhook({ headers, rawBody: body })
    return webhook.isValid(tokens) ? webhook.getData() : null
  },
})
