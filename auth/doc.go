// Package auth authorizes subscriptions to private and presence channels and
// authenticates users. It serves the requests that Pusher's client libraries send to
// an app.
//
// Create one [Authorizer] with [New] and mount the handlers returned by
// [Authorizer.ChannelHandler] and [Authorizer.UserHandler] at the paths that the
// client libraries are configured with:
//
//	mux.Handle("POST /pusher/auth", authorizer.ChannelHandler(authorizeChannel))
//	mux.Handle("POST /pusher/user-auth", authorizer.UserHandler(authenticateUser))
//
// The two functions belong to the app: they identify the sender of the request
// and decide. The handlers do everything else, from reading the request to
// choosing the status code.
//
// If requests arrive another way, over gRPC for example, call
// [Authorizer.AuthorizePrivate], [Authorizer.AuthorizePresence] and
// [Authorizer.AuthenticateUser] directly. These methods do not check permissions,
// so check them before the call. Their results can be encoded as JSON.
//
// An authorization is an HMAC of a short text, and the texts for private
// channels, presence channels and users differ only in colons and braces. If a
// server signed every channel name it received, a request for the private channel
// presence-room:{"user_id":"admin"} would return a signature that admits its sender
// to the room as admin. Every name is therefore checked before anything is
// signed, and each method signs for one kind of channel only.
//
// Package pusher has a client that provides an Authorizer for its credentials.
// Package webhook verifies webhooks, and package signing signs requests to the
// HTTP API.
package auth
