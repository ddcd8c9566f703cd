// Each of these lines must be an error of the compiler; tsc reports those that are not.
import type { Channel } from "pusher-js";
import { on, send } from "./shop.js";

export function mistakes(channel: Channel): void {
  // @ts-expect-error: there is no event of this name
  on(channel, "price-change", () => {});
  // @ts-expect-error: the property is named cents
  on(channel, "price-changed", (price) => price.cent);
  // @ts-expect-error: cents is a number
  on(channel, "price-changed", (price) => price.cents.toUpperCase());
  // @ts-expect-error: until may be missing
  on(channel, "price-changed", (price) => price.until.length);
  // @ts-expect-error: on is a boolean
  send(channel, "client-typing", { on: "yes" });
  // @ts-expect-error: only client events can be sent by a browser
  send(channel, "price-changed", { product: "tea", cents: 349 });
}
