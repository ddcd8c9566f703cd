// Package webhook receives what Pusher Channels posts to an app: who occupies
// which channel, presence members, client events, cache misses and counts.
//
// [NewVerifier] takes the app's key and secret. [Verifier.Handler] is the whole
// endpoint as an [http.Handler]; [Verifier.Parse] is for an endpoint of your own,
// and [Verifier.ParseBytes] for where there is no *http.Request, as behind the
// gateway of a cloud function. What comes out is a [Webhook] with typed events to
// switch over; an event this package does not know is an [Unknown] with its JSON.
// [SignedHeader] signs a body, to test an endpoint with.
//
// Nothing is decoded before its signature has been verified. No error, log line
// or formatted value holds a secret or a signature.
//
// The webhooks of Pusher-compatible servers decode as well: an object as the data
// of a client event, a number as user_id, seconds or a string as time_ms.
//
// Requests to the API are signed by the sibling package signing, subscriptions
// are authorized by auth, and the client in pusher hands out a Verifier that is
// set up with its own credentials. Package pushertest delivers signed webhooks.
//
// New kinds of events become new types: keep a default case in a type switch.
package webhook
