package contract_test

import (
	"encoding/json"
	"fmt"
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

// The limits of package auth are those of the document.
func TestPackageAuth_Limits(t *testing.T) {
	authorizer := newAuthorizer(t)
	doc := load(t)
	member := component(t, doc, "PresenceMember")
	user := component(t, doc, "SignedInUser")
	tests := []struct {
		name   string
		schema *openapi3.SchemaRef
		value  func(n int) any
		call   func(n int) error
	}{
		{"user_id of PresenceMember", member, func(n int) any { return map[string]any{"user_id": strings.Repeat("a", n)} },
			func(n int) error {
				_, err := authorizer.AuthorizePresence("1.1", "presence-a", auth.Member{UserID: strings.Repeat("a", n)})
				return err
			}},
		{"watchlist of SignedInUser", user, func(n int) any { return map[string]any{"id": "7", "watchlist": userIDs(n)} },
			func(n int) error {
				_, err := authorizer.AuthenticateUser("1.1", auth.User{ID: "7", Watchlist: userIDs(n)})
				return err
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { compareLimit(t, tt.schema, tt.value, tt.call) })
	}
}

func userIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	return ids
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
