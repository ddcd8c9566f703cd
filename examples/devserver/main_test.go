package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func TestPrintedSettingsLeadToTheServer(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-addr", "127.0.0.1:0", "-app-id", "77", "-key", "the-key", "-secret", "the-secret", "-webhook", "http://127.0.0.1:9/webhook"}, in)
		_ = in.Close()
		done <- err
	}()
	lines, printed := bufio.NewScanner(out), strings.Builder{}
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C") {
		printed.WriteString(lines.Text() + "\n")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()

	settings := regexp.MustCompile(`export PUSHER_URL=(http://the-key:the-secret@127\.0\.0\.1:(\d+)/apps/77)\n`).FindStringSubmatch(printed.String())
	if settings == nil {
		t.Fatalf("printed %q, want PUSHER_URL in it", &printed)
	}
	for _, want := range []string{`new Pusher("the-key", {`, `wsHost: "127.0.0.1",`, "wsPort: " + settings[2] + ","} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("printed %q, want %q in it", &printed, want)
		}
	}
	client, err := pusher.NewFromURL(settings[1])
	if err != nil {
		t.Fatalf("NewFromURL(%q): %v", settings[1], err)
	}
	if _, err := client.Trigger(t.Context(), "news", "changed", "1"); err != nil {
		t.Errorf("Trigger: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("run, interrupted: got %v, want no error", err)
	}
	if _, err := client.Trigger(t.Context(), "news", "changed", "1"); !errors.Is(err, pusher.ErrHTTP) {
		t.Errorf("Trigger after the end: got %v, want %v", err, pusher.ErrHTTP)
	}
}

func TestUnusableFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-addr", "nowhere"},
		{"-addr", "127.0.0.1:0", "-key", ""},
		{"-addr", "127.0.0.1:0", "-webhook", "no URL"},
		{"-unknown"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("run(%q): got no error", args)
		}
	}
}

func TestEveryInterfaceIsReachedAsLocalhost(t *testing.T) {
	var out strings.Builder
	app := pushertest.App{ID: "1", Key: "k", Secret: "s"}
	if err := printSettings(&out, app, address("[::]:6001")); err != nil || !strings.Contains(out.String(), "http://k:s@localhost:6001/apps/1\n") {
		t.Errorf("printSettings for [::]:6001 printed %q, %v", &out, err)
	}
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
