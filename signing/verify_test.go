package signing_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

func TestVerify_Errors(t *testing.T) {
	docs := vectors[0]
	const (
		key       = "auth_key=278d425bdf160c739803"
		stamp     = "&auth_timestamp=1353088179"
		version   = "&auth_version=1.0"
		md5       = "&body_md5=ec365a775a4cd0599faeb73354201b6f"
		signature = "&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
	)
	// The signature of vector "channels", which has no body.
	const channels = authParams + "&auth_signature="
	tests := []struct {
		name, query, body string
		want              error
		missing           string
	}{
		{"example of the documentation", key + stamp + version + md5 + signature, docs.body, nil, ""},
		{"parameters in another order", signature[1:] + md5 + version + stamp + "&" + key, docs.body, nil, ""},
		{"keys in upper case", "AUTH_KEY=278d425bdf160c739803" + stamp + version + md5 + signature, docs.body, nil, ""},
		{"no query", "", docs.body, signing.ErrMissingParameter, "auth_key"},
		{"no key", stamp + version + md5 + signature, docs.body, signing.ErrMissingParameter, "auth_key"},
		{"empty key", "auth_key=" + stamp + version + md5 + signature, docs.body, signing.ErrUnknownKey, ""},
		{"another app's key", "auth_key=other" + stamp + version + md5 + signature, docs.body, signing.ErrUnknownKey, ""},
		{"no version", key + stamp + md5 + signature, docs.body, signing.ErrMissingParameter, "auth_version"},
		{"another version", key + stamp + "&auth_version=2.0" + md5 + signature, docs.body, signing.ErrVersion, ""},
		{"no timestamp", key + version + md5 + signature, docs.body, signing.ErrMissingParameter, "auth_timestamp"},
		{"timestamp in words", key + "&auth_timestamp=now" + version + md5 + signature, docs.body, signing.ErrTimestamp, ""},
		{"fractional timestamp", key + stamp + ".5" + version + md5 + signature, docs.body, signing.ErrTimestamp, ""},
		{"empty timestamp", key + "&auth_timestamp=" + version + md5 + signature, docs.body, signing.ErrTimestamp, ""},
		{"timestamp past 64 bits", key + "&auth_timestamp=99999999999999999999" + version + md5 + signature, docs.body, signing.ErrTimestamp, ""},
		{"no signature", key + stamp + version + md5, docs.body, signing.ErrMissingParameter, "auth_signature"},
		{"empty signature", key + stamp + version + md5 + "&auth_signature=", docs.body, signing.ErrSignature, ""},
		{"signature in upper case", key + stamp + version + md5 + "&auth_signature=" + strings.ToUpper(docs.signature), docs.body, signing.ErrSignature, ""},
		{"signature of another timestamp", key + "&auth_timestamp=1353088180" + version + md5 + signature, docs.body, signing.ErrSignature, ""},
		{"one more parameter", key + stamp + version + md5 + signature + "&info=user_count", docs.body, signing.ErrSignature, ""},
		{"one more that is empty", key + stamp + version + md5 + signature + "&=", docs.body, signing.ErrSignature, ""},
		{"key that folds to another outside ASCII", "auth_%E2%84%AAey=278d425bdf160c739803" + stamp + version + md5 + signature, docs.body, signing.ErrMissingParameter, "auth_key"},
		{"no body_md5, which was signed", key + stamp + version + signature, docs.body, signing.ErrSignature, ""},
		{"another body", key + stamp + version + md5 + signature, docs.body + " ", signing.ErrBodyMD5, ""},
		{"no body, though one was signed", key + stamp + version + md5 + signature, "", signing.ErrBodyMD5, ""},
		{"body, though none was signed", channels + sign("POST\n/apps/3/events\n"+authParams), "{}", signing.ErrMissingParameter, "body_md5"},
		{"empty body_md5", channels + sign("POST\n/apps/3/events\n"+authParams+"&body_md5=") + "&body_md5=", "", signing.ErrBodyMD5, ""},
		{"key twice", key + "&" + key + stamp + version + md5 + signature, docs.body, signing.ErrMalformed, ""},
		{"key in two cases", key + "&AUTH_KEY=other" + stamp + version + md5 + signature, docs.body, signing.ErrMalformed, ""},
		{"key as an array too", key + "&auth_key[]=other" + stamp + version + md5 + signature, docs.body, signing.ErrMalformed, ""},
		{"key as an array only", "auth_key[]=278d425bdf160c739803" + stamp + version + md5 + signature, docs.body, signing.ErrMalformed, ""},
		{"signature twice", key + stamp + version + md5 + signature + signature, docs.body, signing.ErrMalformed, ""},
		{"body_md5 twice", key + stamp + version + md5 + md5 + signature, docs.body, signing.ErrMalformed, ""},
		{"invalid escape", key + stamp + version + md5 + signature + "&q=%", docs.body, signing.ErrMalformed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := mustRequest(t, "POST", "https://api.example/apps/3/events", tt.body)
			req.URL.RawQuery = tt.query
			err := signing.Verify(req, []byte(tt.body), only(docsKey, docsSecret), docsTime)
			if !errors.Is(err, tt.want) {
				t.Errorf("Verify(%q) = %v, want %v", tt.query, err, tt.want)
			}
			var missing *signing.MissingParameterError
			if errors.As(err, &missing); tt.missing != "" && (missing == nil || missing.Name != tt.missing) {
				t.Errorf("Verify(%q) = %v, want %s to be missing", tt.query, err, tt.missing)
			}
			conceals(t, err)
		})
	}
}

