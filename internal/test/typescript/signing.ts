import { createHash, createHmac } from "node:crypto";
import type { Middleware } from "openapi-fetch";

/** Returns a middleware that signs requests as the introduction of openapi.yaml describes. */
export function signer(key: string, secret: string): Middleware {
  return {
    async onRequest({ request }) {
      const body = await request.clone().text();
      const url = new URL(request.url);
      url.search = signedQuery(request.method, url, body, key, secret, Math.floor(Date.now() / 1000));
      return new Request(url, {
        method: request.method,
        headers: request.headers,
        ...(body === "" ? {} : { body }),
      });
    },
  };
}

/** Returns the query of the URL with the parameters that authenticate the request. */
export function signedQuery(
  method: string,
  url: URL,
  body: string,
  key: string,
  secret: string,
  timestamp: number,
): string {
  const query = new URLSearchParams(url.search);
  query.set("auth_key", key);
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
  const signature = createHmac("sha256", secret)
    .update(`${method}\n${decodeURIComponent(url.pathname)}\n${unescaped}`)
    .digest("hex");
  query.set("auth_signature", signature);
  return query.toString();
}
