package signing_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

// The credentials and time of the documentation's worked example.
const (
	docsKey    = "278d425bdf160c739803"
	docsSecret = "7ad3773142a6692b25b8"
	docsStamp  = 1353088179
	authParams = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
)

var docsTime = time.Unix(docsStamp, 0)

// A vector is a request with a published signature, or with one computed by
// `openssl dgst -sha256 -hmac SECRET` from want.
type vector struct {
	name        string
	key, secret string
	stamp       int64
	method      string
	target      string // path and query before signing
	body        string
	bodyMD5     string
	path        string // as signed
	want        string // the string to sign
	signature   string

	// othersOnly marks a request that this package accepts but never sends.
	othersOnly bool
}

func (v vector) at() time.Time { return time.Unix(v.stamp, 0) }

// query returns all parameters except the signature.
func (v vector) query(t testing.TB) url.Values {
	t.Helper()
	_, raw, _ := strings.Cut(v.target, "?")
	query, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	query.Set("auth_key", v.key)
	query.Set("auth_timestamp", strconv.FormatInt(v.stamp, 10))
	query.Set("auth_version", "1.0")
	if v.bodyMD5 != "" {
		query.Set("body_md5", v.bodyMD5)
	}
	return query
}

const goKey, goSecret = "d41a439c438a100756f5", "4bf35003e819bb138249"

