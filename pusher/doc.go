// Package pusher is the client of Pusher Channels and of servers that speak its
// HTTP API.
//
// Make a [Client] with [New], [NewFromURL] or [NewFromEnv], or let [Default] make
// the process-wide one from the environment. Then:
//
//   - [Client.Trigger] publishes an event on one channel, [Client.TriggerMulti] on
//     up to 100, [Client.TriggerBatch] up to ten different events in one request,
//     and [Client.SendToUser] to one signed-in user.
//   - [Client.Channels], [Client.ChannelInfo] and [Client.ChannelUsers] tell which
//     channels are occupied, and by whom.
//   - [Client.Channel] gives all of that for one channel.
//   - [Client.NewPublisher] makes a [Publisher], which sends many events in few
//     requests and in order; [Client.TriggerAsync] and its kin return a [Future].
//   - [Client.Authorizer] answers browsers that want to subscribe or sign in, and
//     [Client.Webhooks] receives what Pusher posts to the app.
//   - [Client.Get] and [Client.Post] reach any other resource of the app, and
//     [Client.API] is the client that is generated from openapi.yaml.
//
// # Errors
//
// Every error is an [*Error]. Tell the cases apart with [errors.Is] and the
// sentinels [ErrInvalid], [ErrConfiguration], [ErrAuthentication],
// [ErrForbidden], [ErrNotFound], [ErrTooLarge], [ErrRateLimited], [ErrServer],
// [ErrHTTP], [ErrQueueFull] and [ErrClosed]; read the status and the server's words from the [*Error].
//
// # Retries
//
// Pusher has no idempotency key, so an event that may have been published is not
// sent a second time unless [Retry.Publishes] asks for it. Queries are repeated on
// failures that may pass. See [WithRetry].
//
// # Secrets
//
// No app secret, signature or signed URL is in any error, log line or printed
// value of this package.
//
// # Siblings
//
// Package auth signs what browsers need to subscribe, webhook receives what
// Pusher posts, pushertest is a server for tests, and signing is the signature
// alone. The models are those of package gen under shorter names; they grow when
// the API does. Exported names of this package stay compatible within a major
// version.
package pusher