func TestVerify_MalformedURL(t *testing.T) {
	for name, req := range map[string]*http.Request{
		"nil URL":    {Method: "GET"},
		"opaque URL": {Method: "GET", URL: &url.URL{Scheme: "https", Opaque: "x"}},
	} {
		if err := signing.Verify(req, nil, only(docsKey, docsSecret), docsTime); !errors.Is(err, signing.ErrMalformed) {
			t.Errorf("Verify of a request with %s = %v, want %v", name, err, signing.ErrMalformed)
		}
	}
}

// Each step corrects the error of the previous one.
func TestVerify_Order(t *testing.T) {
	query := url.Values{}
	steps := []struct {
		want        error
		name, value string // corrects the error
	}{
		{signing.ErrMissingParameter, "auth_key", "nobody"},
		{signing.ErrUnknownKey, "auth_key", docsKey},
		{signing.ErrMissingParameter, "auth_version", "0.9"},
		{signing.ErrVersion, "auth_version", "1.0"},
		{signing.ErrMissingParameter, "auth_timestamp", "1"},
		{signing.ErrTimestamp, "auth_timestamp", strconv.Itoa(docsStamp)},
		{signing.ErrMissingParameter, "auth_signature", "wrong"},
		{signing.ErrSignature, "auth_signature", sign("POST\n/apps/3/events\n" + authParams)},
		{signing.ErrMissingParameter, "body_md5", "wrong"},
		{signing.ErrSignature, "auth_signature", sign("POST\n/apps/3/events\n" + authParams + "&body_md5=wrong")},
		{signing.ErrBodyMD5, "body_md5", vectors[0].bodyMD5},
		{signing.ErrSignature, "auth_signature", vectors[0].signature},
		{nil, "", ""},
	}
	body := []byte(vectors[0].body)
	for _, step := range steps {
		req := mustRequest(t, "POST", "https://api.example/apps/3/events?"+query.Encode(), "")
		if err := signing.Verify(req, body, only(docsKey, docsSecret), docsTime); !errors.Is(err, step.want) {
			t.Fatalf("Verify(%s) = %v, want %v", query.Encode(), err, step.want)
		}
		query.Set(step.name, step.value)
	}
}

func TestVerify_Timestamp(t *testing.T) {
	tests := []struct {
		name  string
		stamp int64
		now   time.Time
		want  error
	}{
		{"same second", docsStamp, docsTime, nil},
		{"599 seconds ago", docsStamp, docsTime.Add(599 * time.Second), nil},
		{"599.9 seconds ago", docsStamp, docsTime.Add(599*time.Second + 900*time.Millisecond), nil},
		{"600 seconds ago", docsStamp, docsTime.Add(600 * time.Second), signing.ErrTimestamp},
		{"599 seconds ahead", docsStamp, docsTime.Add(-599 * time.Second), nil},
		{"600 seconds ahead", docsStamp, docsTime.Add(-600 * time.Second), signing.ErrTimestamp},
		{"beginning of time", math.MinInt64, docsTime, signing.ErrTimestamp},
		{"end of time", math.MaxInt64, docsTime, signing.ErrTimestamp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			query := fmt.Sprintf("auth_key=%s&auth_timestamp=%d&auth_version=1.0", docsKey, tt.stamp)
			req := mustRequest(t, "GET", "https://api.example/?"+query+"&auth_signature="+sign("GET\n/\n"+query), "")
			err := signing.Verify(req, nil, only(docsKey, docsSecret), tt.now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("Verify(auth_timestamp=%d) at %d = %v, want %v", tt.stamp, tt.now.Unix(), err, tt.want)
			}
			var off *signing.TimestampError
			if errors.As(err, &off) && (off.Given.Unix() != tt.stamp || !off.Server.Equal(tt.now)) {
				t.Errorf("Verify(auth_timestamp=%d) at %d: given %d, server %d", tt.stamp, tt.now.Unix(), off.Given.Unix(), off.Server.Unix())
			}
			conceals(t, err)
		})
	}
}

