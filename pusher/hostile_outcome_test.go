package pusher_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// An outcome is how a call may end.
type outcome struct {
	kind   error // nil: it succeeds
	status int   // of the error
	told   bool  // the result is what the server said, not only that it accepted
}

func (o outcome) String() string {
	switch {
	case o.kind != nil:
		return fmt.Sprintf("%v with status %d", o.kind, o.status)
	case o.told:
		return "what the server said"
	}
	return "success that tells nothing"
}

// The outcomes of most rows. Where a row has several, it depends on how far the
// client has read when the connection breaks.
var (
	right    = []outcome{{told: true}}
	accepted = []outcome{{}}                                    // the status line says so, the rest is lost
	lost     = []outcome{{kind: pusher.ErrHTTP}}                // no answer
	cutOff   = []outcome{{kind: pusher.ErrHTTP, status: 200}}   // half an answer
	nonsense = []outcome{{kind: pusher.ErrServer, status: 200}} // an answer, but not this API's
)

// contentLength is the header line of every reply.
var contentLength = fmt.Sprintf("Content-Length: %d\r\n", len(whole))

// checkOutcome fails the test unless the call ended in one of the ways wanted,
// and shows no secret.
func checkOutcome(t testing.TB, op operation, got any, err error, want []outcome) bool {
	t.Helper()
	ended := outcome{told: op.returnsNothing() || writtenAs(t, got, wholeOf(op))}
	var e *pusher.Error
	switch {
	case errors.As(err, &e):
		ended = outcome{kind: e.Kind, status: e.Status}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); leak(text) != "" {
			t.Errorf("the error of %s shows %s: %s", op.name, leak(text), text)
		}
	case err != nil:
		t.Errorf("%s = %T: %v, want a %T", op.name, err, err, e)
		return false
	case !ended.told && !writtenAs(t, got, json.RawMessage("{}")):
		t.Errorf("%s = %+v, want %s or nothing: the server said no such thing", op.name, got, wholeOf(op))
		return false
	case op.returnsNothing() && slices.Contains(want, outcome{}):
		return true
	}
	if !slices.Contains(want, ended) {
		t.Errorf("%s = %v (%v, %v), want %v", op.name, ended, got, err, want)
		return false
	}
	return true
}

// wholeOf is the part of whole that the operation's result has.
func wholeOf(op operation) json.RawMessage {
	for operation, part := range map[string]string{
		"triggerEvent":     `{"channels":{"presence-c":{"user_count":3}}}`,
		"triggerBatch":     `{"batch":[{"user_count":3},{"user_count":4}]}`,
		"listChannels":     `{"channels":{"presence-c":{"user_count":3}}}`,
		"getChannel":       `{"occupied":true,"user_count":3}`,
		"listChannelUsers": `{"users":[{"id":"7"}]}`,
	} {
		if slices.Contains(answeredBy[operation], op.name) {
			return json.RawMessage(part)
		}
	}
	return json.RawMessage(whole)
}

// chunks is the body in chunks of one byte, without the last, empty one.
func chunks(body string) string {
	var b strings.Builder
	for _, c := range []byte(body) {
		fmt.Fprintf(&b, "1\r\n%c\r\n", c)
	}
	return b.String()
}

// zipped is the reply with its body compressed, and then treated.
func zipped(r reply, treat func(string) string) reply {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(r.body))
	_ = w.Close()
	body := treat(b.String())
	return r.with(contentLength, fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(body))).of(body)
}
