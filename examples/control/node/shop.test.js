import assert from "node:assert/strict"
import { after, afterEach, beforeEach, test } from "node:test"
import Pusher from "pusher"

import { createApp } from "./control.js"
import { Shop } from "./shop.js"

const app = await createApp()
let shop

beforeEach(() => (shop = new Shop(Pusher.forURL(app.pusherURL))))
afterEach(() => app.reset())
after(() => app.delete())

test("publishes an order", async () => {
  await shop.placeOrder({ id: 7, total: 1999 })

  const [event] = await app.events("orders", 1)
  assert.equal(event.name, "created")
  assert.deepEqual(JSON.parse(event.data), { id: 7, total: 1999 })
})

test("publishes an order that was placed while Pusher failed", async () => {
  await app.fail({ status: 503, body: "Service unavailable\n", path: "/events" })
  await shop.placeOrder({ id: 8 })
  assert.deepEqual(shop.unpublished, [{ id: 8 }])

  await shop.placeOrder({ id: 9 })
  const events = await app.events("orders", 2)
  assert.deepEqual(events.map((event) => JSON.parse(event.data).id), [8, 9])
})

test("places an order when the connection is lost", async () => {
  await app.fail({}) // no response
  await shop.placeOrder({ id: 10 })
  assert.deepEqual(shop.unpublished, [{ id: 10 }])
})
