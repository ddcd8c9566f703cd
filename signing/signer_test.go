package signing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

func TestNew(t *testing.T) {
	const valid = ""
	tests := []struct {
		name, key, secret string
		opts              []signing.Option
		want              string // the text of an ErrConfiguration after its prefix
	}{
		{"documentation", docsKey, docsSecret, nil, valid},
		{"letters and punctuation", "app-key", "app_secret/ž!", nil, valid},
		{"empty key", "", docsSecret, nil, "the key is empty"},
		{"empty secret", docsKey, "", nil, "the secret is empty"},
		{"line feed in the secret", docsKey, docsSecret + "\n", nil, "the secret contains a space or a non-printable character"},
		{"space in the secret", docsKey, " " + docsSecret, nil, "the secret contains a space or a non-printable character"},
		{"no-break space in the secret", docsKey, docsSecret + "\u00a0", nil, "the secret contains a space or a non-printable character"},
		{"byte order mark in the key", "\ufeff" + docsKey, docsSecret, nil, "the key contains a space or a non-printable character"},
		{"key and secret", "", "", nil, "the key is empty; the secret is empty"},
		{"colon in the key", "a:b", docsSecret, nil, "the key contains a colon"},
		{"NUL in the key", docsKey + "\x00", docsSecret, nil, "the key contains a space or a non-printable character"},
		{"nil clock", docsKey, docsSecret, []signing.Option{signing.WithClock(nil)}, "WithClock: the clock is nil"},
		{"nil option", docsKey, docsSecret, []signing.Option{nil}, "an option is nil"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := signing.New(tt.key, tt.secret, tt.opts...)
			if tt.want == valid {
				if err != nil {
					t.Errorf("New(%q, %q) = %v, want no error", tt.key, tt.secret, err)
				}
				return
			}
			if want := "signing: invalid configuration: " + tt.want; !errors.Is(err, signing.ErrConfiguration) || err.Error() != want {
				t.Errorf("New(%q, %q) = %v, want %s", tt.key, tt.secret, err, want)
			}
			conceals(t, err)
		})
	}
}

func TestSigner_Edit_Query(t *testing.T) {
	const sent = authParams // it has no reserved characters
	tests := []struct{ name, query, want string }{
		{"empty", "", sent},
		{"other parameters are sorted", "info=user_count&a=1", "a=1&" + sent + "&info=user_count"},
		{"keys in upper case", "AZ=1&INFO=User_Count", sent + "&az=1&info=User_Count"},
		{"non-ASCII key in upper case", "%C5%BD=1", sent + "&%C5%BD=1"},
		{"values with reserved characters", "q=a+b%20c&r=%26%2B%25%23%3D", sent + "&q=a%20b%20c&r=%26%2B%25%23%3D"},
		{"unescaped semicolon", "filter_by_prefix=a;b&info=x", sent + "&filter_by_prefix=a%3Bb&info=x"},
		{"equals sign in a value", "q=a=b", sent + "&q=a%3Db"},
		{"array", "k[]=2&k[]=1&k0=3", sent + "&k%5B%5D=2&k%5B%5D=1&k0=3"},
		{"key without a value", "k", sent + "&k="},
		{"value without a key", "=v", "=v&" + sent},
		{"empty pairs", "&&k=1&", sent + "&k=1"},
		{"invalid UTF-8", "%FF%fe=%80", sent + "&%FF%FE=%80"},
		{"parameters of an earlier signature", "auth_key=x&auth_timestamp=1&auth_version=2&auth_signature=3&body_md5=4&k=1", sent + "&k=1"},
		{"parameters of an earlier signature in upper case, as an array and twice", "Auth_Key=x&auth_key[]=y&auth%5Fkey=z&BODY_MD5=0", sent},
		{"parameters with similar names", "auth_keys=1&auth_sig=2", "auth_key=278d425bdf160c739803&auth_keys=1&auth_sig=2&auth_timestamp=1353088179&auth_version=1.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := mustRequest(t, "GET", "https://api.example/apps/3/channels", "")
			req.URL.RawQuery = tt.query
			if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
				t.Fatalf("Edit(%q) = %v, want no error", tt.query, err)
			}
			got, _, signed := strings.Cut(req.URL.RawQuery, "&auth_signature=")
			if !signed || got != tt.want {
				t.Errorf("Edit(%q)\n got %q\nwant %q and a signature", tt.query, req.URL.RawQuery, tt.want)
			}
		})
	}
}

