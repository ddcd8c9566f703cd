//go:build interop

package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"testing"
	"time"
)

// timeout limits how long a test waits for anything.
const timeout = 20 * time.Second

// A script is a program in scripts/ that runs in Node.js. It is not safe for
// concurrent use.
type script struct {
	t         *testing.T
	name      string
	stdin     *json.Encoder
	responses chan scriptOutput
	events    *eventLog[scriptEvent]
	clients   int // number of clients of pusher-js so far
}

// A scriptOutput is a line that scripts/json_lines.cjs writes: an event, or the
// result of a command or its error.
type scriptOutput struct {
	Event  *scriptEvent
	Result json.RawMessage
	Error  *scriptError
}

// A scriptEvent is an event that a client of pusher-js received, see
// scripts/pusherjs.cjs, or a console message, see scripts/browser.cjs.
type scriptEvent struct {
	Client, Channel, Event string
	Data                   json.RawMessage
	User                   string // sender of a client event on a presence channel
}

// A scriptError is an exception of the library that a script calls.
type scriptError struct {
	Message string
	Status  int    // status code of the response that caused it, or 0
	Body    string // body of that response
}

func (e *scriptError) Error() string {
	return fmt.Sprintf("%s (status %d, body %q)", e.Message, e.Status, e.Body)
}

// startScript runs a script until the test ends.
func startScript(t *testing.T, name string) *script {
	t.Helper()
	command := exec.CommandContext(t.Context(), "node", "scripts/"+name)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	s := &script{t: t, name: name, stdin: json.NewEncoder(stdin), responses: make(chan scriptOutput), events: newEventLog[scriptEvent]()}
	s.stdin.SetEscapeHTML(false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read(stdout)
	}()
	t.Cleanup(func() { // the end of the test's context has killed the process
		<-done
		_ = command.Wait()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("stderr of %s:\n%s", name, stderr.String())
		}
	})
	return s
}

func (s *script) read(stdout io.Reader) {
	defer close(s.responses)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var output scriptOutput
		if err := json.Unmarshal(lines.Bytes(), &output); err != nil {
			output.Error = &scriptError{Message: "output is not JSON: " + lines.Text()}
		}
		if output.Event != nil {
			s.events.add(*output.Event)
			continue
		}
		select {
		case s.responses <- output:
		case <-s.t.Context().Done():
		}
	}
}

// call runs a command of the script and decodes its result into result, which may be
// nil. An exception of the library is returned as a [*scriptError].
func (s *script) call(command string, args, result any) error {
	s.t.Helper()
	if err := s.stdin.Encode(map[string]any{"command": command, "args": args}); err != nil {
		s.t.Fatalf("%s: send command %s: %v", s.name, command, err)
	}
	select {
	case response, ok := <-s.responses:
		switch {
		case !ok:
			s.t.Fatalf("%s: exited during %s", s.name, command)
		case response.Error != nil:
			return response.Error
		case result == nil:
			return nil
		}
		if err := json.Unmarshal(response.Result, result); err != nil {
			s.t.Fatalf("%s: decode result of %s, %s: %v", s.name, command, response.Result, err)
		}
	case <-time.After(timeout):
		s.t.Fatalf("%s: no result of %s within %v", s.name, command, timeout)
	}
	return nil
}

// mustCall is like call and fails the test if there is an error.
func (s *script) mustCall(command string, args, result any) {
	s.t.Helper()
	if err := s.call(command, args, result); err != nil {
		s.t.Fatalf("%s: %s: %v", s.name, command, err)
	}
}

func encodeJSON(t testing.TB, value any) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatalf("encode %#v: %v", value, err)
	}
	return string(bytes.TrimSpace(text.Bytes()))
}

// normalizeJSON returns JSON with sorted keys and without spaces, so that equal values
// have equal text.
func normalizeJSON(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("decode %q: %v", text, err)
	}
	return encodeJSON(t, value)
}
