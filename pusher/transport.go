package pusher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

// transport carries a finished request of the generated client to the server and
// brings back an answer that is what openapi.yaml says, or an *Error. It is the
// last to touch a request, so nothing that is signed changes afterwards.
type transport struct {
	sender  sender
	own     *http.Transport // of sender; nil if a client was handed in
	timeout time.Duration   // of one try
	signer  *signing.Signer
	prefix  string // of the path, in front of /apps
	retry   Retry
	logger  *slog.Logger // nil is slog.Default
	skew    atomic.Int64 // what the server's clock is ahead, in nanoseconds
}

func newTransport(cfg *config, signer *signing.Signer) *transport {
	// It has been parsed before and can be unescaped.
	prefix, _ := url.PathUnescape(cfg.path)
	t := &transport{
		timeout: cfg.timeout,
		signer:  signer,
		prefix:  prefix,
		retry:   cfg.retry,
		logger:  cfg.logger,
	}
	if hc := cfg.httpClient; hc != nil {
		t.sender = senderOf(hc)
		t.timeout = cmp.Or(t.timeout, hc.Timeout)
	} else {
		t.own = newHTTPTransport(cfg)
		t.sender = bare{t.own}
	}
	t.timeout = cmp.Or(t.timeout, defaultTimeout)
	return t
}

// Do sends the request until an answer is accepted, refused for good, or the
// retry policy gives up.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set("X-Pusher-Library", "pusher-go "+Version)
	clockMended := false
	for n := 1; ; n++ {
		answer, failure := t.try(req, n)
		if failure == nil {
			return answer, nil
		}
		failure.Op = req.Method + " " + req.URL.Path

		pause := time.Duration(0)
		if !clockMended && t.mendClock(failure) {
			clockMended = true
		} else {
			var again bool
			if pause, again = t.retry.again(req, n, failure.Error); !again {
				return nil, failure.Error
			}
		}
		t.log().WarnContext(req.Context(), "pusher: request is repeated", "request", failure.Op, "try", n, "pause", pause, "reason", failure.Error)
		if err := sleep(req.Context(), pause); err != nil {
			failure.Err = interrupted(failure.Err, err)
			return nil, failure.Error
		}
	}
}

// interrupted is the reason of a call whose context ended during a pause.
func interrupted(last, ended error) error {
	if last == nil {
		return ended
	}
	return fmt.Errorf("%w; then %w", last, ended)
}

// failure is a failed try: the error, and the times by which a refusal of the
// signature is judged.
type failure struct {
	*Error
	signed time.Time
	date   time.Time // the server's, zero if it did not tell
}

// try signs and sends the request once.
func (t *transport) try(req *http.Request, n int) (*http.Response, *failure) {
	if err := req.Context().Err(); err != nil {
		return nil, &failure{Error: unanswered(err)} // not every transport looks first
	}
	if n > 1 {
		if err := rewind(req); err != nil {
			return nil, &failure{Error: unanswered(err)}
		}
	}
	signed := t.now()
	if err := t.signer.Sign(req, signed); err != nil {
		return nil, &failure{Error: &Error{Kind: ErrInvalid, Err: safeCause(err)}}
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	resp, err := t.sender.Do(req.WithContext(ctx))
	if err != nil {
		t.trace(req, n, 0, start)
		return nil, &failure{Error: unanswered(t.explain(req, ctx, err))}
	}
	defer closeBody(resp.Body)
	t.trace(req, n, resp.StatusCode, start)
	refused := judge(resp, identify(req.Method, req.URL.Path, t.prefix))
	if refused == nil {
		return resp, nil
	}
	date, _ := http.ParseTime(resp.Header.Get("Date"))
	return nil, &failure{Error: refused, signed: signed, date: date}
}

// closeBody is deferred with the connection's body, which the accepted answer no
// longer has.
func closeBody(body io.Closer) { _ = body.Close() }

// explain tells the timeout of a try from the end of the caller's context.
func (t *transport) explain(req *http.Request, ctx context.Context, err error) error {
	if ctx.Err() != nil && req.Context().Err() == nil {
		return fmt.Errorf("no answer within %v: %w", t.timeout, ctx.Err())
	}
	return err
}

func unanswered(err error) *Error {
	return &Error{Kind: ErrHTTP, Err: safeCause(err)}
}

func rewind(req *http.Request) error {
	if req.GetBody == nil {
		if req.Body == nil || req.Body == http.NoBody {
			return nil
		}
		return errors.New("the body cannot be sent twice")
	}
	body, err := req.GetBody()
	if err != nil {
		return err
	}
	req.Body = body
	return nil
}

// now is the present time on the server's clock, as far as it is known.
func (t *transport) now() time.Time {
	return time.Now().Add(time.Duration(t.skew.Load()))
}

// mendClock learns the server's time from a refusal that must be due to the
// clock: by the time of the answer the signature was out of its window. What
// counts is the clock that the request was signed by, because another request
// may have mended it meanwhile.
func (t *transport) mendClock(f *failure) bool {
	if f.Kind != ErrAuthentication || f.date.IsZero() {
		return false
	}
	ahead := f.date.Sub(f.signed)
	if ahead.Abs() < signing.MaxClockSkew-time.Second {
		return false
	}
	t.skew.Store(int64(time.Until(f.date)))
	return true
}

func (t *transport) log() *slog.Logger {
	if t.logger != nil {
		return t.logger
	}
	return slog.Default()
}

func (t *transport) trace(req *http.Request, n, status int, start time.Time) {
	ctx := req.Context()
	logger := t.log()
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	logger.DebugContext(ctx, "pusher: request", "method", req.Method, "path", req.URL.Path, "try", n, "status", status, "took", time.Since(start))
}
