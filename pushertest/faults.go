package pushertest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// A Failure is an answer given in place of the server's own, to a request of the
// HTTP API or for a WebSocket. The request that gets it is neither checked nor
// recorded.
type Failure struct {
	// Status is the answer's status, 200 to 999. With 0 there is no answer: the
	// connection is closed.
	Status int

	// CloseCode is the code with which a WebSocket is closed right after it was
	// opened, 1000 to 4999, such as 4004 for an account that is over its quota. It
	// goes without a Status, and chooses only requests for a WebSocket.
	CloseCode int

	// Body is the answer's body, where Pusher's end with a line feed, or the reason
	// of the close, at most 123 bytes.
	Body string

	// Header is added to the answer's. Without a Content-Type it is Pusher's,
	// "text/plain; charset=utf-8".
	Header http.Header

	// Times says how many requests get the answer; 0 means 1.
	Times int

	// Match chooses the requests; nil chooses all. It may read the body.
	// It is called for one request at a time and must not call Fail or Delay.
	Match func(*http.Request) bool
}

// Fail has the next requests that f matches answered with f. Failures are used in
// the order in which they were injected, the first one that matches and is not
// used up. A negative Times, a Status that HTTP does not have, and a close that
// the WebSocket protocol does not have is an error.
func (s *Server) Fail(f Failure) error {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		return fmt.Errorf("pushertest: Fail: status %d is neither 0 nor 200 to 999", f.Status)
	case f.Times < 0:
		return errors.New("pushertest: Fail: Times is negative")
	case f.CloseCode != 0 && f.Status != 0:
		return errors.New("pushertest: Fail: both a Status and a CloseCode")
	case f.CloseCode != 0:
		if err := checkClose(f.CloseCode, f.Body); err != nil {
			return fmt.Errorf("pushertest: Fail: %w", err)
		}
	}
	f.Times = max(f.Times, 1)
	f.Header = f.Header.Clone()
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.failures = append(s.faults.failures, &f)
	return nil
}

// CloseConnections closes all WebSockets with a code and a reason, such as 4200 to
// have clients connect again at once. Requests of the HTTP API and subscribers in
// process go on. A code outside 1000 to 4999 or reserved, and a reason that has
// more than 123 bytes or is no UTF-8, is an error.
//
// Source of the codes: Pusher Channels docs, WebSocket protocol, "Error codes".
func (s *Server) CloseConnections(code int, reason string) error {
	if err := checkClose(code, reason); err != nil {
		return fmt.Errorf("pushertest: CloseConnections: %w", err)
	}
	s.door.each(func(c *socket) { c.close(code, reason) })
	return nil
}

// DropConnections closes all open connections now, without an answer to the
// requests under way and without a close to WebSockets. A server that [New] made
// has no other connections than WebSockets. Subscribers in process have none.
func (s *Server) DropConnections() {
	if s.listener != nil {
		s.listener.CloseClientConnections()
	}
	s.door.each((*socket).drop)
}

// checkClose holds a close against RFC 6455, section 7.4.
func checkClose(code int, reason string) error {
	switch {
	case code < 1000 || code > 4999, code >= 1004 && code <= 1006, code >= 1015 && code < 3000:
		return fmt.Errorf("%d is no code of a close", code)
	case len(reason) > 123 || !utf8.ValidString(reason):
		return errors.New("the reason of a close is at most 123 bytes of UTF-8")
	}
	return nil
}

// Delay has every request from now on wait for d before it is looked at, one for a
// WebSocket too; 0 or less ends that for later ones. If meanwhile the client gives up or the server
// is closed, the request is dropped unseen.
func (s *Server) Delay(d time.Duration) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.delay = d
}

// faults stand before everything else, as a bad network does.
type faults struct {
	logger  *slog.Logger
	closing <-chan struct{}

	mu       sync.Mutex
	delay    time.Duration
	failures []*Failure
}

func newFaults(logger *slog.Logger, closing <-chan struct{}) *faults {
	return &faults{logger: logger, closing: closing}
}

func (f *faults) wait(r *http.Request) {
	f.mu.Lock()
	d := f.delay
	f.mu.Unlock()
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-f.closing:
		panic(http.ErrAbortHandler)
	}
}

// take uses up one time of the first failure that matches.
func (f *faults) take(r *http.Request, body []byte) (Failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, failure := range f.failures {
		if failure.CloseCode != 0 && !isWebSocket(r) || failure.Match != nil && !failure.Match(withBody(r, body)) {
			continue
		}
		if failure.Times--; failure.Times == 0 {
			f.failures = slices.Delete(f.failures, i, i+1)
		}
		return *failure, true
	}
	return Failure{}, false
}

func (f *faults) answer(w http.ResponseWriter, r *http.Request, failure Failure, door *door) {
	f.logger.InfoContext(r.Context(), "pushertest: failure injected",
		"method", r.Method, "path", r.URL.Path, "status", cmp.Or(failure.Status, failure.CloseCode))
	if failure.CloseCode != 0 {
		door.open(w, r, failure.CloseCode, failure.Body)
		return
	}
	if failure.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	maps.Copy(w.Header(), failure.Header)
	w.WriteHeader(failure.Status)
	_, _ = io.WriteString(w, failure.Body)
}
