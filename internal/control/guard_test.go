package control_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/control"
)

// raw sends the bytes of a request and returns the response and its body.
func (s served) raw(request string) (*http.Response, string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("response to %q: %v", request, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

// DNS rebinding: a page of another site whose name resolves to this machine is of the same
// origin for the browser. Only the Host header tells the difference.
func TestGuard_Host(t *testing.T) {
	s := serve(t, control.Guard{Hosts: []string{"pusher", "Console.test.", "192.0.2.7", "[2001:db8::1]", ""}})
	for _, test := range []struct {
		name, target, host string
		allowed            bool
	}{
		{"IPv4", "", "127.0.0.1:6001", true},
		{"IPv4 without a port", "", "127.0.0.1", true},
		{"other loopback address", "", "127.8.8.8", true},
		{"IPv6", "", "[::1]:6001", true},
		{"IPv6 without a port", "", "[::1]", true},
		{"localhost", "", "localhost:6001", true},
		{"upper case", "", "LocalHost", true},
		{"trailing dot", "", "localhost.:6001", true},
		{"below localhost", "", "shop.localhost", true},
		{"configured", "", "pusher:6001", true},
		{"configured, other case", "", "console.TEST", true},
		{"configured IPv4", "", "192.0.2.7:80", true},
		{"configured IPv6", "", "[2001:DB8::1]:80", true},

		{"another name", "", "evil.test", false},
		{"another name with the port", "", "evil.test:6001", false},
		{"ends with the name", "", "evillocalhost", false},
		{"begins with the name", "", "localhost.evil.test", false},
		{"begins with the address", "", "127.0.0.1.evil.test", false},
		{"below a configured name", "", "evil.pusher", false},
		{"trailing dots", "", "localhost..", false},
		{"unspecified IPv4", "", "0.0.0.0:6001", false},
		{"unspecified IPv6", "", "[::]:6001", false},
		{"another IPv6", "", "[2001:db8::2]", false},
		{"decimal address", "", "2130706433", false},
		{"short address", "", "127.1", false},
		{"octal address", "", "0177.0.0.1", false},
		{"port of letters", "", "evil.test:localhost", false},
		{"only a port", "", ":6001", false},
		{"empty", "", "", false},
		{"target with another host", "http://evil.test", "localhost", false},
		{"target with userinfo", "http://localhost@evil.test", "localhost", false},
		{"target with userinfo and port", "http://localhost:80@evil.test", "localhost", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := served{s.Server, t}
			for _, path := range []string{"/control/apps", "/console/"} {
				resp, body := s.raw("GET " + test.target + path + " HTTP/1.1\r\nHost: " + test.host + "\r\nConnection: close\r\n\r\n")
				if allowed := resp.StatusCode != http.StatusForbidden; allowed != test.allowed {
					t.Errorf("GET %s%s with Host %q = %d %s, want allowed: %t", test.target, path, test.host, resp.StatusCode, body, test.allowed)
				}
			}
		})
	}
	for name, request := range map[string]string{
		"HTTP/1.0 without Host": "GET /control/apps HTTP/1.0\r\n\r\n",
		"HTTP/1.1 without Host": "GET /control/apps HTTP/1.1\r\nConnection: close\r\n\r\n",
		"two Hosts":             "GET /control/apps HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
		"userinfo":              "GET /control/apps HTTP/1.1\r\nHost: localhost@evil.test\r\nConnection: close\r\n\r\n",
		"encoded path":          "GET /%63ontrol/apps HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
		"other method":          "HEAD /control/apps HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
		"X-Forwarded-Host":      "GET /control/apps HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: localhost\r\nConnection: close\r\n\r\n",
	} {
		if resp, body := s.raw(request); resp.StatusCode < http.StatusBadRequest || strings.Contains(body, "app-key") {
			t.Errorf("%s: %d %s, want an error", name, resp.StatusCode, body)
		}
	}
	// The path is cleaned by a redirect, which leads to the same checks.
	if resp, _ := s.raw("GET /apps/../control/apps HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n"); resp.Header.Get("Location") != "/control/apps" {
		t.Errorf("GET /apps/../control/apps = %d, Location %q, want a redirect", resp.StatusCode, resp.Header.Get("Location"))
	}
}

// What a browser sends for a page of another origin.
//
// Source: Fetch Metadata Request Headers, section 2.2; Fetch, "Origin header".
func TestGuard_Origin(t *testing.T) {
	s := serve(t, control.Guard{})
	host := s.Listener.Addr().String()
	const failure = `{"status":503}`
	for _, test := range []struct {
		name, method, path string
		headers            []string
		body               string
		status             int
	}{
		{"fetch of the console", "GET", "/apps", []string{"Sec-Fetch-Site: same-origin"}, "", 200},
		{"fetch of the console with Origin", "POST", "/apps/1/reset", []string{"Sec-Fetch-Site: same-origin", "Origin: http://" + host}, "", 204},
		{"address bar", "GET", "/apps", []string{"Sec-Fetch-Site: none"}, "", 200},
		{"old browser, same origin", "POST", "/apps/1/reset", []string{"Origin: http://" + host}, "", 204},
		{"no browser", "POST", "/apps/1/reset", nil, "", 204},

		{"fetch", "GET", "/apps/1/events", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test"}, "", 403},
		{"fetch no-cors, img or script", "GET", "/apps/1/events", []string{"Sec-Fetch-Site: cross-site"}, "", 403},
		{"stream", "GET", "/apps/1/stream", []string{"Sec-Fetch-Site: cross-site"}, "", 403},
		{"EventSource", "GET", "/apps/1/stream", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test", "Accept: text/event-stream"}, "", 403},
		{"link or iframe", "GET", "/apps", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, "", 403},
		{"HEAD", "HEAD", "/apps", []string{"Sec-Fetch-Site: cross-site"}, "", 403},
		{"other port", "GET", "/apps", []string{"Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:1"}, "", 403},
		{"preflight", "OPTIONS", "/apps", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test", "Access-Control-Request-Method: POST"}, "", 403},
		{"simple request", "POST", "/apps/1/failures", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test", "Content-Type: text/plain"}, failure, 403},
		{"simple request without a body", "POST", "/apps/1/reset", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test"}, "", 403},
		{"old browser, simple request", "POST", "/apps/1/failures", []string{"Origin: http://evil.test", "Content-Type: text/plain"}, failure, 403},
		{"old browser, other port", "POST", "/apps/1/reset", []string{"Origin: http://127.0.0.1:1"}, "", 403},
		{"old browser, opaque origin", "POST", "/apps/1/reset", []string{"Origin: null"}, "", 403},
		{"old browser, origin that contains the host", "POST", "/apps/1/reset", []string{"Origin: http://" + host + ".evil.test"}, "", 403},
		{"old browser, stream", "GET", "/apps/1/stream", []string{"Origin: http://evil.test"}, "", 403},
		{"JSON", "POST", "/apps/1/failures", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test", "Content-Type: application/json"}, failure, 403},
		{"delete", "DELETE", "/apps/1", []string{"Sec-Fetch-Site: cross-site", "Origin: http://evil.test"}, "", 403},

		// Without headers about the origin, the body is still none that a form can send.
		{"form", "POST", "/apps/1/failures", []string{"Content-Type: application/x-www-form-urlencoded"}, "status=503", 400},
		{"form of text", "POST", "/apps/1/failures", []string{"Content-Type: text/plain"}, failure, 400},
		{"multipart form", "POST", "/apps/1/failures", []string{"Content-Type: multipart/form-data; boundary=x"}, "--x--", 400},
		{"two types", "POST", "/apps/1/failures", []string{"Content-Type: text/plain, application/json"}, failure, 400},
		{"no type", "POST", "/apps/1/failures", nil, failure, 400},
		{"form without need for a body", "POST", "/apps/1/reset", []string{"Content-Type: text/plain"}, "x", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			headers := append([]string{"Host: " + host, "Connection: close", fmt.Sprint("Content-Length: ", len(test.body))}, test.headers...)
			resp, body := served{s.Server, t}.raw(test.method + " /control" + test.path + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + test.body)
			if resp.StatusCode != test.status {
				t.Errorf("status %d %s, want %d", resp.StatusCode, body, test.status)
			}
			for name := range resp.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("the response has the header %s", name)
				}
			}
		})
	}
	if _, err := s.client(s.pusherURL()).Trigger(t.Context(), "news", "changed", 1); err != nil {
		t.Errorf("Trigger = %v, want no failure", err)
	}
}

func TestGuard_Token(t *testing.T) {
	s := serve(t, control.Guard{Token: "the-token"})
	host := s.Listener.Addr().String()
	for _, test := range []struct {
		name, path, header string
		status             int
	}{
		{"token", "/control/apps", "Authorization: Bearer the-token", 200},
		{"no token", "/control/apps", "X: y", 401},
		{"wrong token", "/control/apps", "Authorization: Bearer the-tokem", 401},
		{"part of the token", "/control/apps", "Authorization: Bearer the-toke", 401},
		{"longer token", "/control/apps", "Authorization: Bearer the-token2", 401},
		{"empty token", "/control/apps", "Authorization: Bearer ", 401},
		{"no scheme", "/control/apps", "Authorization: the-token", 401},
		{"other scheme", "/control/apps", "Authorization: Basic the-token", 401},
		{"in the query", "/control/apps?token=the-token", "X: y", 401},
		{"in a cookie", "/control/apps", "Cookie: token=the-token", 401},
		{"unknown path", "/control/nothing", "X: y", 401},
		{"document", "/control/openapi.yaml", "X: y", 401},
		{"stream", "/control/apps/1/stream", "X: y", 401},
		{"page", "/console/", "X: y", 404}, // the page of this test
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, body := served{s.Server, t}.raw("GET " + test.path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n" + test.header + "\r\n\r\n")
			if resp.StatusCode != test.status {
				t.Errorf("status %d %s, want %d", resp.StatusCode, body, test.status)
			}
			if got := resp.Header.Get("WWW-Authenticate"); (got == "Bearer") != (test.status == 401) {
				t.Errorf("WWW-Authenticate = %q", got)
			}
		})
	}
}

// The Pusher API serves browsers of all origins, under any name of the server.
func TestGuard_PusherAPI(t *testing.T) {
	s := serve(t, control.Guard{Token: "the-token"})
	resp, body := s.raw("GET /apps/1/channels HTTP/1.1\r\nHost: shop.test\r\nOrigin: http://shop.test\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n")
	if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "auth_key") {
		t.Errorf("GET /apps/1/channels = %d %s, want an error about the signature", resp.StatusCode, body)
	}
	resp, _ = s.raw("GET /app/app-key?protocol=7 HTTP/1.1\r\nHost: shop.test\r\nOrigin: http://shop.test\r\nSec-Fetch-Site: cross-site\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("WebSocket = %d, want 101", resp.StatusCode)
	}
	if _, err := s.client(s.pusherURL()).Trigger(t.Context(), "news", "changed", 1); err != nil {
		t.Errorf("Trigger = %v", err)
	}
}

func TestGuard_Headers(t *testing.T) {
	s := serve(t, control.Guard{})
	for _, path := range []string{"/control/apps", "/control/nothing", "/console/"} {
		resp, err := s.Client().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got, want)
			}
		}
	}
}
