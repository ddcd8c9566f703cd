// The page: what it posts to the app's server, and what pusher-js brings it.

const { key, options, user } = JSON.parse(document.querySelector("#settings").textContent)
const PEOPLE = "presence-people"
const HOOKS = "private-cache-webhooks"

const find = (selector) => document.querySelector(selector)
const make = (tag, text = "") => Object.assign(document.createElement(tag), { textContent: text })

// Without options the page's own server is the Pusher server too.
const ownServer = () => ({
  cluster: "",
  wsHost: location.hostname,
  wsPort: Number(location.port) || 80,
  wssPort: Number(location.port) || 443,
  forceTLS: location.protocol === "https:",
  enabledTransports: ["ws", "wss"],
})

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error((await response.text()).trim())
  return response.json()
}

function notify(text) {
  const notice = find("#notice")
  notice.textContent = text
  clearTimeout(notify.timer)
  notify.timer = setTimeout(() => (notice.textContent = ""), 4000)
}

// send has a form post what is in it, and says so if that fails.
const send = (form, action) =>
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    try {
      await action(form)
    } catch (error) {
      notify(error.message)
    }
  })

if (user) {
  open(user)
} else {
  find("#join").hidden = false
  find("#name").focus()
  send(find("#join"), async (form) => open(await post("/session", { name: form.elements.name.value })))
}

function open(me) {
  find("#join").hidden = true
  find("#chat").hidden = false

  const pusher = new Pusher(key, {
    ...(options ?? ownServer()),
    channelAuthorization: { endpoint: "/pusher/auth" },
    userAuthentication: { endpoint: "/pusher/user-auth" },
  })
  showConnection(pusher)
  pusher.signin()
  pusher.user.bind("wave", (from) => notify(`${from.name} waves at you`))

  const people = showPeople(pusher, me)
  const rooms = showRooms(pusher, me)
  showTyping(people, rooms)
  showHooks(pusher)

  send(find("#say"), async (form) => {
    const room = rooms.current
    const text = form.elements.text.value
    const said = await post("/messages", { room, text, socket_id: pusher.connection.socket_id })
    form.reset()
    rooms.add(room, said)
  })
  find("#text").focus()
}

function showConnection(pusher) {
  const status = find("#status")
  pusher.connection.bind("state_change", ({ current }) => {
    status.textContent = current[0].toUpperCase() + current.slice(1)
    status.classList.toggle("connected", current === "connected")
  })
}

// The rooms' messages, and which room is in view.
function showRooms(pusher, me) {
  const logs = new Map()
  const rooms = {
    current: "",
    add(channel, { from, text }) {
      const log = logs.get(channel)
      const item = make("li")
      item.append(make("b", from.name), make("span", text))
      item.classList.toggle("mine", from.id === me.id)
      log.list.append(item)
      log.list.scrollTop = log.list.scrollHeight
      log.button.classList.toggle("unread", channel !== rooms.current)
    },
  }
  const show = (channel) => {
    rooms.current = channel
    find("#room-title").textContent = logs.get(channel).button.firstChild.textContent
    for (const [name, { list, button }] of logs) {
      list.hidden = name !== channel
      button.ariaCurrent = name === channel ? "true" : null
    }
    logs.get(channel).button.classList.remove("unread")
  }
  for (const button of document.querySelectorAll("nav button")) {
    const channel = button.dataset.channel
    const list = make("ol")
    list.setAttribute("role", "log")
    list.setAttribute("aria-label", `Messages in ${button.firstChild.textContent.trim()}`)
    list.tabIndex = 0
    find("#logs").append(list)
    logs.set(channel, { list, button })
    button.addEventListener("click", () => show(channel))
    pusher.subscribe(channel).bind("message", (message) => rooms.add(channel, message))
  }
  show(logs.keys().next().value)
  return rooms
}

function showPeople(pusher, me) {
  const channel = pusher.subscribe(PEOPLE)
  const show = () => {
    const items = []
    channel.members.each(({ id, info }) => {
      const item = make("li")
      item.append(make("span", id === me.id ? `${info.name} (you)` : info.name))
      if (id !== me.id) {
        const wave = make("button", "Wave")
        wave.type = "button"
        wave.setAttribute("aria-label", `Wave at ${info.name}`)
        wave.addEventListener("click", () => post("/waves", { to: id }).catch((error) => notify(error.message)))
        item.append(wave)
      }
      items.push(item)
    })
    find("#people").replaceChildren(...items)
    find("#people-title").textContent = `People (${channel.members.count})`
  }
  for (const event of ["pusher:subscription_succeeded", "pusher:member_added", "pusher:member_removed"]) {
    channel.bind(event, show)
  }
  return channel
}

// A client event goes from browser to browser; Pusher allows ten a second.
function showTyping(people, rooms) {
  let quietUntil = 0
  find("#text").addEventListener("input", () => {
    if (!people.subscribed || Date.now() < quietUntil) return
    quietUntil = Date.now() + 2000
    people.trigger("client-typing", { room: rooms.current })
  })
  people.bind("client-typing", ({ room }, { user_id }) => {
    if (room !== rooms.current) return
    find("#typing").textContent = `${people.members.get(user_id)?.info.name ?? "Someone"} is writing…`
    clearTimeout(showTyping.timer)
    showTyping.timer = setTimeout(() => (find("#typing").textContent = ""), 3000)
  })
}

// Each event has the whole log, newest first.
function showHooks(pusher) {
  pusher.subscribe(HOOKS).bind("log", (entries) => {
    const items = entries.map(({ time, text }) => {
      const item = make("li")
      item.append(make("time", time), make("span", text))
      return item
    })
    find("#hooks").replaceChildren(...items)
  })
}
