package contract_test

import (
	"go/constant"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// Texts that Pusher's servers have sent, from the acceptance tests and issue trackers
// of its libraries. Those with status 401 and no value are from pusher-signature,
// lib/pusher/signature.rb.
var recordedErrors = []struct {
	response, text, source string
}{
	{"BadRequest", "Unknown auth_key", "pusher-http-php#118"},
	{"BadRequest", "Missing required parameter: channel", "pusher-http-swift, EventTriggerTests.swift"},
	{"BadRequest", "Expected name parameter to be a string", "pusher-js#727"},
	{"BadRequest", "Invalid channel name", "codefirst/AsakusaSatellite#13"},
	{"BadRequest", "The 'pusher' namespace is reserved for internal usage", "pusher-http-ruby#142"},
	{"BadRequest", "Batch too large (11 > 10)", "pusher-http-swift, EventTriggerTests.swift"},
	{"BadRequest", "info should be a comma separated list of attributes", "pusher-http-dotnet, ChannelState.cs"},
	{"BadRequest", "Cannot retrieve the user count unless the channel is a presence channel", "pusher-http-swift, AppStateQueryTests.swift"},
	{"BadRequest", "Cannot retrieve the subscription count because subscription counting is not enabled", "pusher-http-ruby#193"},
	{"BadRequest", "user_count may only be requested for presence channels - please supply filter_by_prefix begining with presence-", "pusher-http-swift, AppStateQueryTests.swift"},
	{"BadRequest", "Users can only be retrieved for presence channels", "pusher-http-swift, AppStateQueryTests.swift"},
	{"BadRequest", "The following query string parameters are extraneous: info", "pusher-http-node#18"},
	{"Unauthorized", `Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/`, "pusher-http-go#91"},
	{"Unauthorized", "Timestamp expired: Given timestamp (", "pusher-http-ruby#49"},
	{"Unauthorized", "Missing parameter: auth_key", "pusher-signature"},
	{"Unauthorized", "Version required", "pusher-signature"},
	{"Unauthorized", "Version not supported", "pusher-signature"},
	{"Unauthorized", "Timestamp required", "pusher-signature"},
	{"NotFound", "404 NOT FOUND", "pusher-js#592"},
	{"TooLarge", "The data content of this event exceeds the allowed maximum (10240 bytes). ", "codestudiohq/laravel-totem#303"},
}

// The document has each recorded text as a named example and in the table of errors.
func TestExamples_RecordedErrors(t *testing.T) {
	doc := load(t)
	for _, tt := range recordedErrors {
		t.Run(tt.text, func(t *testing.T) {
			response := doc.Components.Responses[tt.response]
			if response == nil {
				t.Fatalf("components.responses has no %s", tt.response)
			}
			var texts []string
			for _, example := range response.Value.Content["text/plain"].Examples {
				text, _ := example.Value.Value.(string)
				texts = append(texts, text)
			}
			if !slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(text, tt.text) }) {
				t.Errorf("no example of %s begins with %q (source: %s)", tt.response, tt.text, tt.source)
			}
			if !strings.Contains(doc.Info.Description, "`"+strings.TrimSpace(tt.text)) {
				t.Errorf("the table of errors in info.description does not have %q", tt.text)
			}
		})
	}
}

// Every other example of an error response names its server, or is marked as
// invented.
func TestExamples_InventedErrors(t *testing.T) {
	servers := []string{"soketi", "Sockudo", "Laravel Reverb", "invented"}
	for name, response := range load(t).Components.Responses {
		for mediaType, media := range response.Value.Content {
			for key, example := range media.Examples {
				text, _ := example.Value.Value.(string)
				recorded := slices.ContainsFunc(recordedErrors, func(e struct{ response, text, source string }) bool {
					return e.response == name && strings.HasPrefix(text, e.text)
				})
				named := slices.ContainsFunc(servers, func(server string) bool { return strings.Contains(example.Value.Summary, server) })
				if !recorded && !named {
					t.Errorf("%s %s: example %s is not a recorded text: name the server in its summary, or mark it as invented", name, mediaType, key)
				}
			}
		}
	}
}