func TestSigner_Edit_EscapedKey(t *testing.T) {
	req := mustRequest(t, "GET", "https://api.example/", "")
	if err := edit(t, "key&more=1", docsSecret, docsTime, req); err != nil {
		t.Fatal(err)
	}
	if got := queryOf(t, req).Get("auth_key"); got != "key&more=1" {
		t.Errorf("Edit by the key %q sends auth_key %q", "key&more=1", got)
	}
}

func TestSigner_Edit_Again(t *testing.T) {
	body := `{"name":"foo"}`
	req := mustRequest(t, "POST", "https://api.example/apps/3/events?q=a%26b", body)
	if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
		t.Fatal(err)
	}
	first := req.URL.RawQuery
	if err := edit(t, docsKey, docsSecret, docsTime.Add(time.Hour), req); err != nil {
		t.Fatal(err)
	}
	query := queryOf(t, req)
	for _, name := range []string{"auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5", "q"} {
		if got := len(query[name]); got != 1 {
			t.Errorf("a request signed twice has %d times %s, want 1", got, name)
		}
	}
	if got, want := query.Get("auth_timestamp"), "1353091779"; got != want {
		t.Errorf("signed again an hour later, auth_timestamp = %s, want %s", got, want)
	}
	if err := signing.Verify(req, []byte(body), only(docsKey, docsSecret), docsTime.Add(time.Hour)); err != nil {
		t.Errorf("Verify of a request signed twice = %v, want no error", err)
	}
	if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
		t.Fatal(err)
	}
	if req.URL.RawQuery != first {
		t.Errorf("signed again at the first time\n got %q\nwant %q", req.URL.RawQuery, first)
	}
}

func TestSigner_Edit_Body(t *testing.T) {
	// body_md5 of the documentation's worked example.
	body, sum := vectors[0].body, vectors[0].bodyMD5
	getBody := func(content string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
	}
	tests := []struct {
		name       string
		body       io.ReadCloser
		getBody    func() (io.ReadCloser, error)
		wantBody   string
		wantMD5    string
		wantLength int64
	}{
		{name: "nil"},
		{name: "http.NoBody", body: http.NoBody},
		{
			name: "body with GetBody",
			body: io.NopCloser(strings.NewReader(body)), getBody: getBody(body),
			wantBody: body, wantMD5: sum,
			wantLength: -1, // not changed
		},
		{
			name: "body without GetBody",
			body: io.NopCloser(iotest.OneByteReader(strings.NewReader(body))), wantBody: body, wantMD5: sum,
			wantLength: int64(len(body)),
		},
		{name: "empty body without GetBody", body: io.NopCloser(strings.NewReader(""))},
		{
			name: "empty body with GetBody", body: io.NopCloser(strings.NewReader("")), getBody: getBody(""),
			wantLength: -1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := mustRequest(t, "POST", "https://api.example/apps/3/events?body_md5=stale", "")
			req.Body, req.GetBody = tt.body, tt.getBody
			if tt.body != nil && tt.body != http.NoBody {
				req.ContentLength = -1
			}
			if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
				t.Fatalf("Edit = %v, want no error", err)
			}
			query := queryOf(t, req)
			if got := query.Get("body_md5"); got != tt.wantMD5 || query.Has("body_md5") != (tt.wantMD5 != "") {
				t.Errorf("Edit: body_md5 %q, want %q", got, tt.wantMD5)
			}
			if req.ContentLength != tt.wantLength {
				t.Errorf("Edit: ContentLength %d, want %d", req.ContentLength, tt.wantLength)
			}
			if req.Body == nil {
				return
			}
			if got := readAll(t, req.Body); got != tt.wantBody {
				t.Errorf("Edit: the body sent is %q, want %q", got, tt.wantBody)
			}
			for range 2 {
				if req.GetBody == nil {
					break
				}
				again, err := req.GetBody()
				if err != nil {
					t.Fatal(err)
				}
				if got := readAll(t, again); got != tt.wantBody {
					t.Errorf("Edit: the body sent again is %q, want %q", got, tt.wantBody)
				}
			}
		})
	}
}

