import createClient from "openapi-fetch";
import type { paths } from "./openapi.js";
import { parseApp, signRequest } from "./signing.js";

async function main(pusherURL?: string, channel_name = "") {
  const app = parseApp(pusherURL);
  const client = createClient<paths>({ baseUrl: app.origin });
  client.use({ onRequest: ({ request }) => signRequest(request, app) });
  const { data, error } = await client.GET("/apps/{app_id}/channels/{channel_name}", {
    params: { path: { app_id: app.id, channel_name }, query: { info: "user_count,subscription_count" } },
  });
  console.log(JSON.stringify(data ?? error));
}

void main(process.argv[2], process.argv[3]);
