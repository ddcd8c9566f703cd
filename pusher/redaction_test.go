package pusher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

const (
	password  = "pr0xy-passw0rd"
	masterKey = "VGhlIG1hc3RlciBrZXksIDMyIGJ5dGVzIGxvbmchISE="
)

// findSecret returns which secret a text contains, or "".
func findSecret(text string) string {
	for name, secret := range map[string]string{
		"the app secret": app.Secret, "the end of the app secret": app.Secret[len(app.Secret)-10:], "the proxy password": password,
		"the master key": masterKey[:14], "the decoded master key": "The master key", "the master key as numbers": "84 104 101", "the master key as hex": "0x54, 0x68",
	} {
		if strings.Contains(text, secret) {
			return name
		}
	}
	const digits = "0123456789abcdefABCDEF"
	run := 0
	for _, c := range []byte(text) {
		if !strings.ContainsRune(digits, rune(c)) {
			run = 0
			continue
		}
		if run++; run == signing.SignatureLength {
			return "a signature"
		}
	}
	for _, parameter := range []string{"auth_signature=", "auth_signature%3D"} {
		if _, value, found := strings.Cut(text, parameter); found && value != "" && strings.Contains(digits, value[:1]) {
			return "part of a signature"
		}
	}
	return ""
}

// checkNoSecret fails the test if v, or an error that it wraps, shows a secret when it
// is formatted with fmt, encoding/json, encoding/xml or log/slog.
func checkNoSecret(t *testing.T, what string, v any) {
	t.Helper()
	for format, text := range formatAll(v) {
		if secret := findSecret(text); secret != "" {
			t.Errorf("%s formatted with %s shows %s:\n%s", what, format, secret, text)
		}
	}
	err, isError := v.(error)
	if !isError {
		return
	}
	var withURL *url.Error
	if errors.As(err, &withURL) {
		t.Errorf("%s wraps a %T: %v", what, withURL, withURL)
	}
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		if inner := w.Unwrap(); inner != nil {
			checkNoSecret(t, what+", unwrapped", inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			checkNoSecret(t, what+", unwrapped", inner)
		}
	}
}

func formatAll(v any) map[string]string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		texts[verb] = fmt.Sprintf(verb+" "+verb+" "+verb, v, struct{ V any }{v}, []any{v})
	}
	encoded, err := json.Marshal(v)
	texts["JSON"] = fmt.Sprintf("%s %v", encoded, err)
	var lines bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&lines, nil), slog.NewJSONHandler(&lines, nil)} {
		slog.New(handler).Info("m", "v", v, slog.Group("g", "v", []any{v}))
	}
	texts["slog"] = lines.String()
	return texts
}

func TestRedaction_Values(t *testing.T) {
	client := newClient(t, pusher.WithHTTPProxy("http://user:"+password+"@proxy.example:3128"), pusher.WithEncryptionMasterKey(masterKey))
	fromURL, err := pusher.NewFromURL("https://" + app.Key + ":" + app.Secret + "@api-eu.pusher.com/apps/3")
	if err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string]any{
		"client":                                client,
		"client from a URL":                     fromURL,
		"client value":                          *client,
		"client in an unexported field":         struct{ c pusher.Client }{*client},
		"client pointer in an unexported field": struct{ c *pusher.Client }{client},
		"credentials":                           app,
		"pointer to credentials":                &app,
		"slice of credentials":                  []pusher.Credentials{app},
		"map of credentials":                    map[string]pusher.Credentials{"a": app},
		"generated client":                      client.API(),
		"interface of the generated client":     client.API().ClientInterface,
		"authorizer":                            client.Authorizer(),
		"webhook verifier":                      client.WebhookVerifier(),
		"channel":                               client.Channel("c"),
		"channel value":                         *client.Channel("c"),
		"option":                                pusher.WithHTTPProxy("http://user:" + password + "@proxy.example"),
		"trigger option":                        pusher.ExcludeSocket("1.2"),
		"retry policy":                          pusher.Retry{Attempts: 1},
		"event":                                 pusher.Event{Channel: "c", Name: "e"},
	} {
		checkNoSecret(t, what, v)
	}
}

