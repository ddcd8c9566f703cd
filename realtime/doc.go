// Package realtime subscribes Go programs to channels of Pusher and of compatible
// servers, over the WebSocket protocol that pusher-js speaks in browsers (protocol 7).
//
// [Connect] opens a connection. [Conn.Subscribe] returns a [Channel] when the server
// has confirmed the subscription, and [Channel.Next] or [Channel.Events] returns what
// is sent on it:
//
//	conn, err := realtime.Connect(ctx, realtime.Cluster("eu", key))
//	channel, err := conn.Subscribe(ctx, "news")
//	for event, err := range channel.Events(ctx) { … }
//
// Private and presence channels need an authorization: by the program itself if it
// knows the secret of the app ([WithAuthorizer]), or by the endpoint of the app that
// browsers use ([WithAuthEndpoint]). [Conn.SignIn] signs a user in. [Channel.Trigger]
// sends client events.
//
// # Reconnecting
//
// A connection that is lost is opened again, and all channels are subscribed again
// with fresh authorizations. The close code decides when:
//
//	4000 to 4099, 4300 and above   never: the connection has failed for good
//	4100 to 4199                   after a backoff
//	4200 to 4299, no pong          at once, unless the previous connection was short
//	everything else                after a backoff
//
// Events that are sent while the connection is down are lost. Each channel has an event
// of kind [KindGap] at that place, so that the program can fetch what it missed.
//
// # Events are buffered
//
// A channel keeps up to 1,000 events or 1 MiB for its readers, from the call of
// Subscribe on. If readers are too slow, the oldest events are dropped, and the next
// one has their number in [Event.Dropped]. There is no other policy, because a
// connection that waits for a reader could not respond to pings.
//
// # Concurrency
//
// All methods are safe for concurrent use. A Conn has one mutex, which guards all of
// its state, and one goroutine, which reads messages and handles each of them under
// the mutex, and which connects again when reading fails. Nothing waits while it holds
// the mutex: messages to send are queued and written by a goroutine that lives as long
// as the queue is not empty, and authorizations are requested by goroutines that
// discard their result if the connection has changed meanwhile. Buffers of events have
// locks of their own, so that readers do not delay the connection. [Conn.Close] ends
// all goroutines and waits for them.
//
// Source of the protocol: Pusher Channels docs, "Pusher Channels Protocol"; and
// pusher-js 8.6.0, with which this package is compared in the tests of the project.
package realtime
