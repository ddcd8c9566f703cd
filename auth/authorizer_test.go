package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/sentinel"
)

// The example app of Pusher's documentation.
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

// newLogged returns an Authorizer for the documentation's app, and what it logs.
func newLogged(t testing.TB) (*auth.Authorizer, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	return newAuthorizer(t, docsKey, docsSecret, auth.WithLogger(slog.New(slog.NewTextHandler(log, nil)))), log
}

func TestNew_Invalid(t *testing.T) {
	tests := []struct {
		name, key, secret string
		opts              []auth.Option
		want              []string
	}{
		{"no key", "", docsSecret, nil, []string{"key is empty"}},
		{"no secret", docsKey, "", nil, []string{"secret is empty"}},
		{"colon in key", "a:b", docsSecret, nil, []string{"the key contains a colon"}},
		{"line break in key", docsKey + "\n", docsSecret, nil, []string{"the key contains a space or a non-printable character"}},
		{"master key of 31 bytes", docsKey, docsSecret, []auth.Option{auth.WithEncryptionMasterKey("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")}, []string{"WithEncryptionMasterKey", "31 bytes"}},
		{"member limit of 0", docsKey, docsSecret, []auth.Option{auth.WithMaxMemberBytes(0)}, []string{"WithMaxMemberBytes(0)"}},
		{"nil logger", docsKey, docsSecret, []auth.Option{auth.WithLogger(nil)}, []string{"WithLogger: the logger is nil"}},
		{"nil option", docsKey, docsSecret, []auth.Option{nil}, []string{"an option is nil"}},
		{
			"everything", "", "",
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
					t.Errorf("New(%q, …) = %v, want an error with %q", tt.key, err, want)
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret)
	_, configuration := auth.New("", "")
	_, options := auth.New("", docsSecret, auth.WithMaxMemberBytes(0), auth.WithEncryptionMasterKey("c2hvcnQ="))
	_, masterKey := a.AuthorizePrivate("1.1", "private-encrypted-x")
	_, zero := new(auth.Authorizer).AuthorizePrivate("1.1", "private-x")
	_, socketID := a.AuthorizePrivate("1", "private-x")
	_, channel := a.AuthorizePrivate("1.1", "public")
	_, member := a.AuthorizePresence("1.1", "presence-x", auth.Member{})
	_, user := a.AuthenticateUser("1.1", auth.User{ID: "a b"})
	tests := []struct {
		name     string
		err      error
		sentinel error
		want     string
	}{
		{"key", configuration, sentinel.ErrConfiguration, `auth: invalid configuration: the key is empty; the secret is empty`},
		{"options", options, sentinel.ErrConfiguration, `auth: invalid configuration: the key is empty; WithMaxMemberBytes(0): at least 1 is required; WithEncryptionMasterKey: encryption master key is the base64 of 5 bytes, 32 are required; create one with: openssl rand -base64 32`},
		{"master key", masterKey, sentinel.ErrConfiguration, `auth: invalid configuration: encrypted channel without WithEncryptionMasterKey: "private-encrypted-x"`},
		{"zero Authorizer", zero, sentinel.ErrConfiguration, `auth: invalid configuration: the Authorizer was not created with auth.New`},
		{"socket ID", socketID, sentinel.ErrInvalid, `auth: invalid argument: socket ID does not consist of digits, a dot and digits: "1"`},
		{"channel", channel, sentinel.ErrInvalid, `auth: invalid argument: not a private channel: "public"`},
		{"member", member, sentinel.ErrInvalid, `auth: invalid argument: member ID is empty`},
		{"user", user, sentinel.ErrInvalid, `auth: invalid argument: user ID has a character outside a-z A-Z 0-9 _ - = @ , . ;: "a b"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !errors.Is(tt.err, tt.sentinel) || tt.err.Error() != tt.want {
				t.Errorf("error = %v, want %s", tt.err, tt.want)
			}
			// A package that wraps the error names itself and the kind once.
			_, details, _ := strings.Cut(tt.want, tt.sentinel.Error()+": ")
			if got := sentinel.Details(tt.err); !errors.Is(got, tt.sentinel) || got.Error() != details {
				t.Errorf("details = %v, want %s", got, details)
			}
		})
	}
}

func TestRedaction(t *testing.T) {
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
	for _, value := range []any{a, *a, channel, *channel, user, *user, []any{channel, *user}, struct{ Response any }{channel}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, value := range []any{a, channel, *channel, user, *user} {
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "response", value)
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "response", value)
	}
	signature := strings.TrimPrefix(channel.Auth, docsKey+":")
	userSignature := strings.TrimPrefix(user.Auth, docsKey+":")
	for _, secret := range []string{docsSecret, nodeMasterKey, signature, userSignature, channel.SharedSecret} {
		if strings.Contains(out.String(), secret) || strings.Contains(out.String(), fmt.Sprintf("%x", secret)) {
			t.Errorf("output contains %q:\n%s", secret, out.String())
		}
	}
	if got := fmt.Sprintf("%v %+v %#v", channel, *user, user); got != "[REDACTED] [REDACTED] [REDACTED]" {
		t.Errorf("output = %s, want [REDACTED] for each verb", got)
	}
	// The response to the browser is complete.
	text, err := json.Marshal(channel)
	if want := `{"auth":"` + channel.Auth + `","shared_secret":"` + channel.SharedSecret + `"}`; err != nil || string(text) != want {
		t.Errorf("json.Marshal = %s, %v, want %s", text, err, want)
	}
}

func TestAuthorizer_ZeroValue(t *testing.T) {
	for name, a := range map[string]*auth.Authorizer{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			_, private := a.AuthorizePrivate("1234.1234", "private-foobar")
			_, privateData := a.AuthorizePrivateData("1234.1234", "private-foobar", "data")
			_, presence := a.AuthorizePresence("1234.1234", "presence-foobar", auth.Member{UserID: "1"})
			_, user := a.AuthenticateUser("1234.1234", auth.User{ID: "1"})
			for _, err := range []error{private, privateData, presence, user} {
				if !errors.Is(err, auth.ErrConfiguration) {
					t.Errorf("error = %v, want ErrConfiguration", err)
				}
			}
			authorize := func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
				t.Error("authorize was called")
				return nil, nil
			}
			authenticate := func(*http.Request) (*auth.User, error) {
				t.Error("authenticate was called")
				return nil, nil
			}
			for _, handler := range []http.Handler{a.ChannelHandler(authorize, nil, auth.WithJSONP()), a.UserHandler(authenticate)} {
				for _, body := range []string{"socket_id=1234.1234&channel_name=private-foobar", "socket_id=1.1&channel_name[0]=private-x", "", "%"} {
					if got := serve(handler, http.MethodPost, "/", formType, body); got.Code != http.StatusInternalServerError {
						t.Errorf("POST %q = %d %s, want 500", body, got.Code, got.Body)
					}
				}
			}
		})
	}
}
