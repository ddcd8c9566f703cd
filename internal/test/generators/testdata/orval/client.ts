import axios from "axios";
import { signQueries } from "./axios.js";
import { getChannel } from "./generated";
import { parseApp } from "./signing.js";

async function main(pusherURL?: string, channel = "") {
  const app = parseApp(pusherURL);
  axios.defaults.baseURL = app.origin;
  signQueries(axios, app);
  const response = await getChannel(app.id, channel, { info: "user_count,subscription_count" });
  console.log(JSON.stringify(response.data));
}

void main(process.argv[2], process.argv[3]);