var vectors = []vector{
	{
		name: "documentation, worked authentication example; pusher-http-go request_url_test.go",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "POST", target: "/apps/3/events", path: "/apps/3/events",
		body:      `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`,
		bodyMD5:   "ec365a775a4cd0599faeb73354201b6f",
		want:      "POST\n/apps/3/events\n" + authParams + "&body_md5=ec365a775a4cd0599faeb73354201b6f",
		signature: "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
	},
	{
		name: "pusher-http-go request_url_test.go, channels with filter and info",
		key:  goKey, secret: goSecret, stamp: 1427034994,
		method: "GET", target: "/apps/102015/channels?filter_by_prefix=presence-&info=user_count", path: "/apps/102015/channels",
		want:      "GET\n/apps/102015/channels\nauth_key=d41a439c438a100756f5&auth_timestamp=1427034994&auth_version=1.0&filter_by_prefix=presence-&info=user_count",
		signature: "4d8a02edcc8a758b0162cd6da690a9a45fb8ae326a276dca1e06a0bc42796c11",
	},
	{
		name: "pusher-http-go request_url_test.go, channels with filter",
		key:  goKey, secret: goSecret, stamp: 1427036577,
		method: "GET", target: "/apps/102015/channels?filter_by_prefix=presence-", path: "/apps/102015/channels",
		want:      "GET\n/apps/102015/channels\nauth_key=d41a439c438a100756f5&auth_timestamp=1427036577&auth_version=1.0&filter_by_prefix=presence-",
		signature: "b540383af4582af5fbb5df7be5472d54bd0838c9c2021c7743062568839e6f97",
	},
	{
		name: "pusher-http-go request_url_test.go, channels",
		key:  goKey, secret: goSecret, stamp: 1427036787,
		method: "GET", target: "/apps/102015/channels", path: "/apps/102015/channels",
		want:      "GET\n/apps/102015/channels\nauth_key=d41a439c438a100756f5&auth_timestamp=1427036787&auth_version=1.0",
		signature: "df89248f87f6e6d028925e0b04d60f316527a865992ace6936afa91281d8bef0",
	},
	{
		name: "pusher-http-go request_url_test.go, one channel with two attributes",
		key:  goKey, secret: goSecret, stamp: 1427053326,
		method:    "GET",
		target:    "/apps/102015/channels/presence-session-d41a439c438a100756f5-4bf35003e819bb138249-ROpCFmgFhXY?info=user_count%2Csubscription_count",
		path:      "/apps/102015/channels/presence-session-d41a439c438a100756f5-4bf35003e819bb138249-ROpCFmgFhXY",
		want:      "GET\n/apps/102015/channels/presence-session-d41a439c438a100756f5-4bf35003e819bb138249-ROpCFmgFhXY\nauth_key=d41a439c438a100756f5&auth_timestamp=1427053326&auth_version=1.0&info=user_count,subscription_count",
		signature: "f93ceb31f396aef336226efe512aaf339bd5e39c7c2c04b81cc8681dc16ee785",
	},
	{
		name: "pusher-http-go request_url_test.go, users of a channel",
		key:  goKey, secret: goSecret, stamp: 1427053709,
		method:    "GET",
		target:    "/apps/102015/channels/presence-session-d41a439c438a100756f5-4bf35003e819bb138249-nYJLy67qh52/users",
		path:      "/apps/102015/channels/presence-session-d41a439c438a100756f5-4bf35003e819bb138249-nYJLy67qh52/users",
		want:      "GET\n/apps/102015/channels/presence-session-d41a439c438a100756f5-4bf35003e819bb138249-nYJLy67qh52/users\nauth_key=d41a439c438a100756f5&auth_timestamp=1427053709&auth_version=1.0",
		signature: "207feaf4e8efeb24e5f148011704251bf90e2059a5f97a3eb52d06178b11feca",
	},
	{
		name: "pusher-signature signature_spec.rb",
		key:  "key", secret: "secret", stamp: 1234,
		method: "POST", target: "/some/path?query=params&go=here", path: "/some/path",
		want:      "POST\n/some/path\nauth_key=key&auth_timestamp=1234&auth_version=1.0&go=here&query=params",
		signature: "3b237953a5ba6619875cbb2a2d43e8da9ef5824e8a2c689f6284ac85bc1ea0db",
	},
	{
		name: "pusher-signature signature_spec.rb, keys in upper case",
		key:  "key", secret: "secret", stamp: 1234,
		method: "POST", target: "/some/path?Query=params&GO=here", path: "/some/path",
		want:      "POST\n/some/path\nauth_key=key&auth_timestamp=1234&auth_version=1.0&go=here&query=params",
		signature: "3b237953a5ba6619875cbb2a2d43e8da9ef5824e8a2c689f6284ac85bc1ea0db",
	},
	{
		name: "pusher-http-python test_request.py, body_md5 of no body",
		key:  "key", secret: "secret", stamp: 1000,
		method: "GET", target: "/some/obscure/api?foo=bar", path: "/some/obscure/api",
		bodyMD5:    "d41d8cd98f00b204e9800998ecf8427e",
		want:       "GET\n/some/obscure/api\nauth_key=key&auth_timestamp=1000&auth_version=1.0&body_md5=d41d8cd98f00b204e9800998ecf8427e&foo=bar",
		signature:  "5c49f04a95eedc9028b1e0e8de7c2c7ad63504a0e3b5c145d2accaef6c14dbac",
		othersOnly: true,
	},
	{
		name: "pusher-http-python test_request.py, POST",
		key:  "key", secret: "secret", stamp: 1000,
		method: "POST", target: "/some/obscure/api", path: "/some/obscure/api",
		body: `{"foo": "bar"}`, bodyMD5: "94232c5b8fc9272f6f73a1e36eb68fcf",
		want:      "POST\n/some/obscure/api\nauth_key=key&auth_timestamp=1000&auth_version=1.0&body_md5=94232c5b8fc9272f6f73a1e36eb68fcf",
		signature: "e05fa4cafee86311746ee3981d5581a5e4e87c27bbab0aeb1059e2df5c90258b",
	},
	{
		name: "pusher-http-node create_signed_query_string.js, GET with a body",
		key:  "f00d", secret: "tofu", stamp: 1234567890,
		method: "GET", target: "/event", path: "/event",
		body: "example body", bodyMD5: "165d5e6d7ca8f73b3853ce45addf42fc",
		want:      "GET\n/event\nauth_key=f00d&auth_timestamp=1234567890&auth_version=1.0&body_md5=165d5e6d7ca8f73b3853ce45addf42fc",
		signature: "a650196dc427ebe837226f8565ca9232198c6d1b9455eaa72374a9dc0b620e7b",
	},
	{
		name: "pusher-http-node create_signed_query_string.js, parameters",
		key:  "f00d", secret: "tofu", stamp: 1234567890,
		method: "GET", target: "/event?foo=bar&baz=123454321", path: "/event",
		want:      "GET\n/event\nauth_key=f00d&auth_timestamp=1234567890&auth_version=1.0&baz=123454321&foo=bar",
		signature: "d8bdbd31911fb7400a14fbd36fd7de053494725b64400ae5856deafe304b34a9",
	},
	{
		name: "openssl, terminate the connections of a user",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "POST", target: "/apps/3/users/12345/terminate_connections", path: "/apps/3/users/12345/terminate_connections",
		body: "{}", bodyMD5: "99914b932bd37a50b983c5e7c90ae93b",
		want:      "POST\n/apps/3/users/12345/terminate_connections\n" + authParams + "&body_md5=99914b932bd37a50b983c5e7c90ae93b",
		signature: "01fa634edeb0cae84115307cad5c23f65a46cd286461b1c89637a3b5871a8f0e",
	},
	{
		name: "openssl, batch",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "POST", target: "/apps/3/batch_events", path: "/apps/3/batch_events",
		body:      `{"batch":[{"name":"foo","channel":"project-3","data":"{\"some\":\"data\"}"},{"name":"bar","channel":"presence-foobar","data":"{\"more\":\"data\"}","socket_id":"1234.1234","info":"user_count"}]}`,
		bodyMD5:   "18593a4b75f6b2c3dbc513d9dc895eb9",
		want:      "POST\n/apps/3/batch_events\n" + authParams + "&body_md5=18593a4b75f6b2c3dbc513d9dc895eb9",
		signature: "59c891b94bb832ed94acc5e3765753d569f65d0bad0fd166e0c79a0ef0a6ed51",
	},
	{
		name: "openssl, channels with filter and info",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels?info=user_count&filter_by_prefix=presence-", path: "/apps/3/channels",
		want:      "GET\n/apps/3/channels\n" + authParams + "&filter_by_prefix=presence-&info=user_count",
		signature: "16819168891cb5dfd72b5c7a5d3d602605b26c6ba1930033b5e2eeeb65010291",
	},
	{
		name: "openssl, channel name with all permitted punctuation, escaped by url.PathEscape",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels/foo-bar_1234@=%2C.%3B?info=user_count%2Csubscription_count",
		path:      "/apps/3/channels/foo-bar_1234@=,.;",
		want:      "GET\n/apps/3/channels/foo-bar_1234@=,.;\n" + authParams + "&info=user_count,subscription_count",
		signature: "d3c8f69278989f1042ba048fbdfec5fecc23cb8c566d438c1d31e4e87b1a31a4",
	},
	// Computed with createSignedQueryString of the npm package pusher 5.3.4 at the
	// documentation's time. The first one is also in openapi.yaml.
	{
		name: "pusher-http-node, channel name with all permitted punctuation",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels/foo-bar_1234@=,.;?info=user_count%2Csubscription_count",
		path:      "/apps/3/channels/foo-bar_1234@=,.;",
		want:      "GET\n/apps/3/channels/foo-bar_1234@=,.;\n" + authParams + "&info=user_count,subscription_count",
		signature: "d3c8f69278989f1042ba048fbdfec5fecc23cb8c566d438c1d31e4e87b1a31a4",
	},
	{
		name: "pusher-http-node, user ID with all permitted punctuation",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "POST", target: "/apps/3/users/a@b=c,d.e;f/terminate_connections", path: "/apps/3/users/a@b=c,d.e;f/terminate_connections",
		body: "{}", bodyMD5: "99914b932bd37a50b983c5e7c90ae93b",
		want:      "POST\n/apps/3/users/a@b=c,d.e;f/terminate_connections\n" + authParams + "&body_md5=99914b932bd37a50b983c5e7c90ae93b",
		signature: "e07cb21fb2dd21cd935ba82b78d167a09e90b39d511fc430dadbe7d629893425",
	},
	{
		name: "openssl, users of a channel",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels/presence-foobar/users", path: "/apps/3/channels/presence-foobar/users",
		want:      "GET\n/apps/3/channels/presence-foobar/users\n" + authParams,
		signature: "5567dd30e7f8575e66be615d2aac3f608a0c311c31ddab8513a278b022e9597e",
	},
	{
		name: "openssl, value with reserved characters",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels?filter_by_prefix=a+b%26c%2Bd%25", path: "/apps/3/channels",
		want:      "GET\n/apps/3/channels\n" + authParams + "&filter_by_prefix=a b&c+d%",
		signature: "c5e12c2d2b1be9a7dea757de540293f1c869197b8627649756c48e382270a356",
	},
	{
		name: "openssl, array before a key that would sort before its brackets",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels?things1=x&things[]=thing2&things[]=thing1", path: "/apps/3/channels",
		want:      "GET\n/apps/3/channels\n" + authParams + "&things[]=thing2&things[]=thing1&things1=x",
		signature: "bdb2e109bddcc475e677b835804fc40f95e9dcee19536f39ec55d7fbe2b7d3b3",
	},
	{
		name: "openssl, empty values",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels?info&filter_by_prefix=", path: "/apps/3/channels",
		want:      "GET\n/apps/3/channels\n" + authParams + "&filter_by_prefix=&info=",
		signature: "982f46c3a598ab2052e872cde1fd4046ff7433ca5fbae8656deb65ec415fe139",
	},
	{
		name: "openssl, non-ASCII value",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/channels?q=%C5%BElu%C5%A5", path: "/apps/3/channels",
		want:      "GET\n/apps/3/channels\n" + authParams + "&q=žluť",
		signature: "3bd7bb0226359eb78882381d7c46d4165495617b7355f6f2c7a3e63cbf47532a",
	},
	{
		name: "openssl, base URL with a path prefix",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/prefix/apps/3/channels", path: "/prefix/apps/3/channels",
		want:      "GET\n/prefix/apps/3/channels\n" + authParams,
		signature: "0a7e106fab83662ddf7a4bdfca65766d7d2a213362e2a7efea4e4f0879dd5b73",
	},
	{
		name: "openssl, empty path",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "", path: "/",
		want:      "GET\n/\n" + authParams,
		signature: "1d56c73e72b4eacd2c9cde4fb40d9d5b9075151adc0d2ad312a4a23a9710efdd",
	},
	{
		name: "openssl, escaped slash",
		key:  docsKey, secret: docsSecret, stamp: docsStamp,
		method: "GET", target: "/apps/3/users/a%2Fb%2Cc", path: "/apps/3/users/a%2Fb%2Cc",
		want:      "GET\n/apps/3/users/a%2Fb%2Cc\n" + authParams,
		signature: "ebc7dcf07c4f859b80ff523143e2cd30480f985f151171d9bb88b753892aceb9",
	},
}

