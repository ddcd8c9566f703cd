// Publishes events and queries channels on the server of a PUSHER_URL, with the
// types that openapi-typescript generates from openapi.yaml:
//
//	node client.js http://KEY:SECRET@HOST:PORT/apps/ID
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";
import { parseApp, signRequest, signedURL } from "./signing.js";

type TriggerRequest = components["schemas"]["TriggerRequest"];

// The worked examples of openapi.yaml.
const example = { key: "278d425bdf160c739803", secret: "7ad3773142a6692b25b8" };
assert.match(
  signedURL(
    "POST",
    "http://api.pusherapp.com/apps/3/events",
    '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}',
    example,
    1353088179,
  ),
  /auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c$/,
);
assert.match(
  signedURL(
    "GET",
    "http://api.pusherapp.com/apps/3/channels/foo-bar_1234%40%3D%2C.%3B?info=user_count%2Csubscription_count",
    "",
    example,
    1353088179,
  ),
  /^http:\/\/api.pusherapp.com\/apps\/3\/channels\/foo-bar_1234@=,.;\?.*auth_signature=d3c8f69278989f1042ba048fbdfec5fecc23cb8c566d438c1d31e4e87b1a31a4$/,
);

const app = parseApp(process.argv[2]);
const app_id = app.id;
const client = createClient<paths>({ baseUrl: app.origin });
client.use({ onRequest: ({ request }) => signRequest(request, app) });

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
    params: { path: { app_id }, query: { filter_by_prefix: "presence-", info: "user_count" } },
  }),
);
assert.deepEqual(listed, { channels: { "presence-foo_1234@=,.;": { user_count: 2 } } });

const channel = data(
  await client.GET("/apps/{app_id}/channels/{channel_name}", {
    params: {
      path: { app_id, channel_name: "presence-desk-4" },
      query: { info: "user_count,subscription_count" },
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

// The body is optional.
data(
  await client.POST("/apps/{app_id}/users/{user_id}/terminate_connections", {
    params: { path: { app_id, user_id: "12345" } },
  }),
);

const rejected = await client.GET("/apps/{app_id}/channels/{channel_name}/users", {
  params: { path: { app_id, channel_name: "prices" } },
  parseAs: "text",
});
assert.equal(rejected.response.status, 400);
assert.match(String(rejected.error), /Users can only be retrieved for presence channels/);

console.log("all calls succeeded");
