// Package pushertest runs a Pusher Channels server inside a test, in the spirit
// of net/http/httptest: no account, no network, no second process.
//
// [NewServer] starts one on loopback; hand its [Server.PusherURL] to the client
// under test. [Server.Subscribe] makes a subscriber in process and
// [Subscriber.Next] waits for what it gets. [Server.Events] and
// [Server.WaitForEvent] tell what was triggered, whoever gets it.
//
// [Server.SetChannel] says who else is on a channel, and [Server.Fail],
// [Server.Delay], [Server.DropConnections] and [Server.CloseConnections] make
// things go wrong. [WithWebhook] has webhooks posted. [New] gives the same server
// without a listener, as an [http.Handler] to mount, or to run as a local
// development server.
//
// Browsers connect with pusher-js as it is: wsHost and wsPort are those of
// [Server.URL], forceTLS is false, and any cluster will do.
//
// # What is true to Pusher
//
//   - Every request's signature is verified, in Pusher's order, and every request
//     is checked against this module's OpenAPI document. What Pusher would refuse,
//     the server refuses, with Pusher's status and, where it is on record,
//     Pusher's exact text.
//   - WebSockets speak version 7 of the protocol, and take clients that ask for 4
//     to 7: public, private, presence, encrypted and cache channels, client events,
//     user sign-in and events to users, watchlists, subscription counts, pings,
//     and the codes and texts of what is refused.
//   - Authorizations are verified, and with them who may subscribe, be a member or
//     sign in.
//   - Webhooks tell of all seven kinds of events, signed, in batches, and repeated
//     until they are accepted.
//   - There is one state: what is triggered reaches subscribers, and who has
//     subscribed shows in every answer of the HTTP API. A cache channel remembers
//     for 30 minutes; a user whose connections are terminated loses them.
//
// # What is not
//
//   - There is one app, and one server: no message quota, no connection quota, no
//     rate limit but that of client events. Fail can answer 403 and 429, and close
//     a WebSocket with 4003, 4004 or 4100.
//   - Client events, subscription counts and watchlists are on, where an app on
//     Pusher has to enable them. Options turn off the first two.
//   - An event is delivered before its trigger is answered; on Pusher it may come
//     later. Webhooks are posted at once unless [WithWebhookDelay] says otherwise,
//     and batches hold what has piled up, where Pusher gathers for a while.
//   - Terminating a user's connections closes them with code 4009, as compatible
//     servers do, so that clients do not connect again. Which code Pusher uses is
//     not on record.
//   - The form of watchlist events, of pusher:cache_miss and of the answer to a
//     sign-in is that which pusher-js accepts; Pusher's own is not on record.
//   - A connection is not closed for being idle for 24 hours, and can have at most
//     10,000 subscriptions. One that lets 4 MiB wait to be read is cut off, a
//     message of more than about 76 KB is refused with code 1009.
//   - There is no TLS, and no transport but WebSockets: no SockJS, no HTTP
//     streaming.
//   - Where Pusher's text is not known, the words are this package's own. Only the
//     status or the code should be relied on.
//   - The two endpoints that Pusher deprecated in 2012 answer 404.
//
// A server verifies with package signing, but never imports package pusher: it
// must not share the client's mistakes.
//
// Source: Pusher Channels docs, HTTP API reference and WebSocket protocol; error
// texts as recorded by the acceptance tests and issue trackers of Pusher's
// libraries.
package pushertest
