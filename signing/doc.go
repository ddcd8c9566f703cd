// Package signing signs requests to the Pusher Channels HTTP API and verifies
// such signatures. It needs the standard library and nothing else.
//
//   - A client makes a [Signer] with [New] and hands its [Signer.Edit] to a
//     generated client as a request editor, or calls it before sending.
//     [Signer.Sign] does the same at a given time.
//   - A server, real or fake, calls [Verify].
//   - [StringToSign] and [Signature] are the algorithm's two halves, for looking
//     at a request that was refused. Nothing else needs them.
//   - A [Secret] is a keyed HMAC. It signs what is not a request, such as channel
//     authorizations and webhooks.
//
// Leave this package alone when you use package pusher, which signs by itself.
// Package auth signs for browsers and package webhook verifies what Pusher
// posts; both are built on Secret.
//
// Source of the algorithm: Pusher Channels docs, HTTP API reference,
// "Authentication". The docs leave open the order of array parameters, the case
// of keys and the allowed clock skew; there this package does as Pusher's own
// verifier, the Ruby gem pusher-signature.
package signing
