package pusher_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a test leaks a goroutine: those of asynchronous calls and
// of a Publisher end with Close, and those of connections when their server is closed.
func TestMain(m *testing.M) { goleak.VerifyTestMain(suite{m}) }

type suite struct{ *testing.M }

// Run closes the server of the examples before goroutines are counted.
func (s suite) Run() int {
	defer exampleServer.Close()
	return s.M.Run()
}
