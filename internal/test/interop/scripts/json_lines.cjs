// A test sends commands as lines of JSON on stdin: {"command": name, "args": object}.
// The response is a line on stdout: {"result": any} or {"error": {"message": text, …}}.
// Lines with {"event": object} can appear at any time.
"use strict"

const readline = require("node:readline")

const write = (line) => process.stdout.write(JSON.stringify(line) + "\n")

exports.emit = (event) => write({ event })

// Runs one command at a time, in order.
exports.serve = async (commands) => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      const { command, args } = JSON.parse(line)
      if (!Object.hasOwn(commands, command)) throw new Error(`unknown command ${command}`)
      write({ result: (await commands[command](args)) ?? null })
    } catch (error) {
      write({ error: { message: error.message, status: error.status, body: error.body } })
    }
  }
  process.exit(0)
}
