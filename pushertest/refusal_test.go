package pushertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

const (
	events   = "/apps/3/events"
	batch    = "/apps/3/batch_events"
	channels = "/apps/3/channels"
)

// The time, body and signature of the worked example in Pusher's documentation,
// HTTP API reference, "Authentication", whose app a server has by default.
const (
	docsTimestamp = 1353088179
	docsBody      = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	docsAuth      = "?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f"
	docsSignature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
)

func TestServerVerifiesSignatures(t *testing.T) {
	tests := []struct {
		name, query, body string
		serverTime        int64
		status            int
		text              string
	}{
		{"the documentation's example",
			docsAuth + "&auth_signature=" + docsSignature, docsBody, docsTimestamp, 200, "{}\n"},
		{"the same 599 seconds later",
			docsAuth + "&auth_signature=" + docsSignature, docsBody, docsTimestamp + 599, 200, "{}\n"},
		// The format is that of a report in pusher-http-ruby#49.
		{"600 seconds later it has expired",
			docsAuth + "&auth_signature=" + docsSignature, docsBody, docsTimestamp + 600, 401,
			"Timestamp expired: Given timestamp (2012-11-16T17:49:39Z) not within 600s of server time (2012-11-16T17:59:39Z)\n"},
		{"a timestamp that is no number is the epoch, as in pusher-signature",
			"?auth_key=278d425bdf160c739803&auth_timestamp=now&auth_version=1.0&auth_signature=x", "", docsTimestamp, 401,
			"Timestamp expired: Given timestamp (1970-01-01T00:00:00Z) not within 600s of server time (2012-11-16T17:49:39Z)\n"},
		// pusher-http-php#118, pusher-http-ruby#96.
		{"a key that no app has",
			"?auth_key=0000&auth_timestamp=1&auth_version=1.0&auth_signature=x", "", docsTimestamp, 400, "Unknown auth_key\n"},
		// The texts of the next four are in pusher-signature, signature.rb.
		{"no key", "", "", docsTimestamp, 401, "Missing parameter: auth_key\n"},
		{"no version", "?auth_key=278d425bdf160c739803", "", docsTimestamp, 401, "Version required\n"},
		{"another version", "?auth_key=278d425bdf160c739803&auth_version=2.0", "", docsTimestamp, 401, "Version not supported\n"},
		{"no timestamp", "?auth_key=278d425bdf160c739803&auth_version=1.0", "", docsTimestamp, 401, "Timestamp required\n"},
		// pusher-http-go#91 has the text; pusher-signature has it for nil too.
		{"another signature",
			docsAuth + "&auth_signature=abc", docsBody, docsTimestamp, 401,
			`Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f", your_secret_key), but you sent "abc"` + "\n"},
		{"no signature",
			docsAuth, docsBody, docsTimestamp, 401,
			`Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f", your_secret_key), but you sent nil` + "\n"},
		// Pusher's words for these are not known.
		{"one byte of the body changed",
			docsAuth + "&auth_signature=" + docsSignature, strings.Replace(docsBody, "foo", "fop", 1), docsTimestamp, 401,
			"Invalid body_md5: it is not the MD5 of the body\n"},
		{"a key given twice",
			docsAuth + "&auth_key=x&auth_signature=" + docsSignature, docsBody, docsTimestamp, 400, "Malformed query string\n"},
		{"a bad escape in the query",
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

func TestServerRefusesABodySignedWithoutItsMD5(t *testing.T) {
	s := newServer(t)
	r := sign(t, s, newRequest(http.MethodPost, events, ""), time.Time{})
	r.Body = newRequest(http.MethodPost, events, docsBody).Body
	status, text := send(t, s, r)
	if want := "Missing parameter: body_md5\n"; status != 401 || text != want {
		t.Errorf("POST %s = %d %q, want 401 %q", events, status, text, want)
	}
}

func TestServerRefusesWhatPusherRefuses(t *testing.T) {
	const (
		dataTooLarge = "The data content of this event exceeds the allowed maximum (10240 bytes). See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info\n"
		listOnly     = "user_count may only be requested for presence channels - please supply filter_by_prefix begining with presence-\n"
		reserved     = "The 'pusher' namespace is reserved for internal usage\n"
		info         = "info should be a comma separated list of attributes\n"
	)
	event := func(name, channel, data string) string {
		return fmt.Sprintf(`{"name":%q,"channel":%q,"data":%q}`, name, channel, data)
	}
	batchOf := func(events ...string) string { return `{"batch":[` + strings.Join(events, ",") + `]}` }
	tooLarge := strings.Repeat("x", 10241)
	eleven := strings.Split(strings.Repeat(event("n", "c", "d")+"|", 11), "|")[:11]

	tests := []struct {
		name, method, target, body string
		status                     int
		text                       string
	}{
		// processmaker#2857 and the acceptance tests of pusher-http-php.
		{"data of 10,241 bytes", "POST", events, event("n", "c", tooLarge), 413, dataTooLarge},
		{"data of 10,241 bytes in a batch", "POST", batch, batchOf(event("n", "c", tooLarge)), 413, dataTooLarge},
		// The acceptance tests of pusher-http-swift, EventTriggerTests.
		{"a batch of eleven", "POST", batch, batchOf(eleven...), 400, "Batch too large (11 > 10)\n"},
		{"a list of channels in a batch", "POST", batch, `{"batch":[{"name":"n","channels":["c"],"data":"d"}]}`, 400, "Missing required parameter: channel\n"},
		// The same form, for other parameters.
		{"no channel", "POST", events, `{"name":"n","data":"d"}`, 400, "Missing required parameter: channels\n"},
		{"no name", "POST", events, `{"channel":"c","data":"d"}`, 400, "Missing required parameter: name\n"},
		{"no data", "POST", events, `{"channel":"c","name":"n"}`, 400, "Missing required parameter: data\n"},
		{"no batch", "POST", batch, `{}`, 400, "Missing required parameter: batch\n"},
		{"no body", "POST", events, "", 400, "Missing required parameter: name\n"},
		// pusher-js#727.
		{"a name that is a number", "POST", events, `{"name":1,"channel":"c","data":"d"}`, 400, "Expected name parameter to be a string\n"},
		{"data that is an object", "POST", events, `{"name":"n","channel":"c","data":{}}`, 400, "Expected data parameter to be a string\n"},
		{"info that is a list", "POST", events, `{"name":"n","channel":"c","data":"d","info":[]}`, 400, "Expected info parameter to be a string\n"},
		// pusher-http-ruby#142.
		{"a name in the reserved namespace", "POST", events, event("pusher:x", "c", "d"), 400, reserved},
		{"a hyphen after the reserved word", "POST", events, event("pusher-notification", "c", "d"), 400, reserved},
		{"a reserved name in a batch", "POST", batch, batchOf(event("n", "c", "d"), event("pusher:x", "c", "d")), 400, reserved},
		// codefirst/AsakusaSatellite#13.
		{"a space in a channel name", "POST", events, event("n", "a b", "d"), 400, "Invalid channel name\n"},
		{"a space in one of two channel names", "POST", events, `{"name":"n","channels":["a","a b"],"data":"d"}`, 400, "Invalid channel name\n"},
		{"a space in a channel name in a batch", "POST", batch, batchOf(event("n", "a b", "d")), 400, "Invalid channel name\n"},
		{"a user ID with a space", "POST", events, event("n", "#server-to-user-a b", "d"), 400, "Invalid channel name\n"},
		{"a space in the path", "GET", channels + "/a%20b", "", 400, "Invalid channel name\n"},
		{"a space in the path of users", "GET", channels + "/a%20b/users", "", 400, "Invalid channel name\n"},
		// The acceptance tests of pusher-http-swift, AppStateQueryTests.
		{"user counts of all channels", "GET", channels + "?info=user_count", "", 400, listOnly},
		{"user counts of some private channels", "GET", channels + "?info=user_count&filter_by_prefix=private-", "", 400, listOnly},
		{"user counts of channels that start like presence ones", "GET", channels + "?info=user_count&filter_by_prefix=presence", "", 400, listOnly},
		{"the user count of a public channel", "GET", channels + "/c?info=user_count", "", 400, "Cannot retrieve the user count unless the channel is a presence channel\n"},
		{"the users of a public channel", "GET", channels + "/c/users", "", 400, "Users can only be retrieved for presence channels\n"},
		// The acceptance tests of pusher-http-dotnet, ChannelState.
		{"an attribute that there is not", "GET", channels + "/c?info=does_not_exist", "", 400, info},
		{"an attribute that there is not, of all channels", "GET", channels + "?info=subscription_count", "", 400, info},
		{"an attribute that there is not, in a trigger", "POST", events, `{"name":"n","channel":"c","data":"d","info":"cache"}`, 400, info},
		{"attributes separated by semicolons", "GET", channels + "/presence-c?info=user_count;subscription_count", "", 400, info},
		// pusher-http-node#18.
		{"info where there is none", "GET", channels + "/presence-c/users?info=user_count", "", 400, "The following query string parameters are extraneous: info\n"},
		{"two unknown parameters", "POST", batch + "?b=1&a=2", batchOf(event("n", "c", "d")), 400, "The following query string parameters are extraneous: a, b\n"},
		// pusher-js#592, pusher-http-php#308.
		{"an unknown path", "GET", "/apps/3/nothing", "", 404, "404 NOT FOUND\n"},
		{"the root", "GET", "/", "", 404, "404 NOT FOUND\n"},
		{"another app", "GET", "/apps/4/channels", "", 404, "404 NOT FOUND\n"},
		{"a path with two slashes", "GET", "/apps//channels", "", 404, "404 NOT FOUND\n"},
		{"a path that leads back", "GET", "/apps/3/users/../channels", "", 404, "404 NOT FOUND\n"},
		{"a slash at the end", "GET", channels + "/", "", 404, "404 NOT FOUND\n"},
		{"a slash in a channel name", "GET", channels + "/a/b", "", 404, "404 NOT FOUND\n"},
		{"another method", "POST", channels, "{}", 404, "404 NOT FOUND\n"},
		{"an endpoint that is deprecated", "GET", channels + "/c/stats", "", 404, "404 NOT FOUND\n"},

		// Pusher's words for these are not known.
		{"a body that is no object", "POST", events, `[]`, 400, "Expected the body to be a JSON object\n"},
		{"a body that is null", "POST", events, `null`, 400, "Expected the body to be a JSON object\n"},
		{"a body that is cut off", "POST", events, `{`, 400, "Expected the body to be a JSON object\n"},
		{"both forms of channels", "POST", events, `{"name":"n","channel":"c","channels":["c"],"data":"d"}`, 400, "Expected either the channel or the channels parameter, not both\n"},
		{"an encrypted channel among others", "POST", events, `{"name":"n","channels":["c","private-encrypted-c"],"data":"d"}`, 400, "An event for an encrypted channel cannot be triggered on other channels too\n"},
		{"the cache of a channel without", "GET", channels + "/c?info=cache", "", 400, "Cannot retrieve the cache unless the channel is a cache channel\n"},
		{"a name of 201 characters", "POST", events, event(strings.Repeat("n", 201), "c", "d"), 400, "event name has 201 characters, at most 200 are allowed\n"},
		{"a parameter in capitals", "POST", events, `{"name":"n","NAME":"pusher:x","channel":"c","data":"d"}`, 400, "Expected the parameter \"name\", not \"NAME\"\n"},
		{"a parameter of a batch in capitals", "POST", batch, `{"Batch":[]}`, 400, "Expected the parameter \"batch\", not \"Batch\"\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			status, text := call(t, s, test.method, test.target, test.body)
			if status != test.status || text != test.text {
				t.Errorf("%s %s %.100s = %d %q, want %d %q", test.method, test.target, test.body, status, text, test.status, test.text)
			}
			if got := s.Events(); len(got) != 0 {
				t.Errorf("Events() after a refusal = %.100v, want none", got)
			}
		})
	}
}

// What only the document forbids is refused in the words of its checker, of which
// the tests pin the place alone.
func TestServerRefusesWhatTheDocumentForbids(t *testing.T) {
	tests := []struct{ name, method, target, body, mentions string }{
		{"no channels in the list", "POST", events, `{"name":"n","channels":[],"data":"d"}`, "channels"},
		{"101 channels", "POST", events, `{"name":"n","channels":["c"` + strings.Repeat(`,"c"`, 100) + `],"data":"d"}`, "channels"},
		{"a channel that is a number", "POST", events, `{"name":"n","channels":[1],"data":"d"}`, "channels/0"},
		{"channels that are a string", "POST", events, `{"name":"n","channels":"c","data":"d"}`, "channels"},
		{"a socket ID without a dot", "POST", events, `{"name":"n","channel":"c","data":"d","socket_id":"1234"}`, "socket_id"},
		{"an empty batch", "POST", batch, `{"batch":[]}`, "batch"},
		{"null in a batch", "POST", batch, `{"batch":[null]}`, "batch/0"},
		{"a batch that is an object", "POST", batch, `{"batch":{}}`, "batch"},
		{"a parameter where there is none", "POST", "/apps/3/users/1/terminate_connections", `{"a":1}`, "TerminateRequest"},
		{"an empty body where {} has to be", "POST", "/apps/3/users/1/terminate_connections", "", "value is required"},
		{"a user ID with a space", "POST", "/apps/3/users/a%20b/terminate_connections", "{}", "user_id"},
		{"info given twice", "GET", channels + "/presence-c?info=user_count&info=subscription_count", "", "info"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			status, text := call(t, s, test.method, test.target, test.body)
			if status != 400 || !strings.Contains(text, test.mentions) {
				t.Errorf("%s %s %s = %d %q, want 400 and a text with %q", test.method, test.target, test.body, status, text, test.mentions)
			}
			if strings.Count(text, "\n") != 1 {
				t.Errorf("the text %q has not exactly one line", text)
			}
		})
	}
}

func TestServerRefusesABodyThatIsNotJSON(t *testing.T) {
	s := newServer(t)
	r := newRequest(http.MethodPost, events, docsBody)
	r.Header.Set("Content-Type", "text/plain")
	status, text := send(t, s, sign(t, s, r, time.Time{}))
	if status != 400 || !strings.Contains(text, "Content-Type") {
		t.Errorf("POST %s as text/plain = %d %q, want 400 and a text with %q", events, status, text, "Content-Type")
	}
}

func TestServerReadsNoMoreThanTheLongestBatch(t *testing.T) {
	s := newServer(t)
	status, text := call(t, s, http.MethodPost, batch, strings.Repeat(" ", 778241))
	if want := "The body exceeds the allowed maximum (778240 bytes)\n"; status != 413 || text != want {
		t.Errorf("POST of 778,241 bytes = %d %q, want 413 %q", status, text, want)
	}
}

// Pusher's content type is not on record; plain text is what its bodies are.
func TestRefusalsArePlainText(t *testing.T) {
	w := httptest.NewRecorder()
	newServer(t).ServeHTTP(w, newRequest(http.MethodGet, channels, ""))
	if got, want := w.Header().Get("Content-Type"), "text/plain; charset=utf-8"; got != want {
		t.Errorf("Content-Type of a refusal = %q, want %q", got, want)
	}
}
