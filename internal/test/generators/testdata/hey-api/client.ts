import { getChannel } from "./generated";
import { client } from "./generated/client.gen";
import { parseApp, signRequest } from "./signing.js";

async function main(pusherURL?: string, channel_name = "") {
  const app = parseApp(pusherURL);
  client.setConfig({ baseUrl: app.origin });
  client.interceptors.request.use((request) => signRequest(request, app));
  const { data, error } = await getChannel({
    path: { app_id: app.id, channel_name },
    query: { info: "user_count,subscription_count" },
  });
  console.log(JSON.stringify(data ?? error));
}

void main(process.argv[2], process.argv[3]);
