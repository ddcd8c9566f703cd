package pushertest

import (
	"cmp"
	"context"
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

// A Failure is a response that replaces the server's own, to a request of the HTTP API
// or for a WebSocket. The request is neither checked nor recorded.
type Failure struct {
	// Status is the status code of the response, 200 to 999. If it is 0, there is no
	// response: the connection is closed.
	Status int

	// CloseCode is the code that a WebSocket is closed with right after it was
	// opened, 1000 to 4999, such as 4004 for an account over its quota. With a
	// CloseCode, Status must be 0, and only requests for a WebSocket match.
	CloseCode int

	// Body is the body of the response, or the reason of the close frame, at most
	// 123 bytes. Pusher's error responses end with a line feed.
	Body string

	// Header is added to the response's header. The default Content-Type is
	// "text/plain; charset=utf-8", as in Pusher's error responses.
	Header http.Header

	// Times is the number of requests that the failure is used for. 0 means 1 for
	// Fail, and no limit for FailContext.
	Times int

	// Match reports whether the failure is used for a request. If it is nil, all
	// requests match. It may read the body. It is not called concurrently, and must
	// not call Fail, FailContext, Delay or Reset.
	Match func(*http.Request) bool
}

// Fail makes the server respond to the next matching requests with f. If several
// failures match, the one injected first is used.
//
// Fail returns an error if Times is negative or HTTP or the WebSocket protocol does
// not allow the response.
func (s *Server) Fail(f Failure) error {
	f.Times = cmp.Or(f.Times, 1)
	return s.fail(context.Background(), "Fail", f)
}

// FailContext is like [Server.Fail], but the failure also ends when ctx is done, and
// there is no other limit if Times is 0. With the context of a [testing.T] the failure
// ends with its subtest.
func (s *Server) FailContext(ctx context.Context, f Failure) error {
	return s.fail(ctx, "FailContext", f)
}

func (s *Server) fail(ctx context.Context, method string, f Failure) error {
	if err := s.ready(method); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return fmt.Errorf("pushertest: %s: %w", method, err)
	}
	f.Header = f.Header.Clone()
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.failures = append(s.faults.failures, &injectedFailure{f, ctx})
	return nil
}

func (f Failure) check() error {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		return fmt.Errorf("status is neither 0 nor 200 to 999: %d", f.Status)
	case f.Times < 0:
		return fmt.Errorf("number of times is negative: %d", f.Times)
	case f.CloseCode != 0 && f.Status != 0:
		return errors.New("both Status and CloseCode are set")
	case f.CloseCode != 0:
		return checkClose(f.CloseCode, f.Body)
	}
	return nil
}

// CloseConnections closes all WebSockets with a code and a reason, for example with
// 4200 to make clients reconnect immediately. It does not affect requests of the HTTP
// API and subscribers in the process.
//
// CloseConnections returns an error if the code is outside 1000 to 4999 or reserved,
// or if the reason is longer than 123 bytes or not valid UTF-8.
//
// Source of the codes: Pusher Channels docs, WebSocket protocol, "Error codes".
func (s *Server) CloseConnections(code int, reason string) error {
	if err := s.ready("CloseConnections"); err != nil {
		return err
	}
	if err := checkClose(code, reason); err != nil {
		return fmt.Errorf("pushertest: CloseConnections: %w", err)
	}
	s.webSockets.each(func(c *conn) { c.close(code, reason) })
	return nil
}

// DropConnections closes all connections, without responses to the requests in flight
// and without close frames for WebSockets. On a server returned by [New] it closes
// only WebSockets. It does not affect subscribers in the process.
func (s *Server) DropConnections() {
	if s.ready("DropConnections") != nil {
		return
	}
	if s.listener != nil {
		s.listener.CloseClientConnections()
	}
	s.webSockets.each((*conn).drop)
}

// checkClose checks a close frame according to RFC 6455, section 7.4.
func checkClose(code int, reason string) error {
	switch {
	case code < 1000 || code > 4999, code >= 1004 && code <= 1006, code >= 1015 && code < 3000:
		return fmt.Errorf("code is not allowed in a close frame: %d", code)
	case len(reason) > 123 || !utf8.ValidString(reason):
		return errors.New("reason is longer than 123 bytes or not valid UTF-8")
	}
	return nil
}

// Delay delays all following requests, including those for a WebSocket, by d. 0 or
// less ends the delay for later requests. If the client cancels a delayed request or
// the server is closed, the request is dropped.
func (s *Server) Delay(d time.Duration) {
	if s.ready("Delay") != nil {
		return
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.delay = d
}

// faults holds the injected delay and failures. Like problems of a network, they apply
// before the server checks a request.
type faults struct {
	logger  *slog.Logger
	closing <-chan struct{}

	mu       sync.Mutex
	delay    time.Duration
	failures []*injectedFailure
}

type injectedFailure struct {
	Failure
	ctx context.Context // ends the failure
}

func (f *faults) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay, f.failures = 0, nil
}

// wait waits for the delay. It aborts the request if the client cancels it or the
// server is closed.
func (f *faults) wait(r *http.Request) {
	f.mu.Lock()
	delay := f.delay
	f.mu.Unlock()
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-f.closing:
		panic(http.ErrAbortHandler)
	}
}

// take returns the first failure that matches, and uses it up.
func (f *faults) take(r *http.Request, body []byte) (Failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = slices.DeleteFunc(f.failures, func(f *injectedFailure) bool { return f.ctx.Err() != nil })
	for i, failure := range f.failures {
		if failure.CloseCode != 0 && !isWebSocket(r) || failure.Match != nil && !failure.Match(withBody(r, body)) {
			continue
		}
		if failure.Times--; failure.Times == 0 {
			f.failures = slices.Delete(f.failures, i, i+1)
		}
		return failure.Failure, true
	}
	return Failure{}, false
}

func (f *faults) respond(w http.ResponseWriter, r *http.Request, failure Failure, webSockets *wsHandler) {
	f.logger.InfoContext(r.Context(), "pushertest: failure injected",
		"method", logText(r.Method), "path", logText(r.URL.Path), "status", cmp.Or(failure.Status, failure.CloseCode))
	if failure.CloseCode != 0 {
		webSockets.accept(w, r, failure.CloseCode, failure.Body)
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
