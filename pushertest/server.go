package pushertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"

	"github.com/openchannels/pusher-go/signing"
)

// A Server is a Pusher server with one app. Create one with [NewServer] or [New]. It
// is safe for concurrent use. The zero value has no app: it responds with status code
// 500, and its methods return [ErrConfiguration] or do nothing.
type Server struct {
	// URL is the base URL of the server, http://127.0.0.1:PORT without a trailing
	// slash. It is empty if the server was returned by [New].
	URL string

	state      *state
	faults     *faults
	api        *apiHandler
	webSockets *wsHandler
	logger     *slog.Logger
	listener   *httptest.Server // nil if the server was returned by New
	closing    context.Context  // canceled when Close is called
	close      func()
}

// NewServer starts a server on a free loopback port. The caller should call
// [Server.Close] when finished. NewServer panics if it cannot listen, like
// [httptest.NewServer], or if an option is invalid.
func NewServer(opts ...Option) *Server {
	s, err := New(opts...)
	if err != nil {
		panic(err)
	}
	s.listener = httptest.NewUnstartedServer(s)
	s.listener.Listener = s.logTLS(s.listener.Listener)
	s.listener.Start()
	s.URL = s.listener.URL
	return s
}

// New returns a server that does not listen. Use it as an [http.Handler] of another
// server, or call [Server.Serve]. The error reports all invalid options.
//
// Behind [http.StripPrefix], requests have to be signed with the prefix, as they are
// sent; [Server.PusherURLAt] returns a URL for that.
func New(opts ...Option) (*Server, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	closing, cancel := context.WithCancel(context.Background())
	st := newState(cfg)
	s := &Server{
		state:      st,
		faults:     &faults{logger: cfg.logger, closing: closing.Done()},
		api:        newAPIHandler(cfg, st),
		webSockets: newWSHandler(cfg, st),
		logger:     cfg.logger,
		closing:    closing,
	}
	s.close = sync.OnceFunc(func() {
		cancel()
		s.shutDown()
	})
	return s, nil
}

func (s *Server) shutDown() {
	lost := s.state.webhooks.close()
	connections := s.webSockets.close()
	subscribers := s.state.close()
	if s.listener != nil {
		s.listener.Close()
	}
	level := slog.LevelInfo
	if lost > 0 {
		level = slog.LevelWarn
	}
	if connections+subscribers+lost > 0 {
		s.logger.Log(noContext, level, "pushertest: server closed while in use",
			"connections", connections, "subscribers", subscribers, "webhook_events_lost", lost)
	}
}

// ErrConfiguration means that an option of [New] is invalid, or that a [Server] was
// not created with New or [NewServer].
var ErrConfiguration = signing.ErrConfiguration

// ready returns an error if s was not created with New.
func (s *Server) ready(method string) error {
	if s == nil || s.state == nil {
		return fmt.Errorf("pushertest: %s: %w: the server was not created with New or NewServer", method, ErrConfiguration)
	}
	return nil
}

// ServeHTTP handles requests of the HTTP API, below /apps/, and for WebSockets, at
// /app/KEY. It panics with [http.ErrAbortHandler] if there should be no response, see
// [Server.Fail].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.ready("ServeHTTP"); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Date", s.state.now().UTC().Format(http.TimeFormat))
	// net/http notices that a client is gone only after the body has been read.
	body, err := readBody(w, r, s.api.maxBodyBytes)
	if err != nil {
		s.api.reject(w, r, err)
		return
	}
	s.faults.wait(r)
	if failure, ok := s.faults.take(r, body); ok {
		s.faults.respond(w, r, failure, s.webSockets)
		return
	}
	if isWebSocket(r) {
		s.webSockets.ServeHTTP(w, r)
		return
	}
	s.api.ServeHTTP(w, withBody(r, body))
}

// Reset discards what a test has caused or set: recorded events and terminated users,
// failures and the delay, states set by [Server.SetChannel], cached events and known
// idempotency keys. Suites whose tests share a server call it between tests. It does not
// affect connections, subscribers and webhooks.
func (s *Server) Reset() {
	if s.ready("Reset") == nil {
		s.faults.reset()
		s.state.reset()
		s.api.idempotency.reset()
	}
}

// Close ends all delays, waits, subscriptions and webhook deliveries, closes
// WebSockets with code 1001 and stops listening. It waits for requests in flight, and
// up to 250 milliseconds for the close frames of WebSockets. It logs how many
// connections and subscribers were still open and how many webhook events were not
// delivered; the level is warn if there are such events, and info otherwise. Recorded
// events can still be read. A second call does nothing.
func (s *Server) Close() {
	if s.ready("Close") == nil {
		s.close()
	}
}

// App returns the app, including its secret.
func (s *Server) App() App {
	if s.ready("App") != nil {
		return App{}
	}
	return s.state.app
}

// PusherURL returns the server's URL in the form of the environment variable
// PUSHER_URL of Pusher's libraries, http://KEY:SECRET@127.0.0.1:PORT/apps/ID. It
// contains the secret. It is empty if the server was returned by [New]; see
// [Server.PusherURLAt].
func (s *Server) PusherURL() string {
	if s == nil || s.URL == "" {
		return ""
	}
	u, err := s.PusherURLAt(s.URL)
	if err != nil {
		return "" // the caller has changed URL
	}
	return u
}

// PusherURLAt is like [Server.PusherURL] for a server that is reached at another base
// URL, because its handler is mounted in another server or it is behind a proxy. If
// the handler is mounted under a prefix with [http.StripPrefix], baseURL includes the
// prefix.
//
// PusherURLAt returns an error unless baseURL is an http or https URL with a host and
// without user, query and fragment.
func (s *Server) PusherURLAt(baseURL string) (string, error) {
	if err := s.ready("PusherURLAt"); err != nil {
		return "", err
	}
	u, err := url.Parse(baseURL)
	if err != nil {
		return "", fmt.Errorf("pushertest: PusherURLAt: not a URL: %.100q", baseURL)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("pushertest: PusherURLAt: not an http or https URL with a host and without user, query and fragment")
	}
	app := s.App()
	u.User = url.UserPassword(app.Key, app.Secret)
	return u.JoinPath("apps", app.ID).String(), nil
}
