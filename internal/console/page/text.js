// Text for people. Whatever comes from clients is shown as it is: characters that are
// invisible or change the direction of text become escapes.

const maxPreview = 200
const maxIndented = 100_000
const maxDepth = 16
const maxPayload = 20_000

// Joiners stay, because emoji and several scripts need them.
const invisible = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
const invisibleInLines = /(?![\u200c\u200d\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

function escape(c) {
  const hex = c.codePointAt(0).toString(16)
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`
}

// oneLine returns the beginning of text on one line.
export function oneLine(text) {
  const start = String(text).slice(0, maxPreview)
  return start.replace(/\s+/g, " ").replace(invisible, escape) + (text.length > maxPreview ? "…" : "")
}

// payload returns text for display, indented if it is JSON.
export function payload(text) {
  const all = text.length > maxIndented ? text : indent(text)
  const shown = all.slice(0, maxPayload).replace(invisibleInLines, escape)
  return all.length > maxPayload ? `${shown}\n… ${number(all.length - maxPayload)} more characters` : shown
}

// indent changes only the white space of JSON. JSON.stringify would change long numbers
// and drop repeated keys.
function indent(text) {
  try {
    JSON.parse(text)
  } catch {
    return text
  }
  let depth = 0
  const line = () => "\n" + "  ".repeat(Math.min(depth, maxDepth))
  return text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|[[{]\s*[\]}]|[[\]{},:]|\s+/g, (token) => {
    switch (token[0]) {
      case '"':
        return token
      case "{":
      case "[":
        if (token.length > 1) return token[0] + token.at(-1)
        depth++
        return token + line()
      case "}":
      case "]":
        depth--
        return line() + token
      case ",":
        return token + line()
      case ":":
        return ": "
    }
    return ""
  })
}

export const number = (n) => n.toLocaleString("en")

export const plural = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`

export const bytes = (text) => new TextEncoder().encode(text).length

// clock returns the time of day with milliseconds.
export function clock(time) {
  const date = new Date(time)
  const two = (n) => String(n).padStart(2, "0")
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`
}