func TestStringToSign(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			query := v.query(t)
			query.Set("auth_signature", "not signed")
			query.Set("AUTH_SIGNATURE", "nor this")
			got := signing.StringToSign(v.method, v.path, query)
			if got != v.want {
				t.Errorf("StringToSign(%q, %q, %v)\n got %q\nwant %q", v.method, v.path, query, got, v.want)
			}
			if got := signing.Signature(v.secret, v.want); got != v.signature {
				t.Errorf("Signature(%q, %q)\n got %s\nwant %s", v.secret, v.want, got, v.signature)
			}
		})
	}
}

func TestStringToSign_Method(t *testing.T) {
	for method, want := range map[string]string{"post": "POST\n/a\n", "": "GET\n/a\n"} {
		if got := signing.StringToSign(method, "/a", nil); got != want {
			t.Errorf("StringToSign(%q, %q, nil) = %q, want %q", method, "/a", got, want)
		}
	}
}

func TestSigner_Edit_PublishedSignatures(t *testing.T) {
	for _, v := range vectors {
		if v.othersOnly {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			req := mustRequest(t, v.method, "https://api.example"+v.target, v.body)
			if err := edit(t, v.key, v.secret, v.at(), req); err != nil {
				t.Fatalf("Edit(%s %s) = %v, want no error", v.method, v.target, err)
			}
			query := queryOf(t, req)
			if got := query.Get("auth_signature"); got != v.signature {
				t.Errorf("Edit(%s %s): auth_signature\n got %s\nwant %s", v.method, v.target, got, v.signature)
			}
			if got := query.Get("body_md5"); got != v.bodyMD5 {
				t.Errorf("Edit(%s %s): body_md5 %q, want %q", v.method, v.target, got, v.bodyMD5)
			}
			if got, _, _ := strings.Cut(req.URL.RequestURI(), "?"); got != v.path {
				t.Errorf("Edit(%s %s): path sent %q, want %q", v.method, v.target, got, v.path)
			}
		})
	}
}

