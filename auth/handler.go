package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// A ChannelRequest asks whether a connection may subscribe to a channel. Both
// are well formed, and the channel is private or a presence channel.
type ChannelRequest struct {
	SocketID, Channel string
}

// A HandlerOption adjusts a handler.
type HandlerOption func(*endpoint)

// ChannelHandler returns the endpoint that client libraries ask for channel
// authorizations. Nothing is signed unless allow says yes.
//
// Allow finds out who sends the request, from its session say, and whether they
// may subscribe. Any error means no. A nil error means yes: on a private channel
// whatever the member, which may be nil; on a presence channel with the member
// to subscribe as, and a nil member there means no. Allow decides on the
// [ChannelRequest], which is what gets signed. Further fields of the body are
// in r.PostForm for a form, and JSON can be read again from r.Body. A panic in
// allow goes through to the server, with nothing written.
//
// The handler answers POST with a body of at most 16 KiB, a form or a JSON
// object, that has socket_id and channel_name once each. It answers 200 and the
// JSON of a [ChannelAuthorization], or a status without detail:
//
//   - 400 for bad input, and for a channel that needs no authorization
//   - 403 when allow says no
//   - 405 for another method
//   - 413 for a larger body
//   - 415 for another content type
//   - 500 when allow says yes and still nothing can be signed: the member
//     breaks a rule, or there is no master key for an encrypted channel
//
// The reason goes to the logger of [WithLogger]. Answers are not to be stored.
// Headers for other origins (CORS) are left to a handler around this one.
//
// ChannelHandler panics if allow is nil.
//
// Source: Pusher Channels docs, Authorizing users.
func (a *Authorizer) ChannelHandler(allow func(*http.Request, ChannelRequest) (*Member, error), opts ...HandlerOption) http.Handler {
	if allow == nil {
		panic("auth: ChannelHandler needs a function that allows")
	}
	return a.newEndpoint(opts, func(r *http.Request, fields url.Values) (any, error) {
		request := ChannelRequest{SocketID: one(fields, "socket_id"), Channel: one(fields, "channel_name")}
		if err := checkSubscription(request.SocketID, request.Channel); err != nil {
			return nil, refuse(http.StatusBadRequest, err)
		}
		private, presence := protocol.IsPrivate(request.Channel), protocol.IsPresence(request.Channel)
		if !private && !presence {
			return nil, refuse(http.StatusBadRequest, fmt.Errorf("channel %q needs no authorization", request.Channel))
		}
		member, err := allow(r, request)
		if err != nil {
			return nil, refuse(http.StatusForbidden, fmt.Errorf("channel %q: %w", request.Channel, err))
		}
		if private {
			return a.AuthorizePrivate(request.SocketID, request.Channel)
		}
		if member == nil {
			return nil, refuse(http.StatusForbidden, fmt.Errorf("channel %q: allow returned no member and no error", request.Channel))
		}
		return a.AuthorizePresence(request.SocketID, request.Channel, *member)
	})
}

// UserHandler returns the endpoint that client libraries ask to sign a user in.
// Nothing is signed unless allow says who the user is.
//
// Allow finds out who sends the request. Any error means that nobody signs in,
// and so does a nil user. It reads requests and answers as
// [Authorizer.ChannelHandler] does, with socket_id the only field and the JSON
// of a [UserAuthentication].
//
// UserHandler panics if allow is nil.
//
// Source: Pusher Channels docs, Authenticating users.
func (a *Authorizer) UserHandler(allow func(*http.Request) (*User, error), opts ...HandlerOption) http.Handler {
	if allow == nil {
		panic("auth: UserHandler needs a function that allows")
	}
	return a.newEndpoint(opts, func(r *http.Request, fields url.Values) (any, error) {
		socketID := one(fields, "socket_id")
		if err := protocol.CheckSocketID(socketID); err != nil {
			return nil, refuse(http.StatusBadRequest, err)
		}
		user, err := allow(r)
		if err != nil {
			return nil, refuse(http.StatusForbidden, err)
		}
		if user == nil {
			return nil, refuse(http.StatusForbidden, errors.New("allow returned no user and no error"))
		}
		return a.AuthenticateUser(socketID, *user)
	})
}

// An endpoint is what the two handlers share: it reads the fields, lets answer
// decide, and writes.
type endpoint struct {
	answer func(*http.Request, url.Values) (any, error)
	logger *slog.Logger
	jsonp  bool
}

func (a *Authorizer) newEndpoint(opts []HandlerOption, answer func(*http.Request, url.Values) (any, error)) *endpoint {
	e := &endpoint{answer: answer, logger: slog.Default()}
	if a.ready() == nil {
		e.logger = a.logger
	}
	for _, opt := range opts {
		opt(e)
	}
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fields, callback, err := e.read(w, r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	answer, err := e.answer(r, fields)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Type", "application/json")
	if callback != "" {
		header.Set("Content-Type", "application/javascript; charset=utf-8")
		body = call(callback, body)
	}
	// The client libraries take no other status than 200. A failed write is the
	// client's going away, and nobody is left to tell.
	_, _ = w.Write(body)
}

// A refusal is an answer with another status than 200, and its reason.
type refusal struct {
	status int
	reason error
}

func refuse(status int, reason error) error { return &refusal{status, reason} }

func (r *refusal) Error() string { return r.reason.Error() }

// refuse answers with the status alone. An error that is no refusal came after
// allow had said yes, so it is this side's to mend.
func (e *endpoint) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, level := http.StatusInternalServerError, slog.LevelError
	var refused *refusal
	if errors.As(err, &refused) {
		status, level = refused.status, slog.LevelWarn
	}
	e.logger.Log(r.Context(), level, "authorization refused", "path", r.URL.Path, "status", status, "reason", err)

	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", e.methods())
	}
	http.Error(w, http.StatusText(status), status)
}
