package pusher_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestNew_Errors(t *testing.T) {
	_, err := pusher.New(pusher.Credentials{AppID: "a/b", Key: "", Secret: "with space"},
		pusher.WithCluster("EU"),
		pusher.WithBaseURL("ftp://example.org"),
		pusher.WithHTTPProxy("://"),
		pusher.WithHTTPClient(nil),
		pusher.WithTimeout(0),
		pusher.WithRetry(pusher.Retry{Attempts: -1}),
		pusher.WithLogger(nil),
		pusher.WithMaxEventBytes(0),
		pusher.WithMaxBodyBytes(0),
		pusher.WithPathPrefix("reverb"),
	)
	if !errors.Is(err, pusher.ErrConfiguration) || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "invalid configuration") != 1 {
		t.Fatalf("New = %v, want %v once, in one line", err, pusher.ErrConfiguration)
	}
	for _, want := range []string{
		"app ID", "key is empty", "secret contains a space",
		"WithCluster", "WithBaseURL", "WithHTTPProxy", "WithHTTPClient", "WithTimeout", "WithRetry", "WithLogger", "WithMaxEventBytes", "WithMaxBodyBytes", "WithPathPrefix", "PUSHER_APP_KEY",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %s: %v", want, err)
		}
	}
}

func TestClient_ZeroValue(t *testing.T) {
	for name, client := range map[string]*pusher.Client{"nil": nil, "zero value": {}} {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				if _, err := op.call(t.Context(), client); !errors.Is(err, pusher.ErrConfiguration) {
					t.Errorf("call of the client (%v) = %v, want %v", client, err, pusher.ErrConfiguration)
				}
			})
		}
	}
}

func TestNew_AppID(t *testing.T) {
	for id, valid := range map[string]bool{
		"3": true, "app-id": true, "é": true, "~": true, "!": true,
		"": false, ".": false, "..": false, "a b": false, " ": false, "a/b": false, "a?b": false, "a#b": false, "a%62": false, "a\x7f": false, "a\n": false,
	} {
		_, err := pusher.New(pusher.Credentials{AppID: id, Key: "key", Secret: "secret"})
		if valid != (err == nil) || !valid && !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New with the app ID %q = %v, want valid %t", id, err, valid)
		}
	}
}
