package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/redact"
)

// A ChannelRequest is a request of a connection to subscribe to a channel. Both
// fields are well-formed, and the channel is a private or presence channel.
type ChannelRequest struct {
	SocketID, Channel string
}

// A HandlerOption configures a handler.
type HandlerOption func(*handler)

// ChannelHandler returns the handler that client libraries send channel
// authorization requests to. It signs nothing unless authorize returns a nil error.
//
// Authorize identifies the sender, by its session for example, and decides whether
// it may subscribe. It returns [ErrForbidden] to deny permission; any other error
// means that it could not decide. If it returns a nil error, permission is granted.
// For a private channel the [Member] may be nil, and only its PrivateData is used. For
// a presence channel it is the member to subscribe as and must not be nil. The decision
// must be based on the [ChannelRequest], because its channel is signed. Other fields
// of a form are available in r.PostForm, and a JSON body can be read again from
// r.Body. A panic in authorize is not recovered; nothing has been written by then.
//
// The handler accepts POST requests with a body of at most 16 KiB, which is a form
// or a JSON object that has the fields socket_id and channel_name exactly once. It
// responds with status code 200 and the JSON of a [ChannelAuthorization], or with
// one of these status codes and no details:
//
//   - 400 if the input is invalid or the channel needs no authorization
//   - 403 if the error of authorize is ErrForbidden or wraps it
//   - 405 for another method
//   - 413 for a larger body
//   - 415 for another content type
//   - 500 if authorize returns any other error, or grants permission and nothing can
//     be signed, because the member is nil or invalid or the channel is encrypted and
//     no master key is set
//
// The reason is logged: at level error for 500, at level info for 403, and otherwise
// as a warning; see [WithLogger]. Responses must not be cached. The handler sets no
// CORS headers.
//
// # Batches
//
// The handler also accepts the requests of the npm package pusher-js-auth, which
// combines the subscriptions of a page: a form with the field socket_id and the
// fields channel_name[0], channel_name[1] and so on, for at most 100 different
// channels. Long names reach the limit of 16 KiB earlier, at an average of about 140
// characters for 100 channels. Authorize is called once per channel, in order of
// the index, one call at a time. The status code of the response is 200, and its
// body has a result for each channel:
//
//	{
//		"private-a": {"status": 200, "data": {"auth": "KEY:SIGNATURE"}},
//		"private-b": {"status": 403}
//	}
//
// The status of a channel is one of 200, 400, 403 and 500, with the meaning above.
// The request as a whole is rejected with 400 if the socket ID is invalid, a channel
// is repeated, the form also has the field channel_name, or there are too many
// channels.
//
// ChannelHandler panics if authorize is nil.
//
// Source: Pusher Channels docs, "Authorizing users"; pusher-js-auth 4.0.1, README.
func (a *Authorizer) ChannelHandler(authorize func(*http.Request, ChannelRequest) (*Member, error), opts ...HandlerOption) http.Handler {
	if authorize == nil {
		panic("auth: ChannelHandler: authorize is nil")
	}
	return a.newHandler(opts, func(r *http.Request, socketID string, fields url.Values) (any, error) {
		if hasBatchField(fields) {
			return a.authorizeBatch(r, socketID, fields, authorize)
		}
		channel, err := requiredField(fields, "channel_name")
		if err != nil {
			return nil, rejection(http.StatusBadRequest, err)
		}
		return a.authorizeChannel(r, ChannelRequest{socketID, channel}, authorize)
	})
}

func (a *Authorizer) authorizeChannel(r *http.Request, request ChannelRequest, authorize func(*http.Request, ChannelRequest) (*Member, error)) (*ChannelAuthorization, error) {
	if err := protocol.CheckChannel(request.Channel); err != nil {
		return nil, rejection(http.StatusBadRequest, err)
	}
	private := protocol.IsPrivate(request.Channel)
	if !private && !protocol.IsPresence(request.Channel) {
		return nil, rejection(http.StatusBadRequest, fmt.Errorf("channel needs no authorization: %q", request.Channel))
	}
	member, err := authorize(r, request)
	if err != nil {
		return nil, denial(fmt.Errorf("channel %q: %w", request.Channel, err))
	}
	if private {
		if member == nil {
			member = &Member{}
		}
		return a.AuthorizePrivateData(request.SocketID, request.Channel, member.PrivateData)
	}
	if member == nil {
		return nil, fmt.Errorf("channel %q: neither a member nor an error was returned", request.Channel)
	}
	return a.AuthorizePresence(request.SocketID, request.Channel, *member)
}