// TestRedaction_Settings checks the errors for settings into which the URL with
// the secret was pasted, truncated or with its parts swapped.
func TestRedaction_Settings(t *testing.T) {
	userinfo := app.Key + ":" + app.Secret
	valid := "https://" + userinfo + "@api-eu.pusher.com/apps/3"
	urls := map[string]string{
		"URL with a space":             "https://" + userinfo + "@api eu.pusher.com/apps/3",
		"URL with an invalid escape":   "https://" + userinfo + "%zz@api-eu.pusher.com/apps/3",
		"URL with an invalid port":     "https://" + userinfo + "@api-eu.pusher.com:port/apps/3",
		"secret with a slash":          "https://" + app.Key + ":x/" + app.Secret + "@api-eu.pusher.com/apps/3",
		"key with a slash":             "https://x/" + userinfo + "@api-eu.pusher.com/apps/3",
		"URL with a control character": valid + "\n",
		"URL without a scheme":         strings.TrimPrefix(valid, "https://"),
		"URL without a host":           "https://" + userinfo,
		"URL without an app":           "https://" + userinfo + "@api-eu.pusher.com",
		"URL twice":                    valid + valid,
		"secret with an @":             "https://" + app.Key + ":@@" + app.Secret + "@api-eu.pusher.com:x/apps/3",
		"URL in place of the app ID":   "https://k:s@h/apps/" + url.PathEscape(valid),
		"unknown scheme":               "ws" + strings.TrimPrefix(valid, "https"),
	}
	for what, u := range urls {
		t.Run(what, func(t *testing.T) {
			checkInvalid := func(call string, err error) {
				t.Helper()
				if !errors.Is(err, pusher.ErrConfiguration) {
					t.Fatalf("%s(%s) = %v, want %v", call, what, err, pusher.ErrConfiguration)
				}
				checkNoSecret(t, call+"("+what+")", err)
			}
			_, err := pusher.NewFromURL(u)
			checkInvalid("NewFromURL", err)
			setEnv(t, map[string]string{"PUSHER_URL": u})
			_, err = pusher.NewFromEnv()
			checkInvalid("NewFromEnv", err)
			pusher.SetDefault(nil)
			defer pusher.SetDefault(nil)
			_, err = pusher.Default().Trigger(context.Background(), "c", "e", "d")
			checkInvalid("Default().Trigger", err)
			checkNoSecret(t, "Default()", pusher.Default())

			for name, opt := range map[string]pusher.Option{
				"WithCluster": pusher.WithCluster(u), "WithBaseURL": pusher.WithBaseURL(u),
				"WithEncryptionMasterKey": pusher.WithEncryptionMasterKey(u),
				"WithHTTPProxy":           pusher.WithHTTPProxy(strings.Replace(u, "https", "ftp", 1)),
			} {
				_, err := pusher.New(app, opt)
				checkNoSecret(t, name+"("+what+")", err)
			}
			_, err = pusher.New(pusher.Credentials{AppID: u, Key: app.Secret + " ", Secret: app.Key})
			checkInvalid("New", err)
			for _, name := range []string{"PUSHER_CLUSTER", "PUSHER_HOST", "PUSHER_PORT", "PUSHER_SCHEME"} {
				setEnv(t, map[string]string{"PUSHER_APP_ID": "3", "PUSHER_KEY": "k", "PUSHER_SECRET": "s", name: u})
				_, err = pusher.NewFromEnv()
				checkNoSecret(t, name+"="+what, err)
			}
		})
	}
}

func TestRedaction_MasterKey(t *testing.T) {
	for _, key := range []string{masterKey[1:], masterKey + "AAAA", masterKey[:42], masterKey + "!", " " + masterKey, "The master key"} {
		_, err := pusher.New(app, pusher.WithEncryptionMasterKey(key))
		if !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New(invalid master key) = %v, want %v", err, pusher.ErrConfiguration)
		}
		if err != nil && strings.Contains(err.Error(), key[1:]) {
			t.Errorf("New(invalid master key) = %v, want no key in the error", err)
		}
		checkNoSecret(t, "New(invalid master key)", err)
	}
}

// failWith returns a transport whose errors quote the request, in the given form of an
// error tree.
func failWith(wrap func(req *http.Request) error) pusher.Option {
	return over(func(req *http.Request) (*http.Response, error) { return nil, wrap(req) })
}

// A pointerError is an error of a transport that quotes the URL.
type pointerError struct{ url string }

func (e *pointerError) Error() string { return "cannot fetch " + e.url }

