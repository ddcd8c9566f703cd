// Calls Pusher's server library for Node.js. The app of every command is the argument
// of the library's constructor.
"use strict"

const nacl = require("tweetnacl")
const Pusher = require("pusher")
const { serve } = require("./json_lines.cjs")

serve({
  // Calls a method that returns a value or the promise of a response.
  call: async ({ app, method, args }) => {
    const result = await new Pusher(app)[method](...args)
    return typeof result.text === "function" ? { status: result.status, body: await result.text() } : result
  },

  // The library only encrypts, so this decrypts with the package it encrypts with.
  decrypt: ({ app, channel, data }) => {
    const { nonce, ciphertext } = JSON.parse(data)
    const plain = nacl.secretbox.open(
      Buffer.from(ciphertext, "base64"),
      Buffer.from(nonce, "base64"),
      new Pusher(app).channelSharedSecret(channel),
    )
    return plain && Buffer.from(plain).toString()
  },

  // Returns the content of a webhook, or null if the library rejects it.
  webhook: ({ app, headers, body, tokens }) => {
    const webhook = new Pusher(app).webhook({ headers, rawBody: body })
    return webhook.isValid(tokens) ? webhook.getData() : null
  },
})
