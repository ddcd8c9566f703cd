package pusher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// A recording is one file of testdata/responses: the responses a server is known to
// send, and the result or error expected for each.
type recording struct {
	Server    string             `json:"server"`
	Comment   string             `json:"comment"` // where the responses come from
	Responses []recordedResponse `json:"responses"`
}

type recordedResponse struct {
	Name      string            `json:"name"`
	Source    string            `json:"source"`
	Operation string            `json:"operation"` // the id of an operation, or everyOperation
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	// EndsWithConnection means that closing the connection ends the body.
	EndsWithConnection bool `json:"ends_with_connection"`

	// Either Result or Error is set.
	Result json.RawMessage `json:"result"`
	Error  *recordedError  `json:"error"`
}

type recordedError struct {
	Kind       string `json:"kind"`
	Status     int    `json:"status"`
	Message    string `json:"message"`
	RetryAfter string `json:"retry_after"`
}

// TestResponse_Recorded checks the result of every response that servers of the
// Channels protocol are known to send.
func TestResponse_Recorded(t *testing.T) {
	for _, recording := range recordings(t) {
		for _, recorded := range recording.Responses {
			t.Run(recording.Server+": "+recorded.Name, func(t *testing.T) {
				client := newClient(t, over(recorded.respond))
				for _, op := range operations() {
					if recorded.Operation != op.id && recorded.Operation != everyOperation {
						continue
					}
					got, err := op.call(context.Background(), client)
					want := recorded.Result
					switch {
					case recorded.Error != nil:
						want := recorded.Error.want(t)
						want.Op = op.name
						sameError(t, op.name, err, want)
					case err != nil:
						t.Errorf("%s = %v, want %s", op.name, err, want)
					case op.returnsOnlyError():
					case !equalJSON(t, got, want):
						t.Errorf("%s = %+v, want %s", op.name, got, want)
					}
				}
			})
		}
	}
}

// TestResponse_RecordedCoverage checks that each operation has recorded successes and
// errors.
func TestResponse_RecordedCoverage(t *testing.T) {
	succeeded, failed := map[string]bool{}, map[string]bool{}
	for _, recording := range recordings(t) {
		for _, recorded := range recording.Responses {
			succeeded[recorded.Operation] = succeeded[recorded.Operation] || recorded.Error == nil
			failed[recorded.Operation] = failed[recorded.Operation] || recorded.Error != nil
		}
	}
	for _, op := range operations() {
		if !succeeded[op.id] || !failed[op.id] && !failed[everyOperation] {
			t.Errorf("%s: recorded success %t, error %t, want both", op.id, succeeded[op.id], failed[op.id])
		}
	}
}

const everyOperation = "every operation"

// recordings reads testdata/responses. It fails the test if there are no files, or if a
// file has a field or an operation that the test would ignore.
func recordings(t testing.TB) (all []recording) {
	t.Helper()
	files, err := filepath.Glob("testdata/responses/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/responses has %d files (%v), want some", len(files), err)
	}
	known := map[string]bool{everyOperation: true}
	for _, op := range operations() {
		known[op.id] = true
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var read recording
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&read); err != nil || read.Server == "" || read.Comment == "" || len(read.Responses) == 0 {
			t.Fatalf("%s: %v, or server, comment or responses are missing", file, err)
		}
		for _, r := range read.Responses {
			if r.Name == "" || r.Source == "" || !known[r.Operation] || (r.Result == nil) == (r.Error == nil) || r.Operation == everyOperation && r.Error == nil {
				t.Fatalf("%s: response %q needs a name, a source, a known operation, and either a result or an error", file, r.Name)
			}
		}
		all = append(all, read)
	}
	return all
}

// respond sends the recorded response.
func (a *recordedResponse) respond(req *http.Request) (*http.Response, error) {
	var header []string
	for name, value := range a.Headers {
		header = append(header, name, value)
	}
	resp, err := respond(a.Status, a.Body, header...)(req)
	if a.EndsWithConnection {
		resp.ContentLength = -1
	}
	return resp, err
}

// want returns the expected error without its Op.
func (e *recordedError) want(t testing.TB) wantError {
	t.Helper()
	kinds := map[string]error{
		"ErrInvalid": pusher.ErrInvalid, "ErrAuthentication": pusher.ErrAuthentication, "ErrForbidden": pusher.ErrForbidden,
		"ErrNotFound": pusher.ErrNotFound, "ErrUnknownKey": pusher.ErrUnknownKey, "ErrTooLarge": pusher.ErrTooLarge, "ErrRateLimited": pusher.ErrRateLimited,
		"ErrServer": pusher.ErrServer, "ErrTransport": pusher.ErrTransport,
	}
	want := wantError{Kind: kinds[e.Kind], Status: e.Status, Message: e.Message}
	if want.Kind == nil {
		t.Fatalf("unknown kind %q", e.Kind)
	}
	if e.RetryAfter != "" {
		var err error
		if want.RetryAfter, err = time.ParseDuration(e.RetryAfter); err != nil {
			t.Fatal(err)
		}
	}
	return want
}
