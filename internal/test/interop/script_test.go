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

// patience is how long anything that has to happen may take.
const patience = 20 * time.Second

// A script is one of scripts/, run by Node.js. One goroutine may call it.
type script struct {
	t       *testing.T
	name    string
	input   *json.Encoder
	answers chan answer
	reports *journal[report]
}

// An answer is a line of scripts/lines.cjs.
type answer struct {
	Report *report
	Result json.RawMessage
	Error  *scriptError
}

// A scriptError is what the library behind a script threw.
type scriptError struct {
	Message string
	Status  int    // of the HTTP answer, when that was the reason
	Body    string // of the HTTP answer
}

func (e *scriptError) Error() string {
	return fmt.Sprintf("%s (status %d, body %q)", e.Message, e.Status, e.Body)
}

// start runs a script until the test ends.
func start(t *testing.T, name string) *script {
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
	s := &script{t: t, name: name, input: json.NewEncoder(stdin), answers: make(chan answer), reports: newJournal[report]()}
	s.input.SetEscapeHTML(false)
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.read(stdout)
	}()
	t.Cleanup(func() { // the test's context has killed the process by now
		<-read
		_ = command.Wait()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("%s wrote to stderr:\n%s", name, stderr.String())
		}
	})
	return s
}

func (s *script) read(stdout io.Reader) {
	defer close(s.answers)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line answer
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			line.Error = &scriptError{Message: "not a line of JSON: " + lines.Text()}
		}
		if line.Report == nil {
			select {
			case s.answers <- line:
			case <-s.t.Context().Done():
			}
			continue
		}
		s.reports.add(*line.Report)
	}
}

// call has the script do something and decodes what comes of it into result,
// which may be nil. A [*scriptError] is what the library threw.
func (s *script) call(do string, with, result any) error {
	s.t.Helper()
	if err := s.input.Encode(map[string]any{"do": do, "with": with}); err != nil {
		s.t.Fatalf("%s: ask for %s: %v", s.name, do, err)
	}
	select {
	case answer, running := <-s.answers:
		switch {
		case !running:
			s.t.Fatalf("%s ended during %s", s.name, do)
		case answer.Error != nil:
			return answer.Error
		case result == nil:
			return nil
		}
		if err := json.Unmarshal(answer.Result, result); err != nil {
			s.t.Fatalf("%s: %s gave %s: %v", s.name, do, answer.Result, err)
		}
	case <-time.After(patience):
		s.t.Fatalf("%s: no answer to %s within %v", s.name, do, patience)
	}
	return nil
}

// must is call for what has to succeed.
func (s *script) must(do string, with, result any) {
	s.t.Helper()
	if err := s.call(do, with, result); err != nil {
		s.t.Fatalf("%s: %s: %v", s.name, do, err)
	}
}

// encode is the JSON of a value that has one.
func encode(t testing.TB, value any) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatalf("encode %#v: %v", value, err)
	}
	return string(bytes.TrimSpace(text.Bytes()))
}

// tidyJSON is a JSON text in one spelling, so that two that mean the same compare
// as equal.
func tidyJSON(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("decode %q: %v", text, err)
	}
	return encode(t, value)
}
