package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

// The documentation's example app.
const (
	docsKey    = "278d425bdf160c739803"
	docsSecret = "7ad3773142a6692b25b8"
)

// The master key of pusher-http-node's tests.
const nodeMasterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="

func newAuthorizer(t testing.TB, key, secret string, opts ...auth.Option) *auth.Authorizer {
	t.Helper()
	a, err := auth.New(key, secret, opts...)
	if err != nil {
		t.Fatalf("New(%q) = %v", key, err)
	}
	return a
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name, key, secret string
		opts              []auth.Option
		want              []string
	}{
		{"no key", "", docsSecret, nil, []string{"key is empty"}},
		{"no secret", docsKey, "", nil, []string{"secret is empty"}},
		{"a key with the colon that ends it", "a:b", docsSecret, nil, []string{"key has a colon"}},
		{"a key with a line end", docsKey + "\n", docsSecret, nil, []string{"key has a space or an unprintable character"}},
		{"a master key of 31 bytes", docsKey, docsSecret, []auth.Option{auth.WithEncryptionMasterKey("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")}, []string{"WithEncryptionMasterKey", "31 bytes"}},
		{"no room for a member", docsKey, docsSecret, []auth.Option{auth.WithMaxMemberBytes(0)}, []string{"WithMaxMemberBytes(0)"}},
		{"no logger", docsKey, docsSecret, []auth.Option{auth.WithLogger(nil)}, []string{"logger is nil"}},
		{
			"everything at once", "", "",
			[]auth.Option{auth.WithEncryptionMasterKey("?"), auth.WithMaxMemberBytes(-1), auth.WithLogger(nil)},
			[]string{"key is empty", "secret is empty", "WithEncryptionMasterKey", "WithMaxMemberBytes(-1)", "logger is nil"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := auth.New(tt.key, tt.secret, tt.opts...)
			if a != nil || !errors.Is(err, auth.ErrConfiguration) {
				t.Fatalf("New(%q, …) = %v, %v, want ErrConfiguration", tt.key, a, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("New(%q, …) = %v, want it to say %q", tt.key, err, want)
				}
			}
		})
	}
}

func TestNothingPrintsASignatureOrSecret(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey))
	channel, err := a.AuthorizePrivate("1234.1234", "private-encrypted-x")
	if err != nil {
		t.Fatal(err)
	}
	user, err := a.AuthenticateUser("1234.1234", auth.User{ID: "12345"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, value := range []any{a, channel, *channel, user, *user, []any{channel, *user}, struct{ Answer any }{channel}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, value := range []any{channel, *channel, user, *user} {
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "answer", value)
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "answer", value)
	}
	signature := strings.TrimPrefix(channel.Auth, docsKey+":")
	userSignature := strings.TrimPrefix(user.Auth, docsKey+":")
	for _, leak := range []string{docsSecret, nodeMasterKey, signature, userSignature, channel.SharedSecret} {
		if strings.Contains(out.String(), leak) || strings.Contains(out.String(), fmt.Sprintf("%x", leak)) {
			t.Errorf("printing shows %q:\n%s", leak, out.String())
		}
	}
	if got := fmt.Sprintf("%v %+v %#v", channel, *user, user); got != "[REDACTED] [REDACTED] [REDACTED]" {
		t.Errorf("printing = %s, want [REDACTED] for each verb", got)
	}
	// What the browser is handed is whole.
	text, err := json.Marshal(channel)
	if want := `{"auth":"` + channel.Auth + `","shared_secret":"` + channel.SharedSecret + `"}`; err != nil || string(text) != want {
		t.Errorf("json.Marshal = %s, %v, want %s", text, err, want)
	}
}

func TestAnAuthorizerThatWasNotMadeWithNewSignsNothing(t *testing.T) {
	for name, a := range map[string]*auth.Authorizer{"nil": nil, "the zero value": {}} {
		t.Run(name, func(t *testing.T) {
			_, private := a.AuthorizePrivate("1234.1234", "private-foobar")
			_, presence := a.AuthorizePresence("1234.1234", "presence-foobar", auth.Member{UserID: "1"})
			_, user := a.AuthenticateUser("1234.1234", auth.User{ID: "1"})
			for _, err := range []error{private, presence, user} {
				if !errors.Is(err, auth.ErrConfiguration) {
					t.Errorf("a call on %s = %v, want %v", name, err, auth.ErrConfiguration)
				}
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("socket_id=1234.1234&channel_name=private-foobar"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			a.ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) { return nil, nil }).ServeHTTP(w, r)
			if w.Code != http.StatusInternalServerError {
				t.Errorf("the handler of %s answered %d %s, want 500", name, w.Code, w.Body)
			}
		})
	}
}