func TestTimestampError(t *testing.T) {
	// The times of an error of production, pusher-http-ruby issue 49.
	err := &signing.TimestampError{
		Given:  time.Date(2013, 9, 29, 8, 46, 33, 0, time.UTC),
		Server: time.Date(2013, 9, 29, 8, 36, 32, 0, time.UTC),
	}
	want := "signing: invalid auth_timestamp: 2013-09-29T08:46:33Z is not within 600s of server time 2013-09-29T08:36:32Z"
	if err.Error() != want {
		t.Errorf("Error()\n got %s\nwant %s", err.Error(), want)
	}
}

func TestVerify_CurrentTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req := mustRequest(t, "GET", "https://api.example/", "")
		if err := mustSigner(t, docsKey, docsSecret).Edit(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			wait time.Duration
			want error
		}{
			{599 * time.Second, nil},
			{time.Second, signing.ErrTimestamp},
		} {
			time.Sleep(tt.wait)
			if err := signing.Verify(req, nil, only(docsKey, docsSecret), time.Time{}); !errors.Is(err, tt.want) {
				t.Errorf("Verify after %v more = %v, want %v", tt.wait, err, tt.want)
			}
		}
	})
}

func TestVerify_Path(t *testing.T) {
	tests := []struct {
		name, wire, signed string
		want               error
	}{
		{"as it was sent", "/apps/3/channels/a,b", "/apps/3/channels/a,b", nil},
		{"escaped and signed so", "/apps/3/channels/a%2Cb", "/apps/3/channels/a%2Cb", nil},
		{"escaped and signed decoded", "/apps/3/channels/a%2Cb", "/apps/3/channels/a,b", nil},
		{"escaped in lower-case hex and signed decoded", "/apps/3/channels/a%2cb", "/apps/3/channels/a,b", nil},
		{"escaped in lower-case hex and signed in upper", "/apps/3/channels/a%2cb", "/apps/3/channels/a%2Cb", signing.ErrSignature},
		{"sent raw and signed escaped", "/apps/3/channels/a,b", "/apps/3/channels/a%2Cb", signing.ErrSignature},
		{"another path", "/apps/3/channels/a", "/apps/3/channels/b", signing.ErrSignature},
		{"escaped slash signed as one", "/apps/3/users/a%2Fb", "/apps/3/users/a%2Fb", nil},
		{"escaped slash signed as a slash", "/apps/3/users/a%2Fb", "/apps/3/users/a/b", signing.ErrSignature},
		{"escape escaped once more", "/apps/3/users/a%252Cb", "/apps/3/users/a%2Cb", signing.ErrSignature},
		{"line break signed as one", "/apps/3/a%0Ab", "/apps/3/a\nb", signing.ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := tt.wire + "?" + authParams + "&auth_signature=" + sign("GET\n"+tt.signed+"\n"+authParams)
			verify := func(how string, req *http.Request) {
				t.Helper()
				if err := signing.Verify(req, nil, only(docsKey, docsSecret), docsTime); !errors.Is(err, tt.want) {
					t.Errorf("Verify(%s), %s = %v, want %v", tt.wire, how, err, tt.want)
				}
			}
			verify("not received", mustRequest(t, "GET", "https://api.example"+target, ""))
			verify("received", receive(t, "GET "+target+" HTTP/1.1\r\nHost: api.example\r\n\r\n"))
			verify("sent to a proxy", receive(t, "GET https://api.example"+target+" HTTP/1.1\r\nHost: api.example\r\n\r\n"))
			http.StripPrefix("/apps", http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
				verify("behind http.StripPrefix", req)
			})).ServeHTTP(nil, receive(t, "GET "+target+" HTTP/1.1\r\nHost: api.example\r\n\r\n"))
		})
	}
}

// Verify detects a single changed byte, unless the request decodes to the same one.
// Of the non-printable bytes, most of which net/http rejects, a few are tried.
func TestVerify_ChangedByte(t *testing.T) {
	requests := []struct{ name, method, target, body string }{
		{"publish", "POST", "/apps/3/events", `{"name":"foo"}`},
		{"query", "GET", "/prefix/apps/3/channels/a=@%2C.%3Bb?info=a%2Cb+c&K[]=2&k[]=1&e", ""},
	}
	for _, tt := range requests {
		t.Run(tt.name, func(t *testing.T) {
			req := mustRequest(t, tt.method, "https://api.example"+tt.target, tt.body)
			if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
				t.Fatal(err)
			}
			sent := sentRequest{tt.method, req.URL.RequestURI(), tt.body}
			if err := sent.verify(); err != nil {
				t.Fatalf("Verify of %v, unchanged = %v, want no error", sent, err)
			}
			bytes := []byte("\x00\t\n\r\x7f\x80\xff")
			for c := byte(' '); c <= '~'; c++ {
				bytes = append(bytes, c)
			}
			for at := range sent.len() {
				for _, to := range bytes {
					changed := sent.change(at, to)
					if err := changed.verify(); err == nil && !changed.same(t, sent) {
						t.Errorf("byte %d changed to %q\nfrom %v\nto   %v\nVerify = nil, want an error", at, to, sent, changed)
					}
				}
			}
		})
	}
}

