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

func TestNewChecksCredentials(t *testing.T) {
	tests := []struct {
		name, key, secret string
		want              error
	}{
		{"the documentation's own", docsKey, docsSecret, nil},
		{"what other servers call theirs", "app-key", "app_secret/ž!", nil},
		{"no key", "", docsSecret, signing.ErrConfiguration},
		{"no secret", docsKey, "", signing.ErrConfiguration},
		{"a secret copied with its line break", docsKey, docsSecret + "\n", signing.ErrConfiguration},
		{"a secret copied with a space", docsKey, " " + docsSecret, signing.ErrConfiguration},
		{"a secret copied with a no-break space", docsKey, docsSecret + "\u00a0", signing.ErrConfiguration},
		{"a key copied with a byte order mark", "\ufeff" + docsKey, docsSecret, signing.ErrConfiguration},
		{"a key with the colon that ends it in an authorization", "a:b", docsSecret, signing.ErrConfiguration},
		{"a key with a NUL", docsKey + "\x00", docsSecret, signing.ErrConfiguration},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := signing.New(tt.key, tt.secret)
			if !errors.Is(err, tt.want) {
				t.Errorf("New(%q, %q) = %v, want %v", tt.key, tt.secret, err, tt.want)
			}
			conceals(t, err)
		})
	}
}

func TestNewReportsBothCredentials(t *testing.T) {
	_, err := signing.New("", "")
	if err == nil || !strings.Contains(err.Error(), "key is empty") || !strings.Contains(err.Error(), "secret is empty") {
		t.Errorf("New(\"\", \"\") = %v, want an error about the key and the secret", err)
	}
}

func TestSignRewritesTheQuery(t *testing.T) {
	const sent = authParams // escaping changes nothing in it
	tests := []struct{ name, query, want string }{
		{"nothing", "", sent},
		{"other parameters are sorted in", "info=user_count&a=1", "a=1&" + sent + "&info=user_count"},
		{"keys are sent in lower case", "INFO=User_Count", sent + "&info=User_Count"},
		{"a key outside ASCII keeps its case", "%C5%BD=1", sent + "&%C5%BD=1"},
		{"values are sent escaped", "q=a+b%20c&r=%26%2B%25%23%3D", sent + "&q=a%20b%20c&r=%26%2B%25%23%3D"},
		{"a raw semicolon survives", "filter_by_prefix=a;b&info=x", sent + "&filter_by_prefix=a%3Bb&info=x"},
		{"an equals sign in a value survives", "q=a=b", sent + "&q=a%3Db"},
		{"arrays keep their order", "k[]=2&k[]=1&k0=3", sent + "&k%5B%5D=2&k%5B%5D=1&k0=3"},
		{"a key without a value", "k", sent + "&k="},
		{"a value without a key", "=v", "=v&" + sent},
		{"empty pairs vanish", "&&k=1&", sent + "&k=1"},
		{"bytes that are not UTF-8 survive", "%FF%fe=%80", sent + "&%FF%FE=%80"},
		{"earlier authentication is replaced", "auth_key=x&auth_timestamp=1&auth_version=2&auth_signature=3&body_md5=4&k=1", sent + "&k=1"},
		{"in any case, as an array, and again", "Auth_Key=x&auth_key[]=y&auth%5Fkey=z&BODY_MD5=0", sent},
		{"a longer name is another parameter", "auth_keys=1&auth_sig=2", "auth_key=278d425bdf160c739803&auth_keys=1&auth_sig=2&auth_timestamp=1353088179&auth_version=1.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := mustRequest(t, "GET", "https://api.example/apps/3/channels", "")
			req.URL.RawQuery = tt.query
			if err := mustSigner(t, docsKey, docsSecret).Sign(req, docsTime); err != nil {
				t.Fatalf("Sign(%q) = %v, want no error", tt.query, err)
			}
			got, _, signed := strings.Cut(req.URL.RawQuery, "&auth_signature=")
			if !signed || got != tt.want {
				t.Errorf("Sign(%q)\n got %q\nwant %q and a signature", tt.query, req.URL.RawQuery, tt.want)
			}
		})
	}
}

func TestSignEscapesAnOddKey(t *testing.T) {
	req := mustRequest(t, "GET", "https://api.example/", "")
	if err := mustSigner(t, "key&more=1", docsSecret).Sign(req, docsTime); err != nil {
		t.Fatal(err)
	}
	if got := queryOf(t, req).Get("auth_key"); got != "key&more=1" {
		t.Errorf("Sign by the key %q sends auth_key %q", "key&more=1", got)
	}
}

