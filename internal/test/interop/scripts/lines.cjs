// A test asks with a line of JSON on stdin, {"do": name, "with": arguments}, and
// gets a line on stdout: {"result": any} or {"error": {"message": text, …}}.
// Between them come {"report": any} lines, whenever there is something to tell.
"use strict"

const readline = require("node:readline")

const write = (line) => process.stdout.write(JSON.stringify(line) + "\n")

exports.report = (report) => write({ report })

// serve answers one line at a time, in order.
exports.serve = async (commands) => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      const { do: name, with: args } = JSON.parse(line)
      if (!Object.hasOwn(commands, name)) throw new Error(`no command ${name}`)
      write({ result: (await commands[name](args)) ?? null })
    } catch (error) {
      write({ error: { message: error.message, status: error.status, body: error.body } })
    }
  }
  process.exit(0)
}
