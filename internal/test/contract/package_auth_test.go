package contract_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/auth"
)

// A master key of pusher-http-node's tests.
const masterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="

func newAuthorizer(t *testing.T) *auth.Authorizer {
	t.Helper()
	authorizer, err := auth.New("sample-key", "sample-secret", auth.WithEncryptionMasterKey(masterKey), auth.WithMaxMemberBytes(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

// The handlers of package auth read every parameter of a request: another value
// changes the response, or reaches the app's function. They reject a request without
// a required parameter.
func TestPackageAuth_Requests(t *testing.T) {
	authorizer := newAuthorizer(t)
	var seen auth.ChannelRequest
	tests := []struct {
		webhook, extend string
		handler         http.Handler
	}{
		{"channelAuthorization", "auth.ChannelRequest and Authorizer.ChannelHandler", authorizer.ChannelHandler(func(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
			seen = request
			return nil, nil
		})},
		{"userAuthentication", "Authorizer.UserHandler", authorizer.UserHandler(func(*http.Request) (*auth.User, error) {
			return &auth.User{ID: "12345"}, nil
		})},
	}
	doc := load(t)
	for _, tt := range tests {
		t.Run(tt.webhook, func(t *testing.T) {
			media := mediaType(t, doc.Webhooks[tt.webhook].Post.RequestBody.Value.Content, "application/x-www-form-urlencoded")
			example := exampleOf(t, media)
			form := url.Values{}
			for name := range media.Schema.Value.Properties {
				value, ok := example[name].(string)
				if !ok {
					t.Fatalf("the request's example has no %s: add it", name)
				}
				form.Set(name, value)
			}
			unchanged := serveForm(tt.handler, form)
			if unchanged.Code != http.StatusOK {
				t.Fatalf("the request of the document gets status %d: extend %s", unchanged.Code, tt.extend)
			}
			for name := range media.Schema.Value.Properties {
				value := form.Get(name)
				form.Set(name, value+"1")
				changed := serveForm(tt.handler, form)
				if changed.Body.String() == unchanged.Body.String() && !contains(reflect.ValueOf(seen), value+"1") {
					t.Errorf("parameter %q is not read: extend %s", name, tt.extend)
				}
				form.Set(name, value)
			}
			for _, name := range media.Schema.Value.Required {
				value := form.Get(name)
				form.Del(name)
				if got := serveForm(tt.handler, form).Code; got != http.StatusBadRequest {
					t.Errorf("a request without the required parameter %q gets status %d, want 400: extend %s", name, got, tt.extend)
				}
				form.Set(name, value)
			}
		})
	}
}

func serveForm(handler http.Handler, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// Package auth produces every property of its responses, and of the JSON in their
// strings, and no others.
func TestPackageAuth_Responses(t *testing.T) {
	authorizer := newAuthorizer(t)
	info := map[string]string{"name": "Ada"}
	channel := func(authorization *auth.ChannelAuthorization, err error) any {
		if err != nil {
			t.Fatal(err)
		}
		return authorization
	}
	private := channel(authorizer.AuthorizePrivate("1.1", "private-a"))
	encrypted := channel(authorizer.AuthorizePrivate("1.1", "private-encrypted-a"))
	presence := channel(authorizer.AuthorizePresence("1.1", "presence-a", auth.Member{UserID: "7", UserInfo: info}))
	user, err := authorizer.AuthenticateUser("1.1", auth.User{ID: "7", Info: info, Watchlist: []string{"8"}})
	if err != nil {
		t.Fatal(err)
	}

	tests := []struct {
		webhook, extend string
		responses       []any
	}{
		{"channelAuthorization", "auth.ChannelAuthorization and auth.Member", []any{private, encrypted, presence}},
		{"userAuthentication", "auth.UserAuthentication and auth.User", []any{user}},
	}
	doc := load(t)
	for _, tt := range tests {
		t.Run(tt.webhook, func(t *testing.T) {
			schema := successBody(doc.Webhooks[tt.webhook].Post).Schema
			produced := map[string]any{}
			for _, response := range tt.responses {
				if err := validate(t, schema, response); err != nil {
					t.Errorf("a response does not conform to the document: %v: change package auth or openapi.yaml", err)
				}
				for name, value := range asJSON(t, response).(map[string]any) {
					produced[name] = value
				}
			}
			comparePropertiesDeep(t, schema, produced, tt.extend)
		})
	}
}

// comparePropertiesDeep also compares the properties of JSON in a string.
func comparePropertiesDeep(t *testing.T, schema *openapi3.SchemaRef, produced map[string]any, extend string) {
	t.Helper()
	compareNames(t, schema.Value.Properties, produced,
		"property %q of the document is never produced: extend "+extend,
		"property %q is produced, but the document does not describe it: add it to openapi.yaml")
	for name, property := range schema.Value.Properties {
		text, ok := produced[name].(string)
		if content := property.Value.ContentSchema; ok && content != nil {
			var object map[string]any
			if err := json.Unmarshal([]byte(text), &object); err != nil {
				t.Errorf("%s is not the JSON of an object: %v", name, err)
				continue
			}
			if err := validate(t, content, object); err != nil {
				t.Errorf("%s does not conform to its contentSchema: %v", name, err)
			}
			comparePropertiesDeep(t, content, object, extend)
		}
	}
}

// Package auth signs exactly the members and users that the document allows.
func TestPackageAuth_Values(t *testing.T) {
	authorizer, err := auth.New("sample-key", "sample-secret")
	if err != nil {
		t.Fatal(err)
	}
	a := strings.Repeat
	ids := []string{"7", "", ".", "..", "a b", "a:b", "a\nb", "a\u0085b", "Ёлка 🎄", `"`, "a-zA_Z0@9=,.;",
		a("x", 128), a("x", 129), a("ж", 128), a("ж", 129), a("x", 199), a("x", 200)}
	infos := []any{map[string]any{}, map[string]any{"name": "Ada"}, "Ada", "", 7, 1.5, true, false, []any{}, []any{map[string]any{}}}
	long := func(n int) any { return map[string]any{"name": a("x", n)} }
	watchlist := func(n int, id string) []string { return strings.Fields(a(id+" ", n)) }

	members := []auth.Member{
		{UserID: "7", UserInfo: long(1024 - 39)},
		{UserID: "7", UserInfo: long(1025 - 39)},
	}
	users := []auth.User{
		{ID: "7", Watchlist: watchlist(100, "8")},
		{ID: "7", Watchlist: watchlist(101, "8")},
		{ID: "7", Watchlist: watchlist(100, a("x", 199)), Info: long(1024 - 34)},
	}
	for _, id := range ids {
		members = append(members, auth.Member{UserID: id})
		users = append(users, auth.User{ID: id}, auth.User{ID: "7", Watchlist: []string{"8", id}})
	}
	for _, info := range infos {
		members = append(members, auth.Member{UserID: "7", UserInfo: info})
		users = append(users, auth.User{ID: "7", Info: info})
	}

	doc := load(t)
	for _, member := range members {
		content := object("user_id", member.UserID, "user_info", member.UserInfo)
		authorization, err := authorizer.AuthorizePresence("1.1", "presence-a", member)
		compare(t, component(t, doc, "PresenceMember"), component(t, doc, "ChannelAuthorization"), "channel_data", content, authorization, err)
	}
	for _, user := range users {
		content := object("id", user.ID, "user_info", user.Info)
		if user.Watchlist != nil {
			content["watchlist"] = user.Watchlist
		}
		authentication, err := authorizer.AuthenticateUser("1.1", user)
		compare(t, component(t, doc, "SignedInUser"), component(t, doc, "UserAuthentication"), "user_data", content, authentication, err)
	}
}

func object(idName, id, infoName string, info any) map[string]any {
	content := map[string]any{idName: id}
	if info != nil {
		content[infoName] = info
	}
	return content
}

// compare tests that content, and the response whose property has it as JSON, conform
// to their schemas if and only if package auth returned no error.
func compare(t *testing.T, schema, responseSchema *openapi3.SchemaRef, property string, content map[string]any, response any, err error) {
	t.Helper()
	text, encodingErr := json.Marshal(content)
	if encodingErr != nil {
		t.Fatal(encodingErr)
	}
	documented := errors.Join(validate(t, schema, content), validate(t, responseSchema.Value.Properties[property], string(text)))
	if (err == nil) != (documented == nil) {
		t.Errorf("package auth signs %.200s with error %v, but the document allows it with error %v: change one of them", text, err, documented)
	}
	if err == nil {
		if err := validate(t, responseSchema, response); err != nil {
			t.Errorf("the response for %.200s does not conform to the document: %v", text, err)
		}
	}
}

// The handlers of package auth accept exactly the socket IDs and channels that the
// document allows.
func TestPackageAuth_RequestValues(t *testing.T) {
	authorizer := newAuthorizer(t)
	channels := authorizer.ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
		return &auth.Member{UserID: "7"}, nil
	})
	users := authorizer.UserHandler(func(*http.Request) (*auth.User, error) { return &auth.User{ID: "7"}, nil })
	doc := load(t)
	check := func(schema string, handler http.Handler, fields map[string]string) {
		form := url.Values{}
		for name, value := range fields {
			form.Set(name, value)
		}
		err := validate(t, component(t, doc, schema), fields)
		if got := serveForm(handler, form).Code; (got == http.StatusOK) != (err == nil) {
			t.Errorf("%.200v gets status %d, but the document allows it with error %v: change package auth or openapi.yaml", fields, got, err)
		}
	}
	nines := func(n int) string { return strings.Repeat("9", n) }
	for _, socketID := range []string{"1.1", "1234.5678", "", ".", "1", "1.", ".1", "1.1.1", "-1.1", "1.1\n", " 1.1", "1.1:private-a", nines(32) + "." + nines(31), nines(32) + "." + nines(32)} {
		check("ChannelAuthorizationRequest", channels, map[string]string{"socket_id": socketID, "channel_name": "private-a"})
		check("UserAuthenticationRequest", users, map[string]string{"socket_id": socketID})
	}
	for _, channel := range []string{"private-", "presence-", "private-a", "presence-cache-a", "private-encrypted-a", "private-a-Z_0=@,.;",
		"", "a", "Private-a", "private", "private_a", "#server-to-user-7", "private-a b", "private-é", "private-a\n", `presence-a:{"user_id":"7"}`,
		"private-" + strings.Repeat("a", 192), "private-" + strings.Repeat("a", 193)} {
		check("ChannelAuthorizationRequest", channels, map[string]string{"socket_id": "1.1", "channel_name": channel})
	}
}

// compareLimit tests that call accepts the largest length whose value conforms to the
// schema, and rejects a larger one.
func compareLimit(t *testing.T, schema *openapi3.SchemaRef, value func(n int) any, call func(n int) error) {
	t.Helper()
	const most = 1000
	limit := sort.Search(most, func(n int) bool { return validate(t, schema, value(n+1)) != nil })
	if limit == 0 || limit == most {
		t.Fatalf("the document allows no length, or every length")
	}
	if err := call(limit); err != nil {
		t.Errorf("the document allows %d, but the package rejects it: change internal/protocol: %v", limit, err)
	}
	if err := call(limit + 1); err == nil {
		t.Errorf("the document allows at most %d, but the package accepts one more: change internal/protocol", limit)
	}
}