func TestVerify_PublishedSignatures(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			query := v.query(t)
			query.Set("auth_signature", v.signature)
			req := mustRequest(t, v.method, "https://api.example"+v.path+"?"+query.Encode(), v.body)
			if err := signing.Verify(req, []byte(v.body), only(v.key, v.secret), v.at()); err != nil {
				t.Errorf("Verify(%s %s) = %v, want no error", v.method, v.target, err)
			}
		})
	}
}

// only looks up the secret of a server with a single app.
func only(key, secret string) func(string) *signing.Secret {
	known := signing.NewSecret(secret)
	return func(given string) *signing.Secret {
		if given != key {
			return nil
		}
		return known
	}
}

func queryOf(tb testing.TB, req *http.Request) url.Values {
	tb.Helper()
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		tb.Fatalf("the query sent is malformed: %v", err)
	}
	return query
}

func mustSigner(tb testing.TB, key, secret string) *signing.Signer {
	tb.Helper()
	signer, err := signing.New(key, secret)
	if err != nil {
		tb.Fatalf("New(%q, ...) = %v, want no error", key, err)
	}
	return signer
}

// edit signs req at a fixed time.
func edit(tb testing.TB, key, secret string, at time.Time, req *http.Request) error {
	tb.Helper()
	signer, err := signing.New(key, secret, signing.WithClock(func() time.Time { return at }))
	if err != nil {
		tb.Fatalf("New(%q, ...) = %v, want no error", key, err)
	}
	return signer.Edit(context.Background(), req)
}

