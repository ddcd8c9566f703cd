import { signQueries } from "./axios.js";
import { Api } from "./generated/Api";
import { parseApp } from "./signing.js";

async function main(pusherURL?: string, channel = "") {
  const app = parseApp(pusherURL);
  const api = new Api({ baseURL: app.origin });
  signQueries(api.instance, app);
  const response = await api.apps.getChannel(app.id, channel, { info: "user_count,subscription_count" });
  console.log(JSON.stringify(response.data));
}

void main(process.argv[2], process.argv[3]);