func TestSigner_Edit_Errors(t *testing.T) {
	broken := errors.New("read failed")
	failing := func() io.ReadCloser { return io.NopCloser(iotest.ErrReader(broken)) }
	tests := []struct {
		name    string
		change  func(*http.Request)
		want    error
		keepURL bool
	}{
		{"nil URL", func(r *http.Request) { r.URL = nil }, signing.ErrMalformed, false},
		{"opaque URL", func(r *http.Request) { r.URL.Opaque = "//api.example/apps/3" }, signing.ErrMalformed, true},
		{"incomplete escape in a value", func(r *http.Request) { r.URL.RawQuery = "a=1&q=%4" }, signing.ErrMalformed, true},
		{"non-hexadecimal escape in a value", func(r *http.Request) { r.URL.RawQuery = "q=%zz" }, signing.ErrMalformed, true},
		{"invalid escape in a key", func(r *http.Request) { r.URL.RawQuery = "%4g=1" }, signing.ErrMalformed, true},
		{"percent sign without digits", func(r *http.Request) { r.URL.RawQuery = "q=100%&a=1" }, signing.ErrMalformed, true},
		{"body that cannot be read", func(r *http.Request) { r.Body, r.GetBody = failing(), nil }, broken, true},
		{
			"body of GetBody that cannot be read",
			func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return failing(), nil } },
			broken, true,
		},
		{
			"GetBody that fails",
			func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, broken } },
			broken, true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := mustRequest(t, "POST", "https://api.example/apps/3/a%2Cb?q=1", "{}")
			tt.change(req)
			before := fmt.Sprint(req.URL)
			err := edit(t, docsKey, docsSecret, docsTime, req)
			if !errors.Is(err, tt.want) {
				t.Errorf("Edit = %v, want %v", err, tt.want)
			}
			conceals(t, err)
			if after := fmt.Sprint(req.URL); after != before {
				t.Errorf("Edit failed and left the URL %s, want %s", after, before)
			}
		})
	}
}

// closeRecorder is a body that records that it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return nil
}

func TestSigner_Edit_ClosesBody(t *testing.T) {
	failed := errors.New("read failed")
	readers := map[string]func() io.Reader{
		"readable":   func() io.Reader { return strings.NewReader("{}") },
		"unreadable": func() io.Reader { return iotest.ErrReader(failed) },
	}
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			once := &closeRecorder{Reader: reader()}
			req := mustRequest(t, "POST", "https://api.example/apps/3/events", "")
			req.Body, req.GetBody = once, nil
			_ = edit(t, docsKey, docsSecret, docsTime, req)
			if !once.closed {
				t.Error("Edit did not close a body without GetBody")
			}
			again := &closeRecorder{Reader: reader()}
			req = mustRequest(t, "POST", "https://api.example/apps/3/events", "{}")
			req.GetBody = func() (io.ReadCloser, error) { return again, nil }
			_ = edit(t, docsKey, docsSecret, docsTime, req)
			if !again.closed {
				t.Error("Edit did not close the body that GetBody returned")
			}
		})
	}
}

// Sorting 13 and more elements with an unstable algorithm changes their order.
func TestSigner_Edit_LongArray(t *testing.T) {
	var query, want []string
	for i := range 40 {
		query = append(query, fmt.Sprintf("k[]=%d", (i*7)%40))
		want = append(want, fmt.Sprintf("k%%5B%%5D=%d", (i*7)%40))
	}
	req := mustRequest(t, "GET", "https://api.example/apps/3/channels", "")
	req.URL.RawQuery = "z=1&" + strings.Join(query, "&") + "&a=1"
	if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
		t.Fatal(err)
	}
	got, _, _ := strings.Cut(req.URL.RawQuery, "&auth_signature=")
	if want := "a=1&" + authParams + "&" + strings.Join(want, "&") + "&z=1"; got != want {
		t.Errorf("Edit\n got %s\nwant %s", got, want)
	}
}

// A URL that was not parsed has no RawPath. Its path is escaped like net/http does.
func TestSigner_Edit_PathWithoutRawPath(t *testing.T) {
	req := &http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "api.example", Path: "/apps/3/a b/ž"}}
	if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
		t.Fatal(err)
	}
	want := signing.Signature(docsSecret, "GET\n/apps/3/a%20b/%C5%BE\n"+authParams)
	if got := queryOf(t, req).Get("auth_signature"); got != want {
		t.Errorf("Edit: auth_signature %s, want the signature of the path %s", got, req.URL.EscapedPath())
	}
}

func TestSigner_Edit_EscapedSlash(t *testing.T) {
	for _, path := range []string{"/apps/3/users/a%2Fb%2Cc", "/apps/3/users/a%2fb%2Cc"} {
		req := mustRequest(t, "GET", "https://api.example"+path, "")
		if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
			t.Fatal(err)
		}
		if got := req.URL.EscapedPath(); got != path {
			t.Errorf("Edit changed the path %s to %s", path, got)
		}
	}
}

