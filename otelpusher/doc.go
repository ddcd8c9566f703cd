// Package otelpusher traces and measures a Pusher client with OpenTelemetry:
//
//	client, err := pusher.NewFromEnv(pusher.WithObserver(otelpusher.New()))
//
// It follows version 1.43.0 of the OpenTelemetry semantic conventions for messaging
// and for HTTP clients. The messaging conventions are not stable yet; a release that
// follows another version is listed in the changelog.
//
// # Spans
//
// Each operation has a span that is named after the client's method, such as
// "Trigger" or "ChannelUsers". It is a child of the span in the context of the call.
// Each attempt has an HTTP client span below it, such as
// "POST /apps/{app_id}/events", so a retry is visible.
//
// A batch of a [pusher.Publisher] is an operation with the name "Publish". It has a
// link to the span in which each of its events was published.
//
// All spans have the kind CLIENT. The messaging conventions reserve PRODUCER for spans
// whose context is sent with the message, and Pusher has no field for it.
//
// # Metrics
//
//   - messaging.client.operation.duration: seconds per operation, retries included
//   - messaging.client.sent.messages: number of events in publishing operations
//   - http.client.request.duration: seconds per attempt
//   - pusher.publisher.queue.duration: seconds from Publish to the first batch that
//     contains the event
//
// [ObservePublisher] adds the counters of a publisher.
//
// # Attributes
//
// The attribute error.type is the status code of an error response, such as "429", or
// one of "canceled", "timeout", "tls", "no_response", "invalid_request",
// "invalid_response" and "_OTHER".
//
// No attribute contains a secret, a signature, the query of a URL or the data of an
// event. The path of a URL, which can contain the name of a channel or the ID of a
// user, is recorded in spans only; metrics have its template.
package otelpusher