func mustRequest(tb testing.TB, method, url, body string) *http.Request {
	tb.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

// FuzzStringToSign compares StringToSign, which takes url.Values, with Verify, which
// parses the raw query.
func FuzzStringToSign(f *testing.F) {
	f.Add("POST", "a=1&b[]=2&B[]=1&b0=3&c&=d")
	f.Add("get", "%41=%26&a=+")
	f.Add("PUT", "auth_signature=1&Auth_Key=2&body_md5[]=3")
	f.Fuzz(func(t *testing.T, method, raw string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		for key := range query {
			switch strings.TrimSuffix(asciiLower(key), "[]") {
			case "auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5":
				delete(query, key)
			}
		}
		query.Set("auth_key", docsKey)
		query.Set("auth_timestamp", fmt.Sprint(docsStamp))
		query.Set("auth_version", "1.0")
		text := signing.StringToSign(method, "/apps/3", query)
		query.Set("auth_signature", signing.Signature(docsSecret, text))
		req := &http.Request{Method: method, URL: &url.URL{Path: "/apps/3", RawQuery: query.Encode()}}
		if err := signing.Verify(req, nil, only(docsKey, docsSecret), docsTime); err != nil {
			t.Errorf("Verify(%s %s), signed over %q = %v, want no error", method, req.URL, text, err)
		}
	})
}
