package pusher_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// A recording is one file of testdata/answers: what a server is known to answer,
// and what the client has to make of it.
type recording struct {
	Server  string           `json:"server"`
	Comment string           `json:"comment"` // how sure the answers are
	Answers []recordedAnswer `json:"answers"`
}

type recordedAnswer struct {
	Name      string            `json:"name"`
	Source    string            `json:"source"`
	Operation string            `json:"operation"` // see answeredBy
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	// EndsWithConnection: neither a length nor a last chunk ends the body.
	EndsWithConnection bool `json:"ends_with_connection"`

	// One of both is what the client gives.
	Result json.RawMessage `json:"result"`
	Error  *recordedError  `json:"error"`
}

type recordedError struct {
	Kind       string `json:"kind"`
	Status     int    `json:"status"`
	Message    string `json:"message"`
	RetryAfter string `json:"retry_after"`
}

// answeredBy names, for each operation of openapi.yaml, the calls that send it:
// the client's own and the generated client's.
var answeredBy = map[string][]string{
	"triggerEvent":             {"Trigger", "TriggerMulti", "SendToUser", "POST /apps/3/events"},
	"triggerBatch":             {"TriggerBatch", "POST /apps/3/batch_events"},
	"terminateUserConnections": {"TerminateUserConnections", "POST /apps/3/users/7/terminate_connections"},
	"listChannels":             {"Channels", "GET /apps/3/channels"},
	"getChannel":               {"ChannelInfo", "GET /apps/3/channels/presence-c"},
	"listChannelUsers":         {"ChannelUsers", "GET /apps/3/channels/presence-c/users"},
	"another GET":              {"Get"},
	"another POST":             {"Post"},
}

// TestRecordedAnswers gives the client every answer that the servers of the
// Channels protocol are known to give.
func TestRecordedAnswers(t *testing.T) {
	for _, recording := range recordings(t) {
		for _, recorded := range recording.Answers {
			t.Run(recording.Server+": "+recorded.Name, func(t *testing.T) {
				client := serve(t, recorded.serve)
				for _, op := range operations() {
					if !recorded.answers(op) {
						continue
					}
					got, err := op.call(context.Background(), client)
					switch {
					case recorded.Error != nil:
						want := recorded.Error.want(t)
						want.Op = op.name
						sameError(t, op.name, err, want)
					case err != nil:
						t.Errorf("%s = %v, want %s", op.name, err, recorded.Result)
					case op.returnsNothing():
					case !writtenAs(t, got, recorded.Result):
						t.Errorf("%s = %+v, want %s", op.name, got, recorded.Result)
					}
				}
			})
		}
	}
}

// TestEveryOperationHasARecordedAnswer of both kinds.
func TestEveryOperationHasARecordedAnswer(t *testing.T) {
	for operation := range answeredBy {
		accepted, refused := 0, 0
		for _, recording := range recordings(t) {
			for _, recorded := range recording.Answers {
				switch {
				case recorded.Error == nil && recorded.Operation == operation:
					accepted++
				case recorded.Error != nil && (recorded.Operation == operation || recorded.Operation == everyOperation):
					refused++
				}
			}
		}
		if accepted == 0 || refused == 0 {
			t.Errorf("%s has %d recorded successes and %d refusals, want some of both", operation, accepted, refused)
		}
	}
}

const everyOperation = "every operation"

// recordings reads testdata/answers. It fails the test on an empty corpus and on
// anything in a file that the test would not look at.
func recordings(t testing.TB) []recording {
	t.Helper()
	files, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/answers has %d files (%v), want some", len(files), err)
	}
	var all []recording
	for _, file := range files {
		recording, err := readRecording(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, recording)
	}
	return all
}

