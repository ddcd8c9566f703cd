// Package pushertest runs a Pusher Channels server inside a test, in the spirit
// of net/http/httptest: no account, no network, no second process.
//
// [NewServer] starts one on loopback; hand its [Server.PusherURL] to the client
// under test. [Server.Events] and [Server.WaitForEvent] tell what was triggered,
// [Server.SetChannel] says who is on a channel, and [Server.Fail], [Server.Delay]
// and [Server.DropConnections] make things go wrong. [New] gives the same server
// without a listener, as an [http.Handler] to mount, or to run as a local
// development server.
//
// # What is true to Pusher
//
//   - Every request's signature is verified, in Pusher's order, and every request
//     is checked against this module's OpenAPI document. What Pusher would refuse,
//     the server refuses, with Pusher's status and, where it is on record,
//     Pusher's exact text.
//   - The state is real: what is triggered on a cache channel can be read back for
//     30 minutes, a channel without subscribers is not occupied, an attribute that
//     a channel does not have is left out or refused as the endpoint has it.
//
// # What is not
//
//   - Only the HTTP API is served: there are no WebSocket connections and no
//     webhooks, so that subscribers are those that SetChannel sets.
//   - There is one app. It has no message quota and no rate limit; Fail can answer
//     403 and 429.
//   - Where Pusher's text is not known, the words are this package's own. Only the
//     status should be relied on.
//   - The two endpoints that Pusher deprecated in 2012 answer 404.
//
// A server verifies with package signing, but never imports package pusher: it
// must not share the client's mistakes.
//
// Source: Pusher Channels docs, HTTP API reference; error texts as recorded by
// the acceptance tests and issue trackers of Pusher's libraries.
package pushertest
