// Compiled by TestJavaScript_types: the types fit pusher-js.
import Pusher from "pusher-js"
import type { Channel } from "pusher-js"
import { catchUp, type HistoryEvent, type Position } from "../js/catchup.js"

const pusher = new Pusher("key", { cluster: "eu" })
const subscription = catchUp<{ total: number }, Channel>(pusher, "private-order-7", {
  url: "/pusher/history",
  position: { epoch: "4d0c", seq: 17 },
  onEvent: (event: HistoryEvent<{ total: number }>) => console.log(event.name, event.data.total.toFixed(2), event.seq),
  onReload: async (newest: Position): Promise<Position> => newest,
  request: { headers: { Authorization: "Bearer token" } },
})
const position: Position | null = subscription.position
subscription.channel.trigger("client-typing", position)
subscription.close()

// @ts-expect-error: onReload is required, because events can be lost.
catchUp(pusher, "orders", { url: "/history", onEvent: () => {} })
