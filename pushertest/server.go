package pushertest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"

	"github.com/openchannels/pusher-go/signing"
)

// A Server is a Pusher server with one app. Any number of goroutines may use it.
// [NewServer] and [New] make one; the zero value is not usable.
type Server struct {
	// URL is where the server listens, "http://127.0.0.1:PORT" without a slash at
	// the end, or "" if [New] made it.
	URL string

	state    *state
	faults   *faults
	gate     *gate            // to the HTTP API
	door     *door            // for WebSockets
	listener *httptest.Server // nil if New made it
	closing  chan struct{}
	close    func()
}

// NewServer returns a server that listens on a free loopback port and is ready
// for requests. The caller has to [Server.Close] it. Like
// [httptest.NewServer], it panics if it cannot listen; it panics too if an option
// is bad.
func NewServer(opts ...Option) *Server {
	s, err := New(opts...)
	if err != nil {
		panic(err)
	}
	s.listener = httptest.NewServer(s)
	s.URL = s.listener.URL
	return s
}

// New returns a server that does not listen, to be mounted as an [http.Handler].
// Behind [http.StripPrefix] requests have to be signed with the prefix, as they
// are sent. The error joins those of all bad options.
func New(opts ...Option) (*Server, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	s := &Server{state: newState(cfg, signing.NewSecret(cfg.app.Secret)), closing: make(chan struct{})}
	s.faults = newFaults(cfg.logger, s.closing)
	s.gate = newGate(cfg, s.state)
	s.door = newDoor(cfg, s.state)
	s.close = sync.OnceFunc(func() { s.shutDown(cfg.logger) })
	return s, nil
}

func (s *Server) shutDown(logger *slog.Logger) {
	close(s.closing)
	lost := s.state.hooks.close()
	connections := s.door.close()
	subscribers := s.state.close()
	if s.listener != nil {
		s.listener.Close()
	}
	if connections+subscribers+lost > 0 {
		logger.Warn("pushertest: closed while in use",
			"connections", connections, "subscribers", subscribers, "webhook_events_lost", lost)
	}
}

// ServeHTTP answers a request to the HTTP API, below /apps/, or for a WebSocket, at
// /app/KEY, unless [Server.Fail] answers it. It panics with [http.ErrAbortHandler]
// where there shall be no answer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// net/http notices that a client has given up only when the body is read.
	body, err := readBody(w, r, s.gate.maxBody)
	if err != nil {
		s.gate.refuse(w, r, err)
		return
	}
	s.faults.wait(r)
	if failure, ok := s.faults.take(r, body); ok {
		s.faults.answer(w, r, failure, s.door)
		return
	}
	if isWebSocket(r) {
		s.door.ServeHTTP(w, r)
		return
	}
	s.gate.ServeHTTP(w, withBody(r, body))
}

// Close ends everything: delays, waits, subscribers, webhooks, WebSockets with code
// 1001, and, if the server listens, the listener and its connections. It waits for
// the requests under way, and up to 250 milliseconds for WebSockets to agree.
// Connections and subscribers that were still open and webhooks that were not
// delivered are logged, with their number. What was recorded can still be read.
// Closing again does nothing.
func (s *Server) Close() { s.close() }

// App returns the app, with its secret.
func (s *Server) App() App { return s.state.app }

// PusherURL returns what Pusher's libraries take from the environment variable
// PUSHER_URL, http://KEY:SECRET@127.0.0.1:PORT/apps/ID. It holds the secret. It
// is "" if [New] made the server.
func (s *Server) PusherURL() string {
	u, err := url.Parse(s.URL)
	if err != nil || s.URL == "" {
		return ""
	}
	app := s.App()
	u.User = url.UserPassword(app.Key, app.Secret)
	return u.JoinPath("apps", app.ID).String()
}
