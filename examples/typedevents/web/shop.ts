// The browser's side of the shop. The types of events.ts are generated from the Go
// types, so the compiler checks that both sides agree.
import Pusher, { type Channel } from "pusher-js";
import type { Events } from "./events.js";

/** Calls the handler with the data of each event of this name. */
export function on<Name extends keyof Events>(channel: Channel, name: Name, handler: (data: Events[Name]) => void): void {
  channel.bind(name, handler);
}

/** Sends a client event. Its channel must be private or a presence channel. */
export function send<Name extends keyof Events & `client-${string}`>(channel: Channel, name: Name, data: Events[Name]): void {
  channel.trigger(name, data);
}

export function start(pusher: Pusher, show: (text: string) => void): void {
  on(pusher.subscribe("prices"), "price-changed", (price) => {
    show(`${price.product}: ${(price.cents / 100).toFixed(2)} €`);
  });
  const chat = pusher.subscribe("private-chat");
  chat.bind("pusher:subscription_succeeded", () => send(chat, "client-typing", { on: true }));
}
