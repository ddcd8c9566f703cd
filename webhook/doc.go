// Package webhook verifies and decodes the webhooks that Pusher Channels posts to
// an app: occupied and vacated channels, presence members, client events, cache
// misses and subscription counts.
//
// [New] returns a [Verifier] for the app's key and secret. [Verifier.Handler] is a
// complete endpoint as an [http.Handler]. [Verifier.Parse] is for handlers of your
// own, and [Verifier.ParseBytes] for code without an [http.Request], such as a
// cloud function. All of them produce a [Webhook] with typed events. An event that
// this package does not know is an [Unknown] with its JSON. New kinds of events
// become new types, so keep a default case in a type switch.
//
// Pusher may send a webhook more than once. [WithDuplicateFilter] and
// [WithDuplicateStore] make the handler skip webhooks that were handled before.
//
// Nothing is decoded before its signature has been verified. Errors, log lines and
// formatted values contain neither secrets nor signatures.
//
// The webhooks of Pusher-compatible servers are accepted too, with an object as
// the data of a client event, a number as user_id, time_ms in seconds or as a
// string, and client events under their own name.
//
// To test an endpoint, sign a body with [SignedHeader], or use package pushertest,
// which delivers signed webhooks. A client of package pusher returns a Verifier
// with its credentials.
package webhook
