//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMain runs the command itself in the process that TestMain_SIGTERM starts.
func TestMain(m *testing.M) {
	if os.Getenv("DEVSERVER_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestMain_SIGTERM(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "DEVSERVER_TEST_MAIN=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "Ctrl-C") {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the command ended with %v after SIGTERM, want no error", err)
	}
}