func TestZeroValues(t *testing.T) {
	req := mustRequest(t, "GET", "https://api.example/", "")
	for _, signer := range []*signing.Signer{nil, {}} {
		if err := signer.Edit(t.Context(), req); !errors.Is(err, signing.ErrConfiguration) {
			t.Errorf("Edit of %#v = %v, want %v", signer, err, signing.ErrConfiguration)
		}
	}
	for _, secret := range []*signing.Secret{nil, {}} {
		if got := secret.Sign([]byte("text")); got != "" {
			t.Errorf("Sign of a zero Secret = %q, want none", got)
		}
		if secret.Verify([]byte("text"), "") || secret.Verify([]byte("text"), vectors[0].signature) {
			t.Error("Verify of a zero Secret = true, want false")
		}
	}
	if err := signing.Verify(req, nil, nil, docsTime); !errors.Is(err, signing.ErrConfiguration) {
		t.Errorf("Verify without secretOf = %v, want %v", err, signing.ErrConfiguration)
	}
	if err := mustSigner(t, docsKey, docsSecret).Edit(t.Context(), nil); !errors.Is(err, signing.ErrMalformed) {
		t.Errorf("Edit(nil) = %v, want %v", err, signing.ErrMalformed)
	}
}

func TestSigner_Edit_CurrentTime(t *testing.T) {
	// A synctest bubble starts at midnight UTC, 2000-01-01.
	synctest.Test(t, func(t *testing.T) {
		req := mustRequest(t, "GET", "https://api.example/apps/3/channels", "")
		if err := mustSigner(t, docsKey, docsSecret).Edit(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got, want := queryOf(t, req).Get("auth_timestamp"), "946684800"; got != want {
			t.Errorf("Edit: auth_timestamp %s, want %s", got, want)
		}
		if err := signing.Verify(req, nil, only(docsKey, docsSecret), time.Time{}); err != nil {
			t.Errorf("Verify at the same time = %v, want no error", err)
		}
	})
}

func TestSigner_Edit_CanceledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := mustRequest(t, "GET", "https://api.example/apps/3/channels?q=1", "")
	if err := mustSigner(t, docsKey, docsSecret).Edit(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("Edit with a canceled context = %v, want %v", err, context.Canceled)
	}
	if req.URL.RawQuery != "q=1" {
		t.Errorf("Edit with a canceled context left the query %q, want q=1", req.URL.RawQuery)
	}
}

func TestSigner_Edit_Concurrent(t *testing.T) {
	signer := mustSigner(t, docsKey, docsSecret)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				body := fmt.Sprintf(`{"g":%d,"i":%d}`, g, i)
				req, err := http.NewRequest("POST", fmt.Sprintf("https://api.example/apps/%d?i=%d", g, i), strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				if err := signer.Edit(t.Context(), req); err != nil {
					t.Errorf("Edit = %v, want no error", err)
				}
				if err := signing.Verify(req, []byte(body), only(docsKey, docsSecret), time.Time{}); err != nil {
					t.Errorf("Verify = %v, want no error", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestRedaction(t *testing.T) {
	signer := mustSigner(t, docsKey, docsSecret)
	secret := signing.NewSecret(docsSecret)
	for name, value := range map[string]any{
		"Signer": signer, "Secret": secret,
		"struct with both": struct {
			Signer *signing.Signer
			Secret *signing.Secret
			hidden *signing.Secret
		}{signer, secret, secret},
	} {
		var printed bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
		if err := json.NewEncoder(&printed).Encode(value); err != nil {
			t.Errorf("json: %s: %v", name, err)
		}
		slog.New(slog.NewTextHandler(&printed, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("json", "value", value)
		conceals(t, errors.New(printed.String()))
		if !strings.Contains(printed.String(), "[REDACTED]") {
			t.Errorf("%s prints %s, want [REDACTED]", name, printed.String())
		}
	}
	if got, want := fmt.Sprintf("%v %#v", signer, secret), "[REDACTED] [REDACTED]"; got != want {
		t.Errorf("Sprintf(%%v %%#v) = %s, want %s", got, want)
	}
}

// conceals fails if the text of the error contains the secret, also in hexadecimal
// digits, or the signature.
func conceals(tb testing.TB, err error) {
	tb.Helper()
	if err == nil {
		return
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, secret := range []string{docsSecret, fmt.Sprintf("%x", docsSecret), fmt.Sprintf("%X", docsSecret), vectors[0].signature} {
		if strings.Contains(text, secret) {
			tb.Errorf("%q shows %q", text, secret)
		}
	}
}

func readAll(tb testing.TB, r io.Reader) string {
	tb.Helper()
	content, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(content)
}