// UserHandler returns the handler that client libraries send user authentication
// requests to. It signs nothing unless authenticate returns a user.
//
// Authenticate identifies the sender of the request. It returns [ErrForbidden] if
// nobody is signed in; any other error, or a nil user, is a failure. Requests and
// responses are as described for [Authorizer.ChannelHandler], except that socket_id is
// the only field and the response is the JSON of a [UserAuthentication].
//
// UserHandler panics if authenticate is nil.
//
// Source: Pusher Channels docs, "Authenticating users".
func (a *Authorizer) UserHandler(authenticate func(*http.Request) (*User, error), opts ...HandlerOption) http.Handler {
	if authenticate == nil {
		panic("auth: UserHandler: authenticate is nil")
	}
	return a.newHandler(opts, func(r *http.Request, socketID string, _ url.Values) (any, error) {
		user, err := authenticate(r)
		if err != nil {
			return nil, denial(err)
		}
		if user == nil {
			return nil, errors.New("neither a user nor an error was returned")
		}
		return a.AuthenticateUser(socketID, *user)
	})
}

// A handler reads the fields of a request, checks the socket ID, and writes the value
// that respond returns for them.
type handler struct {
	authorizer *Authorizer
	respond    func(r *http.Request, socketID string, fields url.Values) (any, error)
	jsonp      bool
}

func (a *Authorizer) newHandler(opts []HandlerOption, respond func(*http.Request, string, url.Values) (any, error)) *handler {
	h := &handler{authorizer: a, respond: respond}
	for _, opt := range opts {
		if opt != nil {
			opt(h)
		}
	}
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, callback, err := h.serve(w, r)
	if err != nil {
		h.reject(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Type", "application/json")
	if callback != "" {
		header.Set("Content-Type", "application/javascript; charset=utf-8")
		body = script(callback, body)
	}
	// The client libraries accept no other status code than 200. A write fails only if
	// the client has disconnected, so nobody could use the error.
	_, _ = w.Write(body)
}

// serve returns the JSON of the response and, for JSONP, the name of the callback.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) (body []byte, callback string, err error) {
	if err := h.authorizer.check(); err != nil {
		return nil, "", err
	}
	fields, callback, err := h.read(w, r)
	if err != nil {
		return nil, "", err
	}
	socketID, err := requiredField(fields, "socket_id")
	if err == nil {
		err = protocol.CheckSocketID(socketID)
	}
	if err != nil {
		return nil, "", rejection(http.StatusBadRequest, err)
	}
	response, err := h.respond(r, socketID, fields)
	if err != nil {
		return nil, "", err
	}
	body, err = json.Marshal(response)
	return body, callback, err
}

// reject logs err and responds with its status code and no details.
func (h *handler) reject(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	h.authorizer.logRejection(r, status, err)

	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", h.methods())
	}
	http.Error(w, http.StatusText(status), status)
}

// A statusError is an error with the status code of the response to it.
type statusError struct {
	status int
	err    error
}

func rejection(status int, err error) error { return &statusError{status, err} }

// denial returns an error of the app's function with its status code.
func denial(err error) error {
	if errors.Is(err, ErrForbidden) {
		return rejection(http.StatusForbidden, err)
	}
	return err
}

func (e *statusError) Error() string { return e.err.Error() }

// statusOf returns the status code for err. An error without a status code is a failure
// of the app.
func statusOf(err error) int {
	var rejected *statusError
	if errors.As(err, &rejected) {
		return rejected.status
	}
	return http.StatusInternalServerError
}

// Limits in bytes for texts in a log line that are under the control of the sender.
const (
	maxLoggedPath  = 200
	maxLoggedError = 500
)

// logRejection logs that a request, or some channels of a batch, were rejected.
func (a *Authorizer) logRejection(r *http.Request, status int, err error, attrs ...slog.Attr) {
	logger := slog.Default()
	if a != nil && a.logger != nil {
		logger = a.logger
	}
	level, message := slog.LevelWarn, "authorization rejected"
	switch status {
	case http.StatusForbidden: // a decision of the app
		level = slog.LevelInfo
	case http.StatusInternalServerError:
		level, message = slog.LevelError, "authorization failed"
	}
	attrs = append(attrs,
		slog.String("path", redact.Line(r.URL.Path, maxLoggedPath)),
		slog.Int("status", status),
		slog.String("error", redact.Line(err.Error(), maxLoggedError)))
	logger.LogAttrs(r.Context(), level, message, attrs...)
}