// Every error text in the source of pushertest is in a table of the document.
func TestErrorTexts_Source(t *testing.T) {
	verb := regexp.MustCompile(`%[a-z]`)
	described := describedErrors(t, load(t))
	found := 0
	for name, value := range constants(t, "../../../pushertest/api_error.go") {
		if !strings.HasPrefix(name, "text") || value.Kind() != constant.String {
			continue
		}
		found++
		// A verb stands for any text, in the table as well.
		text := verb.ReplaceAllString(regexp.QuoteMeta(constant.StringVal(value)), ".*")
		pattern := regexp.MustCompile("^" + text + "$")
		if !slices.ContainsFunc(described, func(e describedError) bool { return pattern.MatchString(e.text) }) {
			t.Errorf("no table of errors in openapi.yaml has the text of pushertest's %s: %q", name, constant.StringVal(value))
		}
	}
	if found < 30 {
		t.Errorf("found %d texts in package pushertest, want about 35", found)
	}
}

// What pushertest sends for an invalid request is in a table of the document, and shows
// no path inside a schema.
func TestErrorTexts(t *testing.T) {
	described := describedErrors(t, load(t))
	event := func(fields string) string { return `{"name":"n","data":"d",` + fields + `}` }
	long := func(n int) string { return strings.Repeat("a", n) }
	const events, batch, terminate = "/events", "/batch_events", "/users/7/terminate_connections"
	tests := []struct{ name, method, target, body string }{
		{"no parameters", "POST", events, `{}`},
		{"not JSON", "POST", events, `{`},
		{"a list", "POST", events, `[]`},
		{"a parameter in another case", "POST", events, event(`"Channel":"a"`)},
		{"no channels", "POST", events, event(`"channels":[]`)},
		{"101 channels", "POST", events, event(`"channels":["a"` + strings.Repeat(`,"a"`, 100) + `]`)},
		{"channels that are a text", "POST", events, event(`"channels":"a"`)},
		{"a channel that is a number", "POST", events, event(`"channels":[1]`)},
		{"both channel and channels", "POST", events, event(`"channel":"a","channels":["b"]`)},
		{"an invalid channel name", "POST", events, event(`"channel":"a b"`)},
		{"an invalid socket ID", "POST", events, event(`"channel":"a","socket_id":"1"`)},
		{"a socket ID that is a number", "POST", events, event(`"channel":"a","socket_id":1`)},
		{"an unknown attribute", "POST", events, event(`"channel":"a","info":"cache"`)},
		{"a reserved event name", "POST", events, `{"name":"pusher:n","data":"d","channel":"a"}`},
		{"an empty event name", "POST", events, `{"name":"","data":"d","channel":"a"}`},
		{"a long event name", "POST", events, `{"name":"` + long(201) + `","data":"d","channel":"a"}`},
		{"long data", "POST", events, `{"name":"n","data":"` + long(10241) + `","channel":"a"}`},
		{"data that is a number", "POST", events, `{"name":"n","data":1,"channel":"a"}`},
		{"data that is not encrypted", "POST", events, event(`"channel":"private-encrypted-a"`)},
		{"two encrypted channels", "POST", events, event(`"channels":["private-encrypted-a","b"]`)},
		{"an empty idempotency key", "POST", events, event(`"channel":"a","idempotency_key":""`)},
		{"a long idempotency key", "POST", events, event(`"channel":"a","idempotency_key":"` + long(129) + `"`)},
		{"an idempotency key that is a number", "POST", events, event(`"channel":"a","idempotency_key":1`)},
		{"an empty batch", "POST", batch, `{"batch":[]}`},
		{"a batch that is a number", "POST", batch, `{"batch":1}`},
		{"a batch of numbers", "POST", batch, `{"batch":[1]}`},
		{"eleven events", "POST", batch, `{"batch":[` + list(event(`"channel":"a"`), 11) + `]}`},
		{"a batch event without channel", "POST", batch, `{"batch":[{"name":"n","data":"d"}]}`},
		{"an invalid socket ID in a batch", "POST", batch, `{"batch":[` + event(`"channel":"a","socket_id":"1"`) + `]}`},
		{"a parameter of terminate_connections", "POST", terminate, `{"now":true}`},
		{"an invalid user ID", "POST", "/users/a%20b/terminate_connections", `{}`},
		{"a long user ID", "POST", "/users/" + long(200) + "/terminate_connections", `{}`},
		{"a list with an unknown attribute", "GET", "/channels?info=cache", ""},
		{"a list of other channels with user_count", "GET", "/channels?info=user_count", ""},
		{"a long prefix", "GET", "/channels?filter_by_prefix=" + long(201), ""},
		{"user_count of a public channel", "GET", "/channels/a?info=user_count", ""},
		{"cache of a channel without", "GET", "/channels/a?info=cache", ""},
		{"a repeated parameter", "GET", "/channels/presence-a?info=user_count&info=subscription_count", ""},
		{"an array", "GET", "/channels/presence-a?info[]=user_count", ""},
		{"users of a public channel", "GET", "/channels/a/users", ""},
		{"an unknown path", "GET", "/unknown", ""},
	}
	server := pushertest.NewServer(pushertest.WithIdempotencyKeys(true))
	defer server.Close()
	app := server.App()
	signer, err := signing.New(app.Key, app.Secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, text := request(t, server, signer, tt.method, "/apps/"+app.ID+tt.target, tt.body)
			if !slices.ContainsFunc(described, func(e describedError) bool { return e.status == status && e.matches(text) }) {
				t.Errorf("pushertest responds with status %d and %q: add it to a table of errors in openapi.yaml", status, text)
			}
			if strings.Contains(text, "#/") || strings.Contains(text, "schema") {
				t.Errorf("pushertest responds with %q, which shows a path inside a schema", text)
			}
		})
	}
}

