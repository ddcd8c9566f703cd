// Requests to the control API. The token is part of the address that `pusherctl serve`
// prints; it is kept for this tab only.

const base = new URL("../control/", location.href)
const storageKey = "pusherctl-control-token"

export const useToken = (token) => sessionStorage.setItem(storageKey, token)

const token = new URLSearchParams(location.hash.slice(1)).get("token")
if (token) {
  useToken(token)
  history.replaceState(null, "", location.pathname)
}

// request returns the response, or throws an Error with the status code and the text of
// the error response.
export async function request(method, path, { body, signal } = {}) {
  const headers = {}
  const token = sessionStorage.getItem(storageKey)
  if (token) headers.Authorization = `Bearer ${token}`
  if (body) headers["Content-Type"] = "application/json"
  const response = await fetch(new URL(path, base), { method, headers, body: body && JSON.stringify(body), signal, cache: "no-store" })
  if (response.ok) return response
  const text = errorText(await response.text()) || response.statusText
  throw Object.assign(new Error(text), { status: response.status })
}

export const get = async (path, options) => (await request("GET", path, options)).json()

export const appPath = (app, rest) => `apps/${encodeURIComponent(app)}/${rest}`

function errorText(text) {
  try {
    return JSON.parse(text).error ?? text
  } catch {
    return text.trim()
  }
}
