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
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

const (
	password  = "pr0xy-passw0rd"
	masterKey = "VGhlIG1hc3RlciBrZXksIDMyIGJ5dGVzIGxvbmchISE="
)

// leak is what of all that must never be printed stands in a text, if anything.
func leak(text string) string {
	for what, secret := range map[string]string{
		"the app secret": app.Secret, "the app secret's end": app.Secret[len(app.Secret)-10:], "a proxy's password": password,
		"the master key": masterKey[:14], "the master key decoded": "The master key", "the master key in numbers": "84 104 101", "the master key in hex": "0x54, 0x68",
	} {
		if strings.Contains(text, secret) {
			return what
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

// noLeak prints v in every way that fmt, encoding/json and slog know, and
// everything that it wraps if it is an error.
func noLeak(t *testing.T, what string, v any) {
	t.Helper()
	for how, text := range prints(v) {
		if leak := leak(text); leak != "" {
			t.Errorf("%s printed with %s shows %s:\n%s", what, how, leak, text)
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
			noLeak(t, what+", unwrapped", inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			noLeak(t, what+", unwrapped", inner)
		}
	}
}

func prints(v any) map[string]string {
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

func TestNoValueShowsASecret(t *testing.T) {
	client := newClient(t, pusher.WithHTTPProxy("http://user:"+password+"@proxy.example:3128"), pusher.WithEncryptionMasterKey(masterKey))
	fromURL, err := pusher.NewFromURL("https://" + app.Key + ":" + app.Secret + "@api-eu.pusher.com/apps/3")
	if err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string]any{
		"a client":                    client,
		"a client from a URL":         fromURL,
		"a client that is a value":    *client,
		"a client in a hidden field":  struct{ c pusher.Client }{*client},
		"a pointer in a hidden field": struct{ c *pusher.Client }{client},
		"credentials":                 app,
		"a pointer to credentials":    &app,
		"credentials in a list":       []pusher.Credentials{app},
		"credentials in a map":        map[string]pusher.Credentials{"a": app},
		"the generated client":        client.API(),
		"what it holds":               client.API().ClientInterface,
		"its authorizer":              client.Authorizer(),
		"its verifier":                client.Webhooks(),
		"a channel":                   client.Channel("c"),
		"a channel that is a value":   *client.Channel("c"),
		"an option":                   pusher.WithHTTPProxy("http://user:" + password + "@proxy.example"),
		"a trigger option":            pusher.ExcludeSocket("1.2"),
		"a policy":                    pusher.Retry{Attempts: 1},
		"an event":                    pusher.Event{Channel: "c", Name: "e"},
	} {
		noLeak(t, what, v)
	}
}

// TestNoSettingThatIsRefusedShowsASecret: people put the URL with the secret into
// the wrong place, cut it short, or swap its parts.
func TestNoSettingThatIsRefusedShowsASecret(t *testing.T) {
	userinfo := app.Key + ":" + app.Secret
	good := "https://" + userinfo + "@api-eu.pusher.com/apps/3"
	urls := map[string]string{
		"a URL with a space":             "https://" + userinfo + "@api eu.pusher.com/apps/3",
		"a URL with a bad escape":        "https://" + userinfo + "%zz@api-eu.pusher.com/apps/3",
		"a URL with a bad port":          "https://" + userinfo + "@api-eu.pusher.com:port/apps/3",
		"a URL whose secret has a slash": "https://" + app.Key + ":x/" + app.Secret + "@api-eu.pusher.com/apps/3",
		"a URL whose key has a slash":    "https://x/" + userinfo + "@api-eu.pusher.com/apps/3",
		"a URL with a control character": good + "\n",
		"a URL without a scheme":         strings.TrimPrefix(good, "https://"),
		"a URL without a host":           "https://" + userinfo,
		"a URL without an app":           "https://" + userinfo + "@api-eu.pusher.com",
		"a URL twice":                    good + good,
		"a URL whose secret is an @":     "https://" + app.Key + ":@@" + app.Secret + "@api-eu.pusher.com:x/apps/3",
		"a URL in the place of the app":  "https://k:s@h/apps/" + url.PathEscape(good),
		"another scheme":                 "ws" + strings.TrimPrefix(good, "https"),
	}
	for what, u := range urls {
		t.Run(what, func(t *testing.T) {
			refused := func(call string, err error) {
				t.Helper()
				if !errors.Is(err, pusher.ErrConfiguration) {
					t.Fatalf("%s(%s) = %v, want %v", call, what, err, pusher.ErrConfiguration)
				}
				noLeak(t, call+"("+what+")", err)
			}
			_, err := pusher.NewFromURL(u)
			refused("NewFromURL", err)
			setEnv(t, map[string]string{"PUSHER_URL": u})
			_, err = pusher.NewFromEnv()
			refused("NewFromEnv", err)
			pusher.SetDefault(nil)
			defer pusher.SetDefault(nil)
			_, err = pusher.Default().Trigger(context.Background(), "c", "e", "d")
			refused("Default().Trigger", err)
			noLeak(t, "Default()", pusher.Default())

			for name, opt := range map[string]pusher.Option{
				"WithHost": pusher.WithHost(u), "WithCluster": pusher.WithCluster(u), "WithBaseURL": pusher.WithBaseURL(u),
				"WithEncryptionMasterKey": pusher.WithEncryptionMasterKey(u),
				"WithHTTPProxy":           pusher.WithHTTPProxy(strings.Replace(u, "https", "ftp", 1)),
			} {
				_, err := pusher.New(app, opt)
				noLeak(t, name+"("+what+")", err)
			}
			_, err = pusher.New(pusher.Credentials{AppID: u, Key: app.Secret + " ", Secret: app.Key})
			refused("New", err)
			for _, name := range []string{"PUSHER_CLUSTER", "PUSHER_HOST", "PUSHER_PORT", "PUSHER_SCHEME"} {
				setEnv(t, map[string]string{"PUSHER_APP_ID": "3", "PUSHER_KEY": "k", "PUSHER_SECRET": "s", name: u})
				_, err = pusher.NewFromEnv()
				noLeak(t, name+"="+what, err)
			}
		})
	}
}

func TestNoMasterKeyThatIsRefusedIsShown(t *testing.T) {
	for _, key := range []string{masterKey[1:], masterKey + "AAAA", masterKey[:42], masterKey + "!", " " + masterKey, "The master key"} {
		_, err := pusher.New(app, pusher.WithEncryptionMasterKey(key))
		if !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New(a bad master key) = %v, want %v", err, pusher.ErrConfiguration)
		}
		if err != nil && strings.Contains(err.Error(), key[1:]) {
			t.Errorf("New(a bad master key) = %v, want no key in it", err)
		}
		noLeak(t, "New(a bad master key)", err)
	}
}

// quoting is a transport whose failures quote the request, in every way that
// error trees have.
func quoting(wrap func(req *http.Request) error) pusher.Option {
	return over(func(req *http.Request) (*http.Response, error) { return nil, wrap(req) })
}

// A tattler is an error of a transport that quotes the request.
type tattler struct{ url string }

func (e *tattler) Error() string { return "cannot fetch " + e.url }

// A gossip is one that is not behind a pointer.
type gossip struct {
	url  string
	also []error
}

func (e gossip) Error() string   { return "cannot fetch " + e.url }
func (e gossip) Unwrap() []error { return e.also }

// echoing answers with a text made of the request's signed URL.
func echoing(status int, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		signed := "http://" + r.Host + r.RequestURI
		if status < 400 && status >= 300 {
			w.Header().Set("Location", fmt.Sprintf(format, signed))
			w.WriteHeader(status)
			return
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, format, signed)
	}
}

// TestNoFailureShowsASecret makes calls fail in every way and looks at the errors
// and at every line that is logged on the way.
func TestNoFailureShowsASecret(t *testing.T) {
	// Of a server that was closed the port may soon be another program's; on port
	// 1 nobody listens.
	const closed = "127.0.0.1:1"
	served := func(handler http.HandlerFunc) pusher.Option {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return pusher.WithBaseURL(server.URL)
	}
	signature := strings.Repeat("0123456789abcdef", 4)
	// Pusher's own text, with the signature where it stands (pusher-http-go#91).
	invalid := `Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/3/events\nauth_key=` + app.Key +
		`&auth_timestamp=1&auth_version=1.0&body_md5=x", your_secret_key), but you sent "` + signature + `"` + "\n"

	tests := []struct {
		name string
		opts []pusher.Option
	}{
		{"a refused connection", []pusher.Option{pusher.WithBaseURL("http://" + closed)}},
		{"a refused connection to a proxy", []pusher.Option{pusher.WithBaseURL("http://a.example"), pusher.WithHTTPProxy("http://user:" + password + "@" + closed)}},
		{"a refused connection to a SOCKS proxy", []pusher.Option{pusher.WithBaseURL("http://a.example"), pusher.WithHTTPProxy("socks5://user:" + password + "@" + closed)}},
		{"a refused tunnel", []pusher.Option{pusher.WithHTTPProxy("http://user:" + password + "@" + closed)}},
		{"a timeout", []pusher.Option{pusher.WithTimeout(time.Millisecond), over(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})}},
		{"an answer that is not HTTP and quotes the URL", []pusher.Option{quoting(func(req *http.Request) error {
			return fmt.Errorf("malformed HTTP response %q", "GET "+req.URL.String())
		})}},
		{"a transport that quotes the URL", []pusher.Option{quoting(func(req *http.Request) error { return fmt.Errorf("no way to %s", req.URL) })}},
		{"a transport that quotes the URL escaped", []pusher.Option{quoting(func(req *http.Request) error {
			return errors.New("no way to " + url.QueryEscape(req.URL.String()))
		})}},
		{"a transport with an error type of its own", []pusher.Option{quoting(func(req *http.Request) error { return &tattler{req.URL.String()} })}},
		{"a transport with an error that is a value", []pusher.Option{quoting(func(req *http.Request) error { return gossip{req.URL.String(), []error{io.EOF}} })}},
		{"a transport that wraps a url.Error", []pusher.Option{quoting(func(req *http.Request) error {
			return fmt.Errorf("inner: %w", &url.Error{Op: "Get", URL: req.URL.String(), Err: &url.Error{Op: "Get", URL: req.URL.String(), Err: io.EOF}})
		})}},
		{"a transport that joins errors", []pusher.Option{quoting(func(req *http.Request) error {
			withURL := &url.Error{Op: "Get", URL: req.URL.String(), Err: syscall.ECONNRESET}
			return errors.Join(&tattler{req.URL.String()}, withURL, fmt.Errorf("%w and %w", withURL, withURL))
		})}},
		{"a dial that quotes the URL", []pusher.Option{quoting(func(req *http.Request) error {
			return &net.OpError{Op: "dial", Err: &tattler{req.URL.String()}}
		})}},
		{"a body that breaks off quoting the URL", []pusher.Option{over(func(req *http.Request) (*http.Response, error) {
			resp := response(200, "", nil)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"chan`), failing{&tattler{req.URL.String()}}))
			return resp, nil
		})}},
		{"Pusher's text about the signature", []pusher.Option{served(answer(401, text, invalid))}},
		{"the same as JSON", []pusher.Option{served(answer(401, jsn, fmt.Sprintf(`{"error":%q,"code":401}`, invalid)))}},
		{"the same under 200", []pusher.Option{served(answer(200, jsn, fmt.Sprintf(`{"error":%q,"code":429}`, invalid)))}},
		{"a signature in a map of fields", []pusher.Option{served(answer(422, jsn, `{"auth_signature":["`+signature+`"]}`))}},
		{"a signature across the end of what is read", []pusher.Option{served(answer(500, text, strings.Repeat(" ", 4<<10-47)+"auth_signature="+signature))}},
		{"a signature that the connection's end cuts", []pusher.Option{served(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "Invalid auth_signature="+signature[:32])
		})}},
		{"a signature across the end of what is kept", []pusher.Option{served(answer(500, text, strings.Repeat("y", 990)+" "+signature))}},
		{"a page that shows the URL", []pusher.Option{served(echoing(502, "<h1>Bad gateway</h1> <a href=%q>again</a>"))}},
		{"a text that shows the URL", []pusher.Option{served(echoing(503, "cannot reach %s now"))}},
		{"a page under 200 that shows the URL", []pusher.Option{served(echoing(200, "<h1>Welcome to %s</h1>"))}},
		{"no JSON but the URL", []pusher.Option{served(echoing(200, "you asked for %s"))}},
		{"a redirect with the signed query", []pusher.Option{served(echoing(301, "%s"))}},
		{"a redirect with the signed URL in its path", []pusher.Option{served(echoing(302, "/login/%s"))}},
		{"a redirect with the signed query in its fragment", []pusher.Option{served(echoing(302, "/login#%s"))}},
		{"a redirect that does not parse", []pusher.Option{served(echoing(302, "http://[::1/%s"))}},
		{"a redirect with a password", []pusher.Option{served(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://user:"+password+"@elsewhere.example/")
			w.WriteHeader(307)
		})}},
		{"a proxy that does not know the password", []pusher.Option{pusher.WithBaseURL("http://a.example"), proxied(t, 407, "http://user:%s@proxy.example is unknown")}},
		{"a tunnel that does not know the password", []pusher.Option{proxied(t, 407, "http://user:%s@proxy.example is unknown")}},
		{"a proxy's page with its own URL", []pusher.Option{pusher.WithBaseURL("http://a.example"), proxied(t, 502, "cannot reach http://user:%s@proxy.example:3128/")}},
	}
	swapped := pusher.Credentials{AppID: "3", Key: app.Secret, Secret: app.Key}
	for _, tt := range tests {
		for who, credentials := range map[string]pusher.Credentials{"": app, "with key and secret swapped, ": swapped} {
			t.Run(who+tt.name, func(t *testing.T) {
				var lines bytes.Buffer
				logger := slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
				client, err := pusher.New(credentials, append([]pusher.Option{
					pusher.WithLogger(logger),
					pusher.WithRetry(pusher.Retry{Attempts: 2, BaseDelay: 1, Publishes: true}),
				}, tt.opts...)...)
				if err != nil {
					t.Fatal(err)
				}
				noLeak(t, "the client", client)
				for _, op := range operations() {
					got, err := op.call(context.Background(), client)
					if err == nil && !op.publishes {
						t.Errorf("%s = %v, want an error", op.name, got)
					}
					noLeak(t, "the error of "+op.name, err)
					noLeak(t, "the result of "+op.name, got)
				}
				if lines.Len() == 0 {
					t.Error("nothing was logged, want debug lines to look at")
				}
				noLeak(t, "the log", lines.String())
			})
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// proxied makes requests go through a proxy that refuses them with a text that
// holds the password.
func proxied(t *testing.T, status int, format string) pusher.Option {
	t.Helper()
	server := httptest.NewServer(answer(status, text, fmt.Sprintf(format, password)))
	t.Cleanup(server.Close)
	return pusher.WithHTTPProxy("http://user:" + password + "@" + strings.TrimPrefix(server.URL, "http://"))
}

func TestAPathThatIsRefusedShowsNoSignature(t *testing.T) {
	client := newClient(t)
	signed := "/channels?auth_key=" + app.Key + "&auth_signature=" + strings.Repeat("0f", 32)
	for _, path := range []string{signed, "//" + signed, signed + "\n"} {
		_, err := client.Get(context.Background(), path, nil)
		if !errors.Is(err, pusher.ErrInvalid) {
			t.Errorf("Get(a signed path) = %v, want %v", err, pusher.ErrInvalid)
		}
		noLeak(t, "Get(a signed path)", err)
	}
}
