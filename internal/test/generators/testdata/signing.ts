// Signs requests as the introduction of openapi.yaml describes.
import { createHash, createHmac } from "node:crypto";

/** The app of a PUSHER_URL, http://KEY:SECRET@HOST:PORT/apps/ID. */
export interface App {
  origin: string;
  id: string;
  key: string;
  secret: string;
}

export function parseApp(pusherURL: string | undefined): App {
  if (pusherURL === undefined) {
    throw new Error("usage: node client.js PUSHER_URL");
  }
  const url = new URL(pusherURL);
  return { origin: url.origin, id: url.pathname.replace("/apps/", ""), key: url.username, secret: url.password };
}

/** Returns the URL of a request with the parameters that authenticate it. */
export function signedURL(
  method: string,
  address: string,
  body: string,
  app: Pick<App, "key" | "secret">,
  timestamp = Math.floor(Date.now() / 1000),
): string {
  const url = new URL(address);
  const path = decodeURIComponent(url.pathname); // generated clients encode "@=,;"
  const query = url.searchParams;
  query.set("auth_key", app.key);
  query.set("auth_timestamp", String(timestamp));
  query.set("auth_version", "1.0");
  if (body !== "") {
    query.set("body_md5", createHash("md5").update(body).digest("hex"));
  }
  const unescaped = [...query]
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  const signature = createHmac("sha256", app.secret)
    .update(`${method.toUpperCase()}\n${path}\n${unescaped}`)
    .digest("hex");
  query.set("auth_signature", signature);
  return `${url.origin}${path}?${query}`;
}

/** Signs a request of fetch. */
export async function signRequest(request: Request, app: App): Promise<Request> {
  const body = await request.clone().text();
  return new Request(signedURL(request.method, request.url, body, app), {
    method: request.method,
    headers: request.headers,
    ...(body === "" ? {} : { body }),
  });
}