func readRecording(file string) (recording, error) {
	var read recording
	content, err := os.ReadFile(file)
	if err != nil {
		return read, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return read, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return read, fmt.Errorf("something follows the object: %v", err)
	}
	if read.Server == "" || read.Comment == "" || len(read.Answers) == 0 {
		return read, fmt.Errorf("server, comment or answers are missing")
	}
	var names []string
	for _, recorded := range read.Answers {
		if err := recorded.check(); err != nil {
			return read, fmt.Errorf("%q: %w", recorded.Name, err)
		}
		if slices.Contains(names, recorded.Name) {
			return read, fmt.Errorf("%q is there twice", recorded.Name)
		}
		names = append(names, recorded.Name)
	}
	return read, nil
}

func (a *recordedAnswer) check() error {
	switch {
	case a.Name == "":
		return fmt.Errorf("no name, source %q", a.Source)
	case a.Source == "":
		return fmt.Errorf("no source")
	case a.Operation != everyOperation && answeredBy[a.Operation] == nil:
		return fmt.Errorf("unknown operation %q", a.Operation)
	case a.Operation == everyOperation && a.Error == nil:
		return fmt.Errorf("no answer but a refusal fits every operation")
	case a.Status < 200 || a.Status > 599:
		return fmt.Errorf("status %d", a.Status)
	case (a.Result == nil) == (a.Error == nil):
		return fmt.Errorf("want either a result or an error")
	}
	return nil
}

// answers tells whether the call can get the answer.
func (a *recordedAnswer) answers(op operation) bool {
	return a.Operation == everyOperation || slices.Contains(answeredBy[a.Operation], op.name)
}

// returnsNothing tells whether the call gives no more than an error.
func (op operation) returnsNothing() bool { return op.publishes && op.nothing == nil }

// serve answers with the recorded header and no other.
func (a *recordedAnswer) serve(w http.ResponseWriter, r *http.Request) {
	if a.EndsWithConnection {
		a.hangUp(w)
		return
	}
	w.Header()["Content-Type"] = nil // or net/http guesses it
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

func (a *recordedAnswer) hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err) // httptest's server can do it
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\n", a.Status, http.StatusText(a.Status))
	for name, value := range a.Headers {
		_, _ = fmt.Fprintf(conn, "%s: %s\r\n", name, value)
	}
	_, _ = io.WriteString(conn, "\r\n"+a.Body)
	_ = conn.Close()
}

// want is the error as the client returns it, but for the name of the call.
func (e *recordedError) want(t testing.TB) pusher.Error {
	t.Helper()
	kinds := map[string]error{
		"ErrInvalid": pusher.ErrInvalid, "ErrAuthentication": pusher.ErrAuthentication, "ErrForbidden": pusher.ErrForbidden,
		"ErrNotFound": pusher.ErrNotFound, "ErrTooLarge": pusher.ErrTooLarge, "ErrRateLimited": pusher.ErrRateLimited,
		"ErrServer": pusher.ErrServer, "ErrHTTP": pusher.ErrHTTP,
	}
	want := pusher.Error{Kind: kinds[e.Kind], Status: e.Status, Message: e.Message}
	if want.Kind == nil {
		t.Fatalf("there is no kind %q", e.Kind)
	}
	if e.RetryAfter != "" {
		var err error
		if want.RetryAfter, err = time.ParseDuration(e.RetryAfter); err != nil {
			t.Fatal(err)
		}
	}
	return want
}

// writtenAs tells whether a value is written as the JSON that is wanted, whatever
// the order and the white space.
func writtenAs(t testing.TB, got any, want json.RawMessage) bool {
	t.Helper()
	written, err := json.Marshal(got)
	if err != nil {
		t.Fatalf("Marshal(%+v): %v", got, err)
	}
	var gotValue, wantValue any
	if err := json.Unmarshal(written, &gotValue); err != nil {
		t.Fatalf("Unmarshal(%s): %v", written, err)
	}
	if err := json.Unmarshal(want, &wantValue); err != nil {
		t.Fatalf("Unmarshal(%s): %v", want, err)
	}
	return reflect.DeepEqual(gotValue, wantValue)
}
