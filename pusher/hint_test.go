package pusher_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// TestHint checks that errors with a known cause name it and are not retried.
func TestHint(t *testing.T) {
	plain, _ := countingServer(t, "http", write(200, "{}"))
	secure, _ := countingServer(t, "https", write(200, "{}"))
	at := func(scheme string, server *httptest.Server) pusher.Option {
		return pusher.WithBaseURL(scheme + "://" + server.Listener.Addr().String())
	}
	anyHost := secure.Client().Transport.(*http.Transport).Clone()
	anyHost.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, secure.Listener.Addr().String())
	}
	status := func(code int, body string) []pusher.Option { return []pusher.Option{over(respond(code, body))} }
	proxy := listen(t, write(407, "<html><head><title>Access Denied</title></head></html>"))

	tests := []struct {
		name   string
		op     string
		opts   []pusher.Option
		kind   error
		status int
		want   []string
	}{
		{"https to a port without TLS", "Trigger", []pusher.Option{at("https", plain)}, pusher.ErrTLS, 0,
			[]string{"TLS handshake failed", "the server does not use TLS on this port", "use an http:// URL"}},
		{"http to a port with TLS", "Trigger", []pusher.Option{at("http", secure)}, pusher.ErrInvalid, 400,
			[]string{"Client sent an HTTP request to an HTTPS server", "use an https:// URL"}},
		{"untrusted certificate", "Trigger", []pusher.Option{at("https", secure)}, pusher.ErrTLS, 0,
			[]string{"TLS handshake failed", "the server's certificate is not trusted", "WithHTTPClient"}},
		{"certificate for another host", "Trigger", []pusher.Option{
			pusher.WithBaseURL("https://pusher.test"), pusher.WithHTTPClient(&http.Client{Transport: anyHost}),
		}, pusher.ErrTLS, 0, []string{"TLS handshake failed", "the certificate is for another host name", "check the host"}},
		{"status 407 from a proxy", "Trigger", []pusher.Option{pusher.WithBaseURL("http://pusher.test"), pusher.WithHTTPProxy(proxy)},
			pusher.ErrTransport, 407, []string{"status 407", `an HTML page with the title "Access Denied"`, "the proxy requires a user and password", "WithHTTPProxy"}},
		{"status 407 for CONNECT", "Trigger", []pusher.Option{pusher.WithBaseURL("https://pusher.test"), pusher.WithHTTPProxy(proxy)},
			pusher.ErrTransport, 407, []string{"status 407", "the proxy rejected CONNECT", "the proxy requires a user and password", "WithHTTPProxy"}},

		// Pusher and most compatible servers respond in this way to an unknown app ID.
		{"wrong app ID", "Trigger", status(404, "404 NOT FOUND\n"), pusher.ErrNotFound, 404, []string{"404 NOT FOUND", "check the app ID, the host and the path"}},
		{"wrong app ID or vacant channel", "ChannelInfo", status(404, "{}"), pusher.ErrNotFound, 404,
			[]string{"the app ID may be wrong", "vacant channel", "WithVacantOnNotFound"}},
		{"vacant channel (ipe)", "ChannelInfo", status(400, "Could not find a channel with the name presence-c\n"), pusher.ErrInvalid, 400,
			[]string{"vacant channel", "WithVacantOnNotFound"}},
		{"status 403", "Trigger", status(403, ""), pusher.ErrForbidden, 403, []string{"disabled or over its quota", "the app ID may be wrong"}},
		{"query that the server lacks (joaju)", "Channels", status(403, ""), pusher.ErrForbidden, 403,
			[]string{"disabled or over its quota", "the server may lack this operation"}},
		{"query with parameters (AnyCable)", "Channels", status(401, ""), pusher.ErrAuthentication, 401,
			[]string{"check the secret", "reject every query with parameters"}},
		{"wrong secret", "Trigger", status(401, `Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/3/events\nauth_key=a", your_secret_key), but you sent "00"`),
			pusher.ErrAuthentication, 401, []string{"(check the secret)"}},
		{"wrong clock", "Trigger", status(401, "Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)"),
			pusher.ErrClockSkew, 401, []string{"set this machine's clock"}},
		{"wrong key (Sockudo)", "Trigger", status(404, `{"error":"Application key not found or invalid: Invalid app key","code":"app_not_found","status":404}`),
			pusher.ErrUnknownKey, 404, []string{"check the key and the cluster"}},
		{"redirect that cannot be parsed", "Trigger", []pusher.Option{over(respond(302, "", "Location", "http://[::1"))},
			pusher.ErrServer, 0, []string{"redirects are not followed"}},
		{"wrong key", "Trigger", status(400, "Unknown auth_key\n"), pusher.ErrUnknownKey, 400, []string{"unknown app key", "check the key and the cluster"}},
		{"empty 401", "Trigger", status(401, ""), pusher.ErrAuthentication, 401,
			[]string{"authentication failed", "check the secret, the app ID and this machine's clock, and that no proxy changes the path"}},
		{"event too large", "Trigger", status(413, "The data content of this event exceeds the allowed maximum (10240 bytes).\n"), pusher.ErrTooLarge, 413,
			[]string{"the data of an event is too large"}},
		{"too many channels (pusher2)", "TriggerMulti", status(413, `{"error":"Cannot broadcast to more than 10 channels at once"}`), pusher.ErrTooLarge, 413,
			[]string{"the server allows fewer channels per request"}},
		{"event name too long", "Trigger", status(413, "Event name too long, max length is 200"), pusher.ErrTooLarge, 413,
			[]string{"the name of the event is too long for the server"}},
		{"data too large (Poxa)", "Trigger", status(413, "Data key must be smaller than 10000B"), pusher.ErrTooLarge, 413,
			[]string{"the data of an event is too large"}},
		{"Payload too large (Reverb)", "Trigger", status(413, "Payload too large."), pusher.ErrTooLarge, 413,
			[]string{"the request as a whole is too large", "WithMaxBodyBytes"}},
		{"request too large", "Trigger", status(413, ""), pusher.ErrTooLarge, 413, []string{"the request as a whole is too large"}},
		{"HTML error page", "Trigger", status(502, "<!DOCTYPE html><html><head><style>body { color: red }</style><title>\n 502 Bad &amp; Gateway\n</title></head></html>"),
			pusher.ErrServer, 502, []string{`an HTML page with the title "502 Bad & Gateway"`}},
		{"HTML page under status 200", "Trigger", status(200, "<html><head><style>body { color: red }</style><title>Welcome to nginx!</title></head></html>"),
			pusher.ErrServer, 200, []string{`an HTML page with the title "Welcome to nginx!"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines logs
			client := newClient(t, append([]pusher.Option{lines.option(), pusher.WithRetry(pusher.Retry{BaseDelay: 1})}, tt.opts...)...)
			_, err := operationNamed(t, tt.op).call(t.Context(), client)
			var e *pusher.Error
			if !errors.As(err, &e) || !errors.Is(err, tt.kind) || e.Status != tt.status {
				t.Fatalf("%s = %v, want %v with status %d", tt.op, err, tt.kind, tt.status)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s = %q, want %q in the text", tt.op, err, want)
				}
			}
			if strings.ContainsAny(err.Error(), "\r\n") || strings.Contains(err.Error(), "color") {
				t.Errorf("%s = %q, want one line without the content of a page", tt.op, err)
			}
			if got := lines.lines(slog.LevelWarn); len(got) != 0 {
				t.Errorf("%s was retried: %s", tt.op, got)
			}
		})
	}
}

// Some servers, such as soketi and Reverb, never answer a TLS handshake on a port without
// TLS.
func TestHint_SilentHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		transport := &http.Transport{TLSHandshakeTimeout: 10 * time.Second, DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer close(ended)
				_, _ = io.Copy(io.Discard, server)
			}()
			return client, nil
		}}
		client := newClient(t, pusher.WithHTTPClient(&http.Client{Transport: transport}))
		start := time.Now()
		_, err := client.Trigger(t.Context(), "c", "e", "d")
		sameError(t, "Trigger", err, wantError{Op: "Trigger", Kind: pusher.ErrTLS})
		if want := "did not answer the TLS handshake"; !strings.Contains(err.Error(), want) || time.Since(start) != 5*time.Second {
			t.Errorf("Trigger = %v after %v, want %q after 5s", err, time.Since(start), want)
		}
		time.Sleep(time.Minute) // until net/http ends the handshake
		<-ended
	})
}

// A timeout after a completed handshake is not an error of TLS.
func TestHint_TimeoutAfterHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, over(func(req *http.Request) (*http.Response, error) {
			hooks := trace(req)
			hooks.GetConn("")
			hooks.TLSHandshakeStart()
			hooks.TLSHandshakeDone(tls.ConnectionState{}, nil)
			return hang(req)
		}))
		_, err := client.Trigger(t.Context(), "c", "e", "d")
		if sameError(t, "Trigger", err, wantError{Op: "Trigger", Kind: pusher.ErrTransport}); errors.Is(err, pusher.ErrTLS) {
			t.Errorf("Trigger = %v, want an error that is not %v", err, pusher.ErrTLS)
		}
	})
}

func TestHint_TransportError(t *testing.T) {
	tests := []struct {
		name, want string
		err        error
	}{
		{"connection closed without a response", "the server closed the connection", io.EOF},
		{"connection closed within a response", "the server closed the connection", io.ErrUnexpectedEOF},
		{"mistyped cluster", "check the cluster or the host", &net.DNSError{Err: "no such host", Name: "api-ue.pusher.com", IsNotFound: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := newClient(t, over(fail(tt.err)))
			_, err := client.Trigger(t.Context(), "c", "e", "d")
			sameError(t, "Trigger", err, wantError{Op: "Trigger", Kind: pusher.ErrTransport})
			if !strings.Contains(err.Error(), tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("Trigger = %v, want %q and %v", err, tt.want, tt.err)
			}
		})
	}
}
