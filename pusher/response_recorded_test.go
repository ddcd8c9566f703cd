package pusher_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	Operation string            `json:"operation"` // see callsOf
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
					if !recorded.appliesTo(op) {
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
	for operation := range callsOf {
		succeeded, failed := 0, 0
		for _, recording := range recordings(t) {
			for _, recorded := range recording.Responses {
				switch {
				case recorded.Error == nil && recorded.Operation == operation:
					succeeded++
				case recorded.Error != nil && (recorded.Operation == operation || recorded.Operation == everyOperation):
					failed++
				}
			}
		}
		if succeeded == 0 || failed == 0 {
			t.Errorf("%s has %d recorded successes and %d errors, want some of both", operation, succeeded, failed)
		}
	}
}

const everyOperation = "every operation"

// recordings reads testdata/responses. It fails the test if there are no files, or if a
// file has a field that the test would ignore.
func recordings(t testing.TB) []recording {
	t.Helper()
	files, err := filepath.Glob("testdata/responses/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/responses has %d files (%v), want some", len(files), err)
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
		return read, fmt.Errorf("trailing data: %v", err)
	}
	if read.Server == "" || read.Comment == "" || len(read.Responses) == 0 {
		return read, fmt.Errorf("server, comment or responses are missing")
	}
	var names []string
	for _, recorded := range read.Responses {
		if err := recorded.check(); err != nil {
			return read, fmt.Errorf("%q: %w", recorded.Name, err)
		}
		if slices.Contains(names, recorded.Name) {
			return read, fmt.Errorf("%q occurs twice", recorded.Name)
		}
		names = append(names, recorded.Name)
	}
	return read, nil
}

func (a *recordedResponse) check() error {
	switch {
	case a.Name == "":
		return fmt.Errorf("no name, source %q", a.Source)
	case a.Source == "":
		return fmt.Errorf("no source")
	case a.Operation != everyOperation && callsOf[a.Operation] == nil:
		return fmt.Errorf("unknown operation %q", a.Operation)
	case a.Operation == everyOperation && a.Error == nil:
		return fmt.Errorf("only an error fits every operation")
	case a.Status < 200 || a.Status > 599:
		return fmt.Errorf("status %d", a.Status)
	case (a.Result == nil) == (a.Error == nil):
		return fmt.Errorf("want either a result or an error")
	}
	return nil
}

// appliesTo reports whether the call can receive the response.
func (a *recordedResponse) appliesTo(op operation) bool {
	return a.Operation == everyOperation || slices.Contains(callsOf[a.Operation], op.name)
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
