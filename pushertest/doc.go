// Package pushertest runs a Pusher Channels server inside a test, like
// net/http/httptest runs a web server. It needs no account, no network and no second
// process.
//
// [NewServer] starts a server on a loopback port. Pass its [Server.PusherURL] to the
// client under test. [Server.Events] and [Server.WaitForEvent] return the events that
// were triggered, and [Server.Connections] and [Server.Channels] who is connected and
// subscribed. [Server.Subscribe] returns a subscriber in the process, and
// [Subscriber.Next] waits for the next event that it receives.
//
// [Server.SetChannel] adds other subscribers to a channel. [Server.Fail],
// [Server.Delay], [Server.DropConnections] and [Server.CloseConnections] simulate
// failures. [Server.SetWebhook] and [WithWebhook] post webhooks to the app under test,
// and [WithAuthorizer] and [WithAuthenticator] send it the requests of pusher-js. Tests
// that share a server call [Server.Reset].
//
// [New] returns a server that does not listen. Mount it as an [http.Handler] and pass
// [Server.PusherURLAt] to the client, or call [Server.Serve] to run a development
// server.
//
// Browsers connect with an unmodified pusher-js: set wsHost and wsPort to the host and
// port of [Server.URL], forceTLS to false, and cluster to any value.
//
// # What the server reproduces
//
//   - The HTTP API. The signature of every request is verified in Pusher's order, and
//     every request is validated against this module's OpenAPI document. Rejected
//     requests get Pusher's status code and, where it is known, Pusher's exact text.
//   - WebSockets with version 7 of the protocol, for clients that request version 4
//     to 7: public, private, presence, encrypted and cache channels, client events,
//     sign-in, events to users, watchlists, subscription counts, pings, and the codes
//     and texts of errors. A rejected connection gets a pusher:error before the close
//     frame.
//   - Authorizations of subscriptions and sign-ins are verified, including the
//     channel_data of private channels, and their data is validated.
//   - Webhooks of all seven kinds, signed, in batches, and retried.
//   - State. Triggered events reach subscribers, and subscribers appear in the
//     responses of the HTTP API. Cache channels keep their last event for 30 minutes.
//     Terminating a user closes its connections.
//
// # Differences from Pusher
//
//   - There is one app and one server. There are no quotas and, except for client
//     events, no rate limits. Use Fail to respond with status 403 and 429, or to close
//     WebSockets with code 4003, 4004 or 4100.
//   - Client events, subscription counts and watchlists are enabled. The app's
//     settings on Pusher have to enable them. Options disable the first two.
//   - An event is delivered before the response to its trigger is sent. On Pusher it
//     may be delivered later. Webhooks are posted immediately unless
//     [WithWebhookDelay] is set. A batch of webhook events has those that occurred
//     during the previous attempt; Pusher collects events for a while.
//   - The data of an event on an encrypted channel must be {"nonce", "ciphertext"},
//     and such an event must have no other channels. On Pusher only the libraries
//     are known to check this.
//   - Connections of a terminated user are closed with code 4009, like on compatible
//     servers, so that clients do not reconnect. Pusher's code is not known.
//   - Watchlist events, pusher:cache_miss and pusher:signin_success have a form that
//     pusher-js accepts. Pusher's form is not known.
//   - A connection is not closed when it has been idle for 24 hours. It can have at
//     most 10,000 subscriptions. It is dropped if more than 4 MiB wait to be read, or
//     if more than 64 MiB wait on all connections together and it has the most. It is
//     closed with code 1009 if it sends a message of more than about 76 KB.
//   - There is no TLS, and there are no transports besides WebSockets.
//   - Some error texts are not known from Pusher but written for this package. Rely
//     on the status or code only.
//   - The two endpoints that Pusher deprecated in 2012 respond with status 404.
//
// # Differences from the OpenAPI document
//
//   - The body of a POST is JSON whatever its Content-Type is, and its parameters may
//     be in the query instead. Pusher's documentation only recommends the body and the
//     content type.
//   - An info or socket_id that is empty counts as missing.
//
// The server uses package signing to verify requests but does not import package
// pusher: it must not share bugs with the client.
//
// Source: Pusher Channels docs, HTTP API reference and WebSocket protocol; error texts
// recorded by the acceptance tests and issue trackers of Pusher's libraries.
package pushertest
