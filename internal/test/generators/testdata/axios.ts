import type { AxiosInstance } from "axios";
import { type App, signedURL } from "./signing.js";

/** Signs the requests of an axios client without a body. */
export function signQueries(client: AxiosInstance, app: App): void {
  client.interceptors.request.use((config) => {
    config.url = signedURL(config.method ?? "get", client.getUri(config), "", app);
    config.params = undefined;
    return config;
  });
}
