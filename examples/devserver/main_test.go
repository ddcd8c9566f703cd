package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// A devserver is a running devserver and its output.
type devserver struct {
	url  string // PUSHER_URL
	stop context.CancelFunc
	done chan error

	mu     sync.Mutex
	output strings.Builder
}

func start(t *testing.T, args ...string) *devserver {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	d := &devserver{stop: stop, done: make(chan error, 1)}
	out, in := io.Pipe()
	go func() {
		err := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), in)
		_ = in.Close()
		d.done <- err
	}()
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			d.mu.Lock()
			d.output.WriteString(lines.Text() + "\n")
			d.mu.Unlock()
			if strings.Contains(lines.Text(), "Ctrl-C") {
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case err := <-d.done:
		t.Fatalf("run: %v", err)
	}
	t.Cleanup(stop)
	d.url = strings.TrimPrefix(regexp.MustCompile(`export PUSHER_URL=\S+`).FindString(d.printed()), "export PUSHER_URL=")
	return d
}

func (d *devserver) printed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.output.String()
}

// expect waits until the output contains the text.
func (d *devserver) expect(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if strings.Contains(d.printed(), want) {
			return
		}
	}
	t.Errorf("printed\n%s\nwant %q in it", d.printed(), want)
}

func newClient(t *testing.T, url string) *pusher.Client {
	t.Helper()
	client, err := pusher.NewFromURL(url)
	if err != nil {
		t.Fatalf("NewFromURL(%q): %v", url, err)
	}
	return client
}

func TestRun(t *testing.T) {
	d := start(t, "-app-id", "77", "-key", "the-key", "-secret", "the-secret", "-webhook", "http://127.0.0.1:9/webhook")
	settings := regexp.MustCompile(`^http://the-key:the-secret@127\.0\.0\.1:(\d+)/apps/77$`).FindStringSubmatch(d.url)
	if settings == nil {
		t.Fatalf("printed %q, want PUSHER_URL in it", d.printed())
	}
	for _, want := range []string{`new Pusher("the-key", {`, `wsHost: "127.0.0.1",`, "wsPort: " + settings[1] + ","} {
		if !strings.Contains(d.printed(), want) {
			t.Errorf("printed %q, want %q in it", d.printed(), want)
		}
	}
	client := newClient(t, d.url)
	if _, err := client.Trigger(t.Context(), "news", "changed", "1"); err != nil {
		t.Errorf("Trigger: %v", err)
	}
	d.stop()
	if err := <-d.done; err != nil {
		t.Errorf("run after its context was canceled: %v, want nil", err)
	}
	if strings.Contains(d.printed(), "event triggered") {
		t.Errorf("printed %q without -v", d.printed())
	}
}

// Source: the official SDKs for Node.js, Go and Python, which accept only digits.
func TestRun_DefaultAppID(t *testing.T) {
	d := start(t)
	if id := d.url[strings.LastIndex(d.url, "/")+1:]; !regexp.MustCompile(`^[0-9]+$`).MatchString(id) {
		t.Errorf("default app ID = %q, want digits", id)
	}
}

func TestRun_Log(t *testing.T) {
	d := start(t, "-v")
	base := "http://" + d.url[strings.Index(d.url, "@")+1:strings.Index(d.url, "/apps")]
	if _, err := newClient(t, d.url).Trigger(t.Context(), "cache-news", "changed", "1"); err != nil {
		t.Fatal(err)
	}
	d.expect(t, `level=DEBUG msg="pushertest: event triggered" event=changed channel=cache-news bytes=1 connections=0`)
	if _, err := newClient(t, strings.TrimSuffix(d.url, "1")+"888").Trigger(t.Context(), "news", "changed", "1"); !errors.Is(err, pusher.ErrNotFound) {
		t.Errorf("Trigger of another app: %v, want %v", err, pusher.ErrNotFound)
	}
	d.expect(t, `reason="this server serves app 1, not 888"`)

	signer, err := signing.New("app-key", "wrong")
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/apps/1/channels", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.Edit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	get(t, r)
	d.expect(t, `reason="signing: invalid signature, the string to sign is \"GET\\n/apps/1/channels\\nauth_key=`)

	if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(base, "http:", "https:", 1), nil); err != nil {
		t.Fatal(err)
	}
	get(t, r)
	d.expect(t, "TLS handshake on a server without TLS")
}

func get(t *testing.T, r *http.Request) {
	t.Helper()
	if res, err := http.DefaultClient.Do(r); err == nil {
		_ = res.Body.Close()
	}
}

func TestRun_InvalidFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-addr", "nowhere"},
		{"-addr", "127.0.0.1:0", "-key", ""},
		{"-addr", "127.0.0.1:0", "-webhook", "no URL"},
		{"-unknown"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("run(%q): no error", args)
		}
	}
}

func TestPrintSettings_UnspecifiedAddress(t *testing.T) {
	server, err := pushertest.New(pushertest.WithApp(pushertest.App{ID: "1", Key: "k", Secret: "s"}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var out strings.Builder
	if err := printSettings(&out, server, address("[::]:6001")); err != nil || !strings.Contains(out.String(), "http://k:s@localhost:6001/apps/1\n") {
		t.Errorf("printSettings for [::]:6001 printed %q, %v", &out, err)
	}
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
