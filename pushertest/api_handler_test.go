package pushertest_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestAPI_Authentication(t *testing.T) {
	tests := []struct {
		name, query, body string
		serverTime        int64
		status            int
		text              string
	}{
		{"documentation example",
			docsAuth + "&auth_signature=" + docsSignature, docsBody, docsTimestamp, 200, "{}\n"},
		{"599 seconds later",
			docsAuth + "&auth_signature=" + docsSignature, docsBody, docsTimestamp + 599, 200, "{}\n"},
		// The format is that of a report in pusher-http-ruby#49.
		{"600 seconds later",
			docsAuth + "&auth_signature=" + docsSignature, docsBody, docsTimestamp + 600, 401,
			"Timestamp expired: Given timestamp (2012-11-16T17:49:39Z) not within 600s of server time (2012-11-16T17:59:39Z)\n"},
		{"timestamp is not a number",
			"?auth_key=278d425bdf160c739803&auth_timestamp=now&auth_version=1.0&auth_signature=x", "", docsTimestamp, 401,
			"Timestamp expired: Given timestamp (1970-01-01T00:00:00Z) not within 600s of server time (2012-11-16T17:49:39Z)\n"},
		// pusher-http-php#118, pusher-http-ruby#96.
		{"unknown key",
			"?auth_key=0000&auth_timestamp=1&auth_version=1.0&auth_signature=x", "", docsTimestamp, 400, "Unknown auth_key\n"},
		// The texts of the next four are in pusher-signature, signature.rb.
		{"no key", "", "", docsTimestamp, 401, "Missing parameter: auth_key\n"},
		{"no version", "?auth_key=278d425bdf160c739803", "", docsTimestamp, 401, "Version required\n"},
		{"unknown version", "?auth_key=278d425bdf160c739803&auth_version=2.0", "", docsTimestamp, 401, "Version not supported\n"},
		{"no timestamp", "?auth_key=278d425bdf160c739803&auth_version=1.0", "", docsTimestamp, 401, "Timestamp required\n"},
		// pusher-http-go#91 has the text; pusher-signature has it for nil too.
		{"invalid signature",
			docsAuth + "&auth_signature=abc", docsBody, docsTimestamp, 401,
			`Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f", your_secret_key), but you sent "abc"` + "\n"},
		{"no signature",
			docsAuth, docsBody, docsTimestamp, 401,
			`Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f", your_secret_key), but you sent nil` + "\n"},
		// Pusher's texts for these are not known.
		{"changed body",
			docsAuth + "&auth_signature=" + docsSignature, strings.Replace(docsBody, "foo", "fop", 1), docsTimestamp, 401,
			"Invalid body_md5: it is not the MD5 of the body\n"},
		{"repeated key",
			docsAuth + "&auth_key=x&auth_signature=" + docsSignature, docsBody, docsTimestamp, 400, "Malformed query string\n"},
		{"invalid escape in the query",
			docsAuth + "&x=%zz", docsBody, docsTimestamp, 400, "Malformed query string\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, pushertest.WithClock(func() time.Time { return time.Unix(test.serverTime, 0) }))
			status, text := send(t, s, newRequest(http.MethodPost, events+test.query, test.body))
			if status != test.status || text != test.text {
				t.Errorf("POST %s%s = %d %q, want %d %q", events, test.query, status, text, test.status, test.text)
			}
		})
	}
}

func TestAPI_Authentication_MissingBodyMD5(t *testing.T) {
	s := newServer(t)
	r := sign(t, s, newRequest(http.MethodPost, events, ""), time.Time{})
	r.Body = newRequest(http.MethodPost, events, docsBody).Body
	status, text := send(t, s, r)
	if want := "Missing parameter: body_md5\n"; status != 401 || text != want {
		t.Errorf("POST %s = %d %q, want 401 %q", events, status, text, want)
	}
}

// Pusher's content type is not known. Its bodies are plain text.
func TestAPI_ErrorContentType(t *testing.T) {
	w := httptest.NewRecorder()
	newServer(t).ServeHTTP(w, newRequest(http.MethodGet, channels, ""))
	if got, want := w.Header().Get("Content-Type"), "text/plain; charset=utf-8"; got != want {
		t.Errorf("Content-Type of an error = %q, want %q", got, want)
	}
}

func TestAPI_Log(t *testing.T) {
	var logged bytes.Buffer
	docsTime := time.Unix(docsTimestamp, 0)
	s := newServer(t, pushertest.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))), pushertest.WithClock(func() time.Time { return docsTime }))
	fail(t, s, pushertest.Failure{Status: 503, Match: func(r *http.Request) bool { return r.URL.Path == "/" }})
	s.ServeHTTP(httptest.NewRecorder(), newRequest(http.MethodGet, "/", ""))
	send(t, s, newRequest(http.MethodGet, channels+"/a%20b", ""))
	r := sign(t, s, newRequest(http.MethodGet, channels, ""), docsTime)
	r.URL.RawQuery += "0"
	send(t, s, r)
	for _, path := range []string{"/apps/888/channels", "/apps/3/unknown", channels + "/c/users", channels + "/" + strings.Repeat("x", 10_000)} {
		send(t, s, sign(t, s, newRequest(http.MethodGet, path, ""), docsTime))
	}

	for _, want := range []string{
		`level=INFO msg="pushertest: failure injected" method=GET path=/ status=503`,
		`level=WARN msg="pushertest: request rejected" method=GET path="/apps/3/channels/a b" status=401 reason="signing: missing parameter: auth_key"`,
		`level=WARN msg="pushertest: request rejected" method=GET path=/apps/3/channels status=401 reason="signing: invalid signature, the string to sign is \"GET\\n/apps/3/channels\\nauth_key=[REDACTED]&auth_timestamp=1353088179&auth_version=1.0\""`,
		`level=WARN msg="pushertest: request rejected" method=GET path=/apps/888/channels status=404 reason="this server serves app 3, not 888"`,
		`level=WARN msg="pushertest: request rejected" method=GET path=/apps/3/unknown status=404 reason="the HTTP API has no such method and path"`,
		`level=WARN msg="pushertest: request rejected" method=GET path=/apps/3/channels/c/users status=400 reason="Users can only be retrieved for presence channels"`,
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log has no\n%s\nbut\n%s", want, logged.String())
		}
	}
	for line := range strings.Lines(logged.String()) {
		if len(line) > 1500 {
			t.Errorf("a line of the log has %d bytes, want it truncated", len(line))
		}
	}
	if signature := r.URL.Query().Get("auth_signature"); strings.Contains(logged.String(), signature[:32]) {
		t.Errorf("the log contains the signature:\n%s", logged.String())
	}
}