// A sentRequest is a request on the network.
type sentRequest struct{ method, target, body string }

func (s sentRequest) len() int { return len(s.method) + len(s.target) + len(s.body) }

func (s sentRequest) change(at int, to byte) sentRequest {
	all := []byte(s.method + s.target + s.body)
	all[at] = to
	m, t := len(s.method), len(s.method)+len(s.target)
	return sentRequest{string(all[:m]), string(all[m:t]), string(all[t:])}
}

var (
	docsApp       = only(docsKey, docsSecret)
	errUnreadable = errors.New("net/http cannot read this request")
)

// verify parses and verifies the request like a server.
func (s sentRequest) verify() error {
	raw := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: api.example\r\nContent-Length: %d\r\n\r\n%s", s.method, s.target, len(s.body), s.body)
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return errUnreadable
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return errUnreadable
	}
	return signing.Verify(req, body, docsApp, docsTime)
}

// same reports whether both requests decode to the same method, path, parameters and
// body. Case does not matter in methods, keys and escapes, "+" is "%20" and "a&" is
// "a=". Parameters with the same name keep their order.
func (s sentRequest) same(t testing.TB, other sentRequest) bool {
	t.Helper()
	path, params := s.decode(t)
	otherPath, otherParams := other.decode(t)
	return strings.EqualFold(s.method, other.method) && path == otherPath &&
		slices.Equal(params, otherParams) && s.body == other.body
}

func (s sentRequest) decode(t testing.TB) (path string, params [][2]string) {
	t.Helper()
	unescape := func(decode func(string) (string, error), text string) string {
		text, err := decode(text)
		if err != nil {
			t.Errorf("Verify accepted %v, which has an invalid escape", s)
		}
		return text
	}
	rawPath, rawQuery, _ := strings.Cut(s.target, "?")
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		params = append(params, [2]string{
			asciiLower(unescape(url.QueryUnescape, key)), unescape(url.QueryUnescape, value),
		})
	}
	slices.SortStableFunc(params, func(a, b [2]string) int {
		return strings.Compare(strings.TrimSuffix(a[0], "[]"), strings.TrimSuffix(b[0], "[]"))
	})
	return unescape(url.PathUnescape, rawPath), params
}

func asciiLower(s string) string {
	lowered := []byte(s)
	for i, c := range lowered {
		if 'A' <= c && c <= 'Z' {
			lowered[i] = c + 'a' - 'A'
		}
	}
	return string(lowered)
}

func receive(tb testing.TB, raw string) *http.Request {
	tb.Helper()
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

// sign returns a correct signature of text. TestStringToSign compares Signature with
// published values.
func sign(text string) string { return signing.Signature(docsSecret, text) }

// FuzzVerify searches for a request that is accepted without the secret, or panics.
func FuzzVerify(f *testing.F) {
	f.Add("GET", "/apps/3/channels", authParams+"&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c", []byte(nil))
	f.Add("POST", "/apps/3/events", authParams+"&auth_key[]=", []byte("{}"))
	f.Add("", "", "%&=&;=%2", []byte(nil))
	f.Add("\n", "/%0a%2f", "auth_key=278d425bdf160c739803&auth_version=1.0&auth_timestamp=-9223372036854775808", []byte(nil))
	sentinels := []error{
		signing.ErrMalformed, signing.ErrMissingParameter, signing.ErrUnknownKey, signing.ErrVersion,
		signing.ErrTimestamp, signing.ErrSignature, signing.ErrBodyMD5,
	}
	f.Fuzz(func(t *testing.T, method, target, query string, body []byte) {
		req := &http.Request{Method: method, URL: &url.URL{Path: target, RawQuery: query}, RequestURI: target}
		err := signing.Verify(req, body, only(docsKey, docsSecret), docsTime)
		known := false
		for _, sentinel := range sentinels {
			known = known || errors.Is(err, sentinel)
		}
		if !known {
			t.Errorf("Verify(%q %q %q) = %v, want one of %v", method, target, query, err, sentinels)
		}
		conceals(t, err)
	})
}
