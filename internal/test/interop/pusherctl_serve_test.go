//go:build interop

package interop_test

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"
)

// TestServe runs the settings that `pusherctl serve` prints in the libraries that they are
// for: pusher-js and the library for servers in Node.js, and pusher-js and Laravel Echo in
// a page of Chromium. With TLS, Node.js and Chromium trust the certificate of the server
// as serve explains it, and no other one.
func TestServe(t *testing.T) {
	program := filepath.Join(t.TempDir(), "pusherctl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/pusherctl").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name  string
		flags []string
	}{
		{"http", nil},
		{"https", []string{"--tls"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServe(t, program, c.flags)
			if s.certificate != "" {
				t.Setenv("NODE_EXTRA_CA_CERTS", s.certificate)
			}
			node := startScript(t, "serve.cjs")
			channels := []string{"news", "private-news", "presence-news"}
			node.mustCall("subscribe", map[string]any{"code": s.pusherJS, "channels": channels}, nil)
			defer func() { _ = node.call("disconnect", nil, nil) }()
			for _, channel := range channels {
				waitForEvent(t, node, channel, "pusher:subscription_succeeded")
			}
			page := startPage(t, s)
			browser := startScript(t, "browser.cjs")
			browser.mustCall("launch", map[string]any{
				"executable": cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium"), "timeout": timeout.Milliseconds(), "args": s.chromiumFlags,
			}, nil)
			defer func() { _ = browser.call("close", nil, nil) }()
			w := openWindow(t, browser, "page", page, 800, 600)
			for _, line := range []string{
				"pusher-js is signed in", "pusher-js is subscribed to news", "pusher-js is subscribed to private-news",
				"pusher-js is subscribed to presence-news", "Echo is subscribed to orders", "Echo is one of 1 members",
			} {
				w.waitForText("#log", line)
			}

			var status int
			node.mustCall("trigger", map[string]any{
				"code": s.node, "channels": append(channels, "private-orders"), "event": "changed", "data": map[string]string{"text": "hello"},
			}, &status)
			if status != http.StatusOK {
				t.Errorf("trigger of the library for Node.js: status %d, want 200", status)
			}
			for _, channel := range channels {
				waitForEvent(t, node, channel, "changed")
				w.waitForText("#log", "pusher-js received hello on "+channel)
			}
			w.waitForText("#log", "Echo received hello")
			messages, _ := browser.events.all()
			for _, message := range messages {
				t.Errorf("console of the page: %s", message.Data)
			}
			if s.certificate == "" {
				return
			}
			other := httptest.NewTLSServer(http.NotFoundHandler())
			defer other.Close()
			err := browser.call("open", map[string]any{"window": "other", "url": other.URL, "width": 800, "height": 600, "timeout": timeout.Milliseconds()}, nil)
			if err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
				t.Errorf("open a page with another certificate: %v, want ERR_CERT_AUTHORITY_INVALID", err)
			}
		})
	}
}

func waitForEvent(t *testing.T, s *script, channel, event string) {
	t.Helper()
	match := func(_ int, got scriptEvent) bool { return got.Channel == channel && got.Event == event }
	if _, err := s.events.wait(t.Context(), match); err != nil {
		t.Fatalf("wait for %s on %s: %v", event, channel, err)
	}
}

// A serve is a running `pusherctl serve` and what it has printed.
type serve struct {
	pusherJS, echo, node string   // lines of JavaScript
	certificate          string   // file, or "" without TLS
	chromiumFlags        []string // that make Chromium trust the certificate
}

func startServe(t *testing.T, program string, flags []string) serve {
	t.Helper()
	cache := t.TempDir()
	command := exec.CommandContext(t.Context(), program, append([]string{"serve", "--addr", "127.0.0.1:0", "--auth-endpoints"}, flags...)...)
	command.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "PUSHER_URL=", "PUSHERCTL_APPS=")
	command.Dir = cache // without a file .env
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start pusherctl serve: %v", err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { // the end of the test's context has killed it
		<-done
		_ = command.Wait()
	})
	var printed strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Listening on ") {
		printed.WriteString(lines.Text() + "\n")
	}
	go func() {
		defer close(done)
		for lines.Scan() {
			t.Log(lines.Text())
		}
	}()
	section := func(pattern string) string {
		found := regexp.MustCompile("(?ms)" + pattern).FindStringSubmatch(printed.String())
		if found == nil {
			return ""
		}
		return found[1]
	}
	s := serve{
		chromiumFlags: []string{},
		pusherJS:      section(`^pusher-js +(.*?)^Echo `),
		echo:          section(`^Echo +(.*?)^Laravel `),
		node:          section(`^Node +(.*?)^Go, shell `),
		certificate:   section(`^The certificate is (\S+)\. To trust it:$`),
	}
	if flag := section(`^Chromium .* (--ignore-certificate-errors-spki-list=\S+)$`); flag != "" {
		s.chromiumFlags = []string{flag} // the driver sets --user-data-dir
	}
	if s.pusherJS == "" || s.echo == "" || s.node == "" {
		t.Fatalf("pusherctl serve printed\n%s\nwant settings for pusher-js, Echo and Node", &printed)
	}
	return s
}

// startPage serves scripts/serve.html with the scheme and the certificate of s.
func startPage(t *testing.T, s serve) (url string) {
	t.Helper()
	var page bytes.Buffer
	if err := template.Must(template.ParseFiles("scripts/serve.html")).Execute(&page, map[string]string{"PusherJS": s.pusherJS, "Echo": s.echo}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page.Bytes()) })
	for path, file := range map[string]string{
		"GET /pusher.js": "node_modules/pusher-js/dist/web/pusher.min.js",
		"GET /echo.js":   "node_modules/laravel-echo/dist/echo.iife.js",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	server := httptest.NewUnstartedServer(mux)
	t.Cleanup(server.Close)
	if s.certificate == "" {
		server.Start()
		return server.URL
	}
	pair, err := tls.LoadX509KeyPair(s.certificate, filepath.Join(filepath.Dir(s.certificate), "localhost-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	return server.URL
}