// A valueError is one without a pointer, with further errors.
type valueError struct {
	url  string
	errs []error
}

func (e valueError) Error() string   { return "cannot fetch " + e.url }
func (e valueError) Unwrap() []error { return e.errs }

// echoURL responds with a text or a redirect that contains the signed URL.
func echoURL(status int, format string) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		text := fmt.Sprintf(format, req.URL)
		if status < 400 && status >= 300 {
			return respond(status, "", "Location", text)(req)
		}
		return respond(status, text)(req)
	}
}

// TestRedaction_Errors checks the errors and the log lines of calls that fail in
// every way.
func TestRedaction_Errors(t *testing.T) {
	// The port of a closed server may be reused by another program; port 1 is never
	// in use.
	const closed = "127.0.0.1:1"
	signature := strings.Repeat("0123456789abcdef", 4)
	// The text of Pusher, which quotes the signature (pusher-http-go#91).
	invalid := `Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/3/events\nauth_key=` + app.Key +
		`&auth_timestamp=1&auth_version=1.0&body_md5=x", your_secret_key), but you sent "` + signature + `"` + "\n"

	tests := []struct {
		name string
		opts []pusher.Option
	}{
		{"connection refused", []pusher.Option{pusher.WithBaseURL("http://" + closed)}},
		{"connection to a proxy refused", []pusher.Option{pusher.WithBaseURL("http://a.example"), pusher.WithHTTPProxy("http://user:" + password + "@" + closed)}},
		{"connection to a SOCKS proxy refused", []pusher.Option{pusher.WithBaseURL("http://a.example"), pusher.WithHTTPProxy("socks5://user:" + password + "@" + closed)}},
		{"connection to a proxy refused, with TLS", []pusher.Option{pusher.WithHTTPProxy("http://user:" + password + "@" + closed)}},
		{"timeout", []pusher.Option{pusher.WithTimeout(time.Millisecond), over(hang)}},
		{"malformed response that quotes the URL", []pusher.Option{failWith(func(req *http.Request) error {
			return fmt.Errorf("malformed HTTP response %q", "GET "+req.URL.String())
		})}},
		{"transport quotes the URL", []pusher.Option{failWith(func(req *http.Request) error { return fmt.Errorf("no way to %s", req.URL) })}},
		{"transport quotes the escaped URL", []pusher.Option{failWith(func(req *http.Request) error {
			return errors.New("no way to " + url.QueryEscape(req.URL.String()))
		})}},
		{"transport with its own error type", []pusher.Option{failWith(func(req *http.Request) error { return &pointerError{req.URL.String()} })}},
		{"transport with an error value", []pusher.Option{failWith(func(req *http.Request) error { return valueError{req.URL.String(), []error{io.EOF}} })}},
		{"transport wraps a url.Error", []pusher.Option{failWith(func(req *http.Request) error {
			return fmt.Errorf("inner: %w", &url.Error{Op: "Get", URL: req.URL.String(), Err: &url.Error{Op: "Get", URL: req.URL.String(), Err: io.EOF}})
		})}},
		{"transport joins errors", []pusher.Option{failWith(func(req *http.Request) error {
			withURL := &url.Error{Op: "Get", URL: req.URL.String(), Err: syscall.ECONNRESET}
			return errors.Join(&pointerError{req.URL.String()}, withURL, fmt.Errorf("%w and %w", withURL, withURL))
		})}},
		{"dial error quotes the URL", []pusher.Option{failWith(func(req *http.Request) error {
			return &net.OpError{Op: "dial", Err: &pointerError{req.URL.String()}}
		})}},
		{"body error quotes the URL", []pusher.Option{over(func(req *http.Request) (*http.Response, error) {
			broken := iotest.ErrReader(&pointerError{req.URL.String()})
			return respondBody(io.NopCloser(io.MultiReader(strings.NewReader(`{"chan`), broken)))(req)
		})}},
		{"signature quoted by Pusher", []pusher.Option{over(respond(401, invalid))}},
		{"signature in upper case", []pusher.Option{over(respond(401, "you sent "+strings.ToUpper(signature)+"\n"))}},
		{"signature quoted in JSON", []pusher.Option{over(respond(401, fmt.Sprintf(`{"error":%q,"code":401}`, invalid)))}},
		{"signature quoted under status 200", []pusher.Option{over(respond(200, fmt.Sprintf(`{"error":%q,"code":429}`, invalid)))}},
		{"signature in a map of fields", []pusher.Option{over(respond(422, `{"auth_signature":["`+signature+`"]}`))}},
		{"signature at the read limit", []pusher.Option{over(respond(500, strings.Repeat(" ", 4<<10-47)+"auth_signature="+signature))}},
		{"signature truncated by the end of the connection", []pusher.Option{pusher.WithBaseURL(listen(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			write(http.StatusUnauthorized, "Invalid auth_signature="+signature[:32])(w, nil)
		}))}},
		{"signature at the limit of the message", []pusher.Option{over(respond(500, strings.Repeat("y", 990)+" "+signature))}},
		{"HTML page with the URL", []pusher.Option{over(echoURL(502, "<h1>Bad gateway</h1> <a href=%q>again</a>"))}},
		{"text with the URL", []pusher.Option{over(echoURL(503, "cannot reach %s now"))}},
		{"HTML page with the URL under status 200", []pusher.Option{over(echoURL(200, "<h1>Welcome to %s</h1>"))}},
		{"text with the URL under status 200", []pusher.Option{over(echoURL(200, "you requested %s"))}},
		{"redirect with the signed query", []pusher.Option{over(echoURL(301, "%s"))}},
		{"redirect with the signed URL in its path", []pusher.Option{over(echoURL(302, "/login/%s"))}},
		{"redirect with the signed URL in its fragment", []pusher.Option{over(echoURL(302, "/login#%s"))}},
		{"redirect to an invalid URL", []pusher.Option{over(echoURL(302, "http://[::1/%s"))}},
		{"redirect with a password", []pusher.Option{over(respond(307, "", "Location", "http://user:"+password+"@elsewhere.example/"))}},
		{"status 407 from a proxy", []pusher.Option{pusher.WithBaseURL("http://a.example"), throughProxy(t, 407, "http://user:%s@proxy.example is unknown")}},
		{"status 407 for CONNECT", []pusher.Option{throughProxy(t, 407, "http://user:%s@proxy.example is unknown")}},
		{"error page with the URL of the proxy", []pusher.Option{pusher.WithBaseURL("http://a.example"), throughProxy(t, 502, "cannot reach http://user:%s@proxy.example:3128/")}},
	}
	swapped := pusher.Credentials{AppID: "3", Key: app.Secret, Secret: app.Key}
	for _, tt := range tests {
		for prefix, credentials := range map[string]pusher.Credentials{"": app, "key and secret swapped, ": swapped} {
			t.Run(prefix+tt.name, func(t *testing.T) {
				var lines logs
				client, err := pusher.New(credentials, append([]pusher.Option{
					lines.option(), pusher.WithRetry(pusher.Retry{Attempts: 2, BaseDelay: 1, Publishes: true}),
				}, tt.opts...)...)
				if err != nil {
					t.Fatal(err)
				}
				checkNoSecret(t, "the client", client)
				for _, op := range operations() {
					got, err := op.call(context.Background(), client)
					if err == nil && !op.publishes {
						t.Errorf("%s = %v, want an error", op.name, got)
					}
					checkNoSecret(t, "the error of "+op.name, err)
					checkNoSecret(t, "the result of "+op.name, got)
				}
				if lines.String() == "" {
					t.Error("nothing was logged, want debug lines")
				}
				checkNoSecret(t, "the log", lines.String())
			})
		}
	}
}

// throughProxy sends requests through a proxy that rejects them with a text that
// contains the password.
func throughProxy(t *testing.T, status int, format string) pusher.Option {
	t.Helper()
	proxy := listen(t, write(status, fmt.Sprintf(format, password)))
	return pusher.WithHTTPProxy(strings.Replace(proxy, "//", "//user:"+password+"@", 1))
}

func TestRedaction_Path(t *testing.T) {
	client := newClient(t)
	signed := "/channels?auth_key=" + app.Key + "&auth_signature=" + strings.Repeat("0f", 32)
	for _, path := range []string{signed, "//" + signed, signed + "\n"} {
		_, err := client.Get(context.Background(), path, nil)
		if !errors.Is(err, pusher.ErrInvalid) {
			t.Errorf("Get(a signed path) = %v, want %v", err, pusher.ErrInvalid)
		}
		checkNoSecret(t, "Get(a signed path)", err)
	}
}
