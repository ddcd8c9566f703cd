// Publishes events and queries channels on the server of a PUSHER_URL, with the
// types that openapi-typescript generates from openapi.yaml:
//
//	node client.js http://KEY:SECRET@HOST:PORT/apps/ID
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";
import { signedQuery, signer } from "./signing.js";

type TriggerRequest = components["schemas"]["TriggerRequest"];

// Source: Pusher HTTP API reference, "Worked authentication example".
assert.match(
  signedQuery(
    "POST",
    new URL("http://api.pusherapp.com/apps/3/events"),
    '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}',
    "278d425bdf160c739803",
    "7ad3773142a6692b25b8",
    1353088179,
  ),
  /auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c$/,
);

const [address] = process.argv.slice(2);
if (address === undefined) {
  throw new Error("usage: node client.js PUSHER_URL");
}
const app = new URL(address);
const app_id = app.pathname.replace("/apps/", "");

const client = createClient<paths>({
  baseUrl: app.origin,
  querySerializer: { array: { style: "form", explode: false } }, // info=a,b
});
client.use(signer(app.username, app.password));

/** Returns the data of a successful response. */
function data<T>(result: { data?: T; error?: unknown; response: Response }): T {
  if (result.data === undefined) {
    throw new Error(`status ${result.response.status}: ${JSON.stringify(result.error)}`);
  }
  return result.data;
}

const event: TriggerRequest = {
  name: "price-changed",
  channels: ["presence-desk-4", "prices"],
  data: JSON.stringify({ cents: 1999 }),
  info: "user_count,subscription_count",
};
const triggered = data(await client.POST("/apps/{app_id}/events", { params: { path: { app_id } }, body: event }));
assert.equal(triggered.channels?.["presence-desk-4"]?.user_count, 0);
assert.equal(triggered.channels?.["prices"]?.subscription_count, 0);

const batch = data(
  await client.POST("/apps/{app_id}/batch_events", {
    params: { path: { app_id } },
    body: {
      batch: [
        { name: "price-changed", channel: "prices", data: "1" },
        { name: "price-changed", channel: "presence-desk-4", data: "2", info: "user_count" },
      ],
    },
  }),
);
assert.deepEqual(batch.batch, [{}, { user_count: 0 }]);

const listed = data(
  await client.GET("/apps/{app_id}/channels", {
    params: { path: { app_id }, query: { filter_by_prefix: "presence-", info: ["user_count"] } },
  }),
);
assert.deepEqual(listed, { channels: {} });

const channel = data(
  await client.GET("/apps/{app_id}/channels/{channel_name}", {
    params: {
      path: { app_id, channel_name: "presence-desk-4" },
      query: { info: ["user_count", "subscription_count"] },
    },
  }),
);
assert.equal(channel.occupied, false);
assert.equal(channel.user_count, 0);
assert.equal(channel.subscription_count, 0);

const users = data(
  await client.GET("/apps/{app_id}/channels/{channel_name}/users", {
    params: { path: { app_id, channel_name: "presence-desk-4" } },
  }),
);
assert.deepEqual(users, { users: [] });

data(
  await client.POST("/apps/{app_id}/users/{user_id}/terminate_connections", {
    params: { path: { app_id, user_id: "12345" } },
    body: {},
  }),
);

const rejected = await client.GET("/apps/{app_id}/channels/{channel_name}/users", {
  params: { path: { app_id, channel_name: "prices" } },
  parseAs: "text",
});
assert.equal(rejected.response.status, 400);
assert.match(String(rejected.error), /Users can only be retrieved for presence channels/);

console.log("all calls succeeded");
