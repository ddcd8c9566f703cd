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

// An outcome is a possible result of a call.
type outcome struct {
	kind     error // nil for success
	status   int   // of the error
	complete bool  // the result has the content of the body
}

func (o outcome) String() string {
	switch {
	case o.kind != nil:
		return fmt.Sprintf("%v with status %d", o.kind, o.status)
	case o.complete:
		return "success with the complete result"
	}
	return "success with an empty result"
}

// The outcomes of most tests. A test with several depends on how much the client has
// read when the connection breaks.
var (
	decoded      = []outcome{{complete: true}}
	acceptedOnly = []outcome{{}}                                       // only the status line was received
	noResponse   = []outcome{{kind: pusher.ErrTransport}}              // no response was received
	truncated    = []outcome{{kind: pusher.ErrTransport, status: 200}} // the body is incomplete
	unexpected   = []outcome{{kind: pusher.ErrServer, status: 200}}    // the response does not belong to this API
)

// outcomes returns the outcomes that belong to the operation.
func (op operation) outcomes(query, publish []outcome) []outcome {
	if op.publishes {
		return publish
	}
	return query
}

// checkOutcome fails the test unless the call had one of the wanted outcomes, or if the
// error shows a secret.
func checkOutcome(t testing.TB, op operation, got any, err error, want []outcome) bool {
	t.Helper()
	result := outcome{complete: op.returnsOnlyError() || equalJSON(t, got, completeResult(op))}
	var e *pusher.Error
	switch {
	case errors.As(err, &e):
		result = outcome{kind: kindOf(e), status: e.Status}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); findSecret(text) != "" {
			t.Errorf("the error of %s shows %s: %s", op.name, findSecret(text), text)
		}
	case err != nil:
		t.Errorf("%s = %T: %v, want a %T", op.name, err, err, e)
		return false
	case !result.complete && !equalJSON(t, got, json.RawMessage("{}")):
		t.Errorf("%s = %+v, want %s or an empty result", op.name, got, completeResult(op))
		return false
	case op.returnsOnlyError() && slices.Contains(want, outcome{}):
		return true
	}
	if !slices.Contains(want, result) {
		t.Errorf("%s = %v (%v, %v), want %v", op.name, result, got, err, want)
		return false
	}
	return true
}

// chunks returns the body in chunks of one byte, without the final empty chunk.
func chunks(body string) string {
	var b strings.Builder
	for _, c := range []byte(body) {
		fmt.Fprintf(&b, "1\r\n%c\r\n", c)
	}
	return b.String()
}

// gzipped returns the response with its body compressed and then modified.
func gzipped(r rawResponse, modify func(string) string) rawResponse {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(r.body))
	_ = w.Close()
	body := modify(b.String())
	return r.replaceHead(contentLength, fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(body))).withBody(body)
}
