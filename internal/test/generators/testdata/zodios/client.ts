import { signQueries } from "./axios.js";
import { createApiClient } from "./generated";
import { parseApp } from "./signing.js";

async function main(pusherURL?: string, channel_name = "") {
  const app = parseApp(pusherURL);
  const api = createApiClient(app.origin);
  signQueries(api.axios, app);
  const channel = await api.getChannel({
    params: { app_id: app.id, channel_name },
    queries: { info: "user_count,subscription_count" },
  });
  console.log(JSON.stringify(channel));
}

void main(process.argv[2], process.argv[3]);
