// Package pusher is a client for Pusher Channels and for servers with the same HTTP
// API.
//
// Create a [Client] with [New], [NewFromURL] or [NewFromEnv], or use [Default], which
// is configured by the environment. Create it once and share it: it is safe for
// concurrent use.
//
//   - [Client.Trigger] publishes an event to one channel, [Client.TriggerMulti] to up
//     to 100 channels, and [Client.SendToUser] to a signed-in user.
//     [Client.TriggerBatch] publishes up to 10 events in one request.
//   - [Client.NewPublisher] returns a [Publisher] for many events: it queues them,
//     sends them in batches and in order per channel, and adapts to the server.
//   - [DefineEvent] defines an event whose data has a Go type.
//   - [Client.Channels], [Client.ChannelInfo] and [Client.ChannelUsers] query the
//     state of channels; the methods of [Client.Channel] do so for one channel.
//   - [Client.Authorizer] authorizes browsers, and [Client.WebhookVerifier] and
//     [Client.ParseWebhook] receive webhooks.
//   - [Client.TriggerAsync] and the other methods with this suffix return a [Future].
//   - [Client.Get] and [Client.Post] send any other request to the app, and
//     [Client.API] returns the client that is generated from openapi.yaml.
//
// # Errors
//
// Every failed call returns an [*Error]. Test for its kind with [errors.Is] and one of
// the errors of this package, such as [ErrInvalid]; read the status and the message
// of the server with [errors.As]. No error, log line or formatted value contains a
// secret, a signature or a signed URL.
//
// # Retries
//
// Queries are retried after temporary failures. Pusher has no idempotency key, so a call
// sends an event again only if the server cannot have processed it, unless
// [Retry.Publishes] is set. See [WithRetry]. A [Publisher] publishes at least once unless
// its [Delivery] is [AtMostOnce].
//
// # Models
//
// The models are the types of package gen under shorter names. They gain fields when
// the API does.
package pusher
