// The channels and connections of an app.

import { appPath, get } from "./api.js"
import { find, keyedList, make, setText } from "./dom.js"
import { contents } from "./entry.js"
import { clock, number, oneLine, plural } from "./text.js"

const limit = 100
const maxNames = 20

// A channel with members or a cached event can be opened. It has another row without them.
const canOpen = ({ users, cached }) => Boolean(users?.length || cached)
const rowOf = (channel) => [canOpen(channel), Boolean(channel.cached), channel.name].join(" ")

const showChannels = keyedList(find("#channels ul"), rowOf, (channel) => {
  const parts = [make("bdi", "title"), make("span", "meta", make("span", "tag"), make("span", "count"))]
  if (!canOpen(channel)) return make("li", "", make("div", "line", ...parts))
  return make("li", "", make("details", "", make("summary", "line", ...parts), make("ul", "names"), make("div", "cached")))
}, (row, channel) => {
  const { name, subscriptions, users, cached } = channel
  setText(find(".title", row), oneLine(name))
  setText(find(".tag", row), cached ? "cached" : "")
  setText(find(".count", row), users ? plural(users.length, "member") : plural(subscriptions, "subscription"))
  if (!canOpen(channel)) return
  showNames(find(".names", row), users ?? [])
  if (!cached) return
  const text = JSON.stringify(cached)
  if (text === row.dataset.cached) return // keeps the selection of text
  row.dataset.cached = text
  find(".cached", row).replaceChildren(...contents({ facts: [["Cached event", cached.name]], payload: cached.data }))
})

const showConnections = keyedList(find("#connections ul"), (connection) => connection.socket_id, () =>
  make("li", "", make("div", "line", make("bdi", "title"), make("span", "quiet")), make("ul", "names")),
(row, { socket_id, client, user_id, channels, opened }) => {
  setText(find(".title", row), oneLine(socket_id))
  setText(find(".quiet", row), [client && oneLine(client), clock(opened).slice(0, 5)].filter(Boolean).join(" · "))
  const names = channels.filter((name) => name !== `#server-to-user-${user_id}`)
  showNames(find(".names", row), user_id ? [user_id, ...names] : names)
  row.classList.toggle("signed-in", Boolean(user_id))
})

function showNames(list, names) {
  const shown = names.slice(0, maxNames).map(oneLine)
  if (names.length > maxNames) shown.push(`and ${number(names.length - maxNames)} more`)
  if (shown.join("\n") === [...list.children].map((item) => item.textContent).join("\n")) return
  list.replaceChildren(...shown.map((name) => make("li", "", make("bdi", "", name))))
}

function showMore(section, total, shown, none) {
  const more = find(`${section} .more`)
  more.hidden = total > 0 && shown === total
  setText(more, total === 0 ? none : `${number(shown)} of ${number(total)} are shown.`)
}

// refresh requests the state of an app and shows it.
export async function refresh(app, signal) {
  const prefix = find("#prefix").value.trim()
  const [channels, connections] = await Promise.all([
    get(appPath(app, `channels?limit=${limit}&prefix=${encodeURIComponent(prefix)}`), { signal }),
    get(appPath(app, `connections?limit=${limit}`), { signal }),
  ])
  if (prefix !== find("#prefix").value.trim()) return // a newer request is on its way
  showChannels(channels.channels)
  showConnections(connections.connections)
  showMore("#channels", channels.total, channels.channels.length, prefix ? "No occupied channel starts with this." : "No channel is occupied.")
  showMore("#connections", connections.total, connections.connections.length, "No client is connected.")
  if (!prefix) setText(find("#total-channels"), number(channels.total))
  setText(find("#total-connections"), number(connections.total))
}