// The body of terminate_connections is optional.
func TestTerminateWithoutBody(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	signer, err := signing.New(server.App().Key, server.App().Secret)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := request(t, server, signer, "POST", "/apps/"+server.App().ID+"/users/7/terminate_connections", ""); status != http.StatusOK || text != "{}" {
		t.Errorf("pushertest responds with status %d and %q, want 200 and {}", status, text)
	}
}

// request returns the status and the text of the response to a signed request.
func request(t *testing.T, server *pushertest.Server, signer *signing.Signer, method, target, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.Edit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSuffix(string(text), "\n")
}

// Statuses that no text from Pusher is known for are marked, in the table of errors and
// in the description of the response.
func TestErrorTexts_CompatibleServers(t *testing.T) {
	doc := load(t)
	marked := map[string]bool{}
	for _, row := range table(t, section(t, doc.Info.Description, "## Errors")) {
		if row[1] == "*compatible servers only*" {
			marked[row[0]] = true
		}
	}
	described := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				if strings.HasPrefix(*response.Value.Description, "**Compatible servers only") {
					described[status] = true
				}
			}
		}
	}
	// Source: Pusher HTTP API reference and Pusher's Swagger document of 2016, which name
	// 400, 401, 403, 404, 413, 500 and 503.
	want := map[string]bool{"405": true, "415": true, "422": true, "429": true}
	compareNames(t, want, marked, "the table of errors does not mark status %s", "the table of errors marks status %s")
	compareNames(t, want, described, "the response with status %s does not begin with **Compatible servers only", "the response with status %s begins with **Compatible servers only")
}

// A describedError is a text in a table of errors, where "…" stands for any text.
type describedError struct {
	status int
	text   string
}

func (e describedError) matches(text string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(e.text), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(text)
}

// describedErrors returns the texts of all tables of errors.
func describedErrors(t *testing.T, doc *openapi3.T) []describedError {
	t.Helper()
	var found []describedError
	errors := section(t, doc.Info.Description, "## Errors")
	_, own, _ := strings.Cut(errors, "`pushertest`, the server")
	for _, row := range append(table(t, errors), table(t, own)...) {
		status, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatalf("a table of errors has the status %q", row[0])
		}
		for i, text := range strings.Split(row[1], "`") {
			if i%2 == 1 {
				found = append(found, describedError{status, text})
			}
		}
	}
	return found
}
