package pusher_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a test leaves a goroutine behind: a client starts
// none of its own, a Publisher ends its own with Close, and connections end with
// their server.
func TestMain(m *testing.M) { goleak.VerifyTestMain(suite{m}) }

type suite struct{ *testing.M }

// Run closes the server that all examples share before goroutines are counted.
func (s suite) Run() int {
	defer exampleServer.Close()
	return s.M.Run()
}
