// Package auth tells browsers and apps what they may subscribe to: it authorizes
// private and presence channels and signs users in.
//
// Make one [Authorizer] with [New] and mount what its [Authorizer.ChannelHandler]
// and [Authorizer.UserHandler] return where the client libraries ask:
//
//	mux.Handle("POST /pusher/auth", authorizer.ChannelHandler(mayJoin))
//	mux.Handle("POST /pusher/user-auth", authorizer.UserHandler(whoIs))
//
// The two functions are the app's own: they find out who sends the request and
// say yes or no. Everything else, from reading the request to the status of a
// refusal, is the handler's.
//
// Leave the handlers for [Authorizer.AuthorizePrivate],
// [Authorizer.AuthorizePresence] and [Authorizer.AuthenticateUser] when requests
// come another way, over gRPC say. These sign for whoever asks: check the
// permission first. What they return is ready to be encoded as JSON.
//
// An authorization is an HMAC over a short text, and the texts for private
// channels, presence channels and users differ only in their colons and braces.
// A server that signs whatever channel name it is sent can be asked for the
// private channel presence-room:{"user_id":"admin"}, and has then signed admin
// into the room. So every name is checked before anything is signed, and each
// method signs for its own kind of channel only.
//
// Package pusher has a client with an Authorizer for its credentials, package
// webhook receives what Pusher tells the app, package signing signs requests to
// the HTTP API.
package auth