func TestSignAgainReplacesTheSignature(t *testing.T) {
	signer := mustSigner(t, docsKey, docsSecret)
	body := `{"name":"foo"}`
	req := mustRequest(t, "POST", "https://api.example/apps/3/events?q=a%26b", body)
	if err := signer.Sign(req, docsTime); err != nil {
		t.Fatal(err)
	}
	first := req.URL.RawQuery
	if err := signer.Sign(req, docsTime.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	query := queryOf(t, req)
	for _, name := range []string{"auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5", "q"} {
		if got := len(query[name]); got != 1 {
			t.Errorf("signed twice, the request has %d of %s, want 1", got, name)
		}
	}
	if got, want := query.Get("auth_timestamp"), "1353091779"; got != want {
		t.Errorf("signed an hour later, auth_timestamp = %s, want %s", got, want)
	}
	if err := signing.Verify(req, []byte(body), only(docsKey, docsSecret), docsTime.Add(time.Hour)); err != nil {
		t.Errorf("Verify of a request signed twice = %v, want no error", err)
	}
	if err := signer.Sign(req, docsTime); err != nil {
		t.Fatal(err)
	}
	if req.URL.RawQuery != first {
		t.Errorf("signed again at the first time\n got %q\nwant %q", req.URL.RawQuery, first)
	}
}

func TestSignReadsTheBody(t *testing.T) {
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
		{name: "none"},
		{name: "http.NoBody", body: http.NoBody},
		{
			name: "one that opens again",
			body: io.NopCloser(strings.NewReader(body)), getBody: getBody(body),
			wantBody: body, wantMD5: sum,
			wantLength: -1, // the caller's, untouched
		},
		{
			name: "one that can be read once",
			body: io.NopCloser(iotest.OneByteReader(strings.NewReader(body))), wantBody: body, wantMD5: sum,
			wantLength: int64(len(body)),
		},
		{name: "an empty one that can be read once", body: io.NopCloser(strings.NewReader(""))},
		{
			name: "an empty one that opens again", body: io.NopCloser(strings.NewReader("")), getBody: getBody(""),
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
			if err := mustSigner(t, docsKey, docsSecret).Sign(req, docsTime); err != nil {
				t.Fatalf("Sign = %v, want no error", err)
			}
			query := queryOf(t, req)
			if got := query.Get("body_md5"); got != tt.wantMD5 || query.Has("body_md5") != (tt.wantMD5 != "") {
				t.Errorf("Sign: body_md5 %q, want %q", got, tt.wantMD5)
			}
			if req.ContentLength != tt.wantLength {
				t.Errorf("Sign: ContentLength %d, want %d", req.ContentLength, tt.wantLength)
			}
			if req.Body == nil {
				return
			}
			if got := readAll(t, req.Body); got != tt.wantBody {
				t.Errorf("Sign: the body sent is %q, want %q", got, tt.wantBody)
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
					t.Errorf("Sign: the body sent again is %q, want %q", got, tt.wantBody)
				}
			}
		})
	}
}

func TestSignErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	failing := func() io.ReadCloser { return io.NopCloser(iotest.ErrReader(broken)) }
	tests := []struct {
		name    string
		spoil   func(*http.Request)
		want    error
		keepURL bool
	}{
		{"no URL", func(r *http.Request) { r.URL = nil }, signing.ErrMalformed, false},
		{"an opaque URL", func(r *http.Request) { r.URL.Opaque = "//api.example/apps/3" }, signing.ErrMalformed, true},
		{"an escape cut short in a value", func(r *http.Request) { r.URL.RawQuery = "a=1&q=%4" }, signing.ErrMalformed, true},
		{"an escape that is not hex in a value", func(r *http.Request) { r.URL.RawQuery = "q=%zz" }, signing.ErrMalformed, true},
		{"a bad escape in a key", func(r *http.Request) { r.URL.RawQuery = "%4g=1" }, signing.ErrMalformed, true},
		{"a lone percent sign", func(r *http.Request) { r.URL.RawQuery = "q=100%&a=1" }, signing.ErrMalformed, true},
		{"a body that cannot be read", func(r *http.Request) { r.Body, r.GetBody = failing(), nil }, broken, true},
		{
			"a body that opens but cannot be read",
			func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return failing(), nil } },
			broken, true,
		},
		{
			"a body that cannot be opened",
			func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, broken } },
			broken, true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := mustRequest(t, "POST", "https://api.example/apps/3/a%2Cb?q=1", "{}")
			tt.spoil(req)
			before := fmt.Sprint(req.URL)
			err := mustSigner(t, docsKey, docsSecret).Sign(req, docsTime)
			if !errors.Is(err, tt.want) {
				t.Errorf("Sign = %v, want %v", err, tt.want)
			}
			conceals(t, err)
			if after := fmt.Sprint(req.URL); after != before {
				t.Errorf("Sign failed and left the URL %s, want %s", after, before)
			}
		})
	}
}

func TestSignAfterAnErrorStartsAfresh(t *testing.T) {
	signer := mustSigner(t, docsKey, docsSecret)
	bad := mustRequest(t, "GET", "https://api.example/", "")
	bad.URL.RawQuery = "left=over&q=%zz"
	if err := signer.Sign(bad, docsTime); err == nil {
		t.Fatal("Sign of a malformed query = nil, want an error")
	}
	good := mustRequest(t, "GET", "https://api.example/", "")
	if err := signer.Sign(good, docsTime); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(good.URL.RawQuery, "left") {
		t.Errorf("Sign sends %q, with parameters of another request", good.URL.RawQuery)
	}
}

func TestEditSignsWithThePresentTime(t *testing.T) {
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

func TestEditWithADoneContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := mustRequest(t, "GET", "https://api.example/apps/3/channels?q=1", "")
	if err := mustSigner(t, docsKey, docsSecret).Edit(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("Edit with a cancelled context = %v, want %v", err, context.Canceled)
	}
	if req.URL.RawQuery != "q=1" {
		t.Errorf("Edit with a cancelled context left the query %q, want q=1", req.URL.RawQuery)
	}
}

func TestManyGoroutinesShareASigner(t *testing.T) {
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

func TestSecretsDoNotPrint(t *testing.T) {
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

// conceals fails if the error's text has the secret, plain or in hex, or what
// could be a signature.
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

// A path that was never parsed has no RawPath; it is escaped as net/http does it.
func TestSignEscapesAPathMadeByHand(t *testing.T) {
	req := &http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "api.example", Path: "/apps/3/a b/ž"}}
	if err := mustSigner(t, docsKey, docsSecret).Sign(req, docsTime); err != nil {
		t.Fatal(err)
	}
	want := signing.Signature(docsSecret, "GET\n/apps/3/a%20b/%C5%BE\n"+authParams)
	if got := queryOf(t, req).Get("auth_signature"); got != want {
		t.Errorf("Sign: auth_signature %s, want that of the path %s", got, req.URL.EscapedPath())
	}
}
