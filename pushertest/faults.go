package pushertest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Failure is an answer given in place of the server's own. The request that
// gets it is neither checked nor recorded.
type Failure struct {
	// Status is the answer's status, 200 to 999. With 0 there is no answer: the
	// connection is closed.
	Status int

	// Body is the answer's body. Pusher's end with a line feed.
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
// used up. A negative Times, or a Status that HTTP does not have, is an error.
func (s *Server) Fail(f Failure) error {
	if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
		return fmt.Errorf("pushertest: Fail: status %d is neither 0 nor 200 to 999", f.Status)
	}
	if f.Times < 0 {
		return errors.New("pushertest: Fail: Times is negative")
	}
	f.Times = max(f.Times, 1)
	f.Header = f.Header.Clone()
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.failures = append(s.faults.failures, &f)
	return nil
}

// Delay has every request from now on wait for d before it is looked at; 0 or
// less ends that for later ones. If meanwhile the client gives up or the server
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
		if failure.Match != nil && !failure.Match(withBody(r, body)) {
			continue
		}
		if failure.Times--; failure.Times == 0 {
			f.failures = slices.Delete(f.failures, i, i+1)
		}
		return *failure, true
	}
	return Failure{}, false
}

func (f *faults) answer(w http.ResponseWriter, r *http.Request, failure Failure) {
	f.logger.InfoContext(r.Context(), "pushertest: failure injected",
		"method", r.Method, "path", r.URL.Path, "status", failure.Status)
	if failure.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	maps.Copy(w.Header(), failure.Header)
	w.WriteHeader(failure.Status)
	_, _ = io.WriteString(w, failure.Body)
}
