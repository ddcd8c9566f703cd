package realtime_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		runServer()
		return
	}
	goleak.VerifyTestMain(m)
}
