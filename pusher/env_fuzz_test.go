package pusher_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// FuzzNewFromURL puts the secret at an arbitrary position of a URL. No error may
// contain it, and a client may show it only if it is in the place of another part.
func FuzzNewFromURL(f *testing.F) {
	for _, around := range [][2]string{
		{"https://key:", "@api-eu.pusher.com/apps/3"},
		{"http://key:", "@[::1]:6001/prefix/apps/3/"},
		{"https://key:%zz", "@api-eu.pusher.com/apps/3"},
		{"https://key:x/", "@api-eu.pusher.com/apps/3"},
		{"https://key:x@", "@api-eu.pusher.com:port/apps/3"},
		{"https://key:", ""},
		{"https://", "@api-eu.pusher.com/apps/3"},
		{"https://", ":s@api-eu.pusher.com/apps/3"},
		{"https://key:s@", "/apps/3"},
		{"https://key:s@host/apps/", "%20"},
		{"https://key:s@host/apps/3?x=", ""},
		{"https://key:s@host/apps/3#", ""},
		{"", "\n"},
		{" https://key:", " @host/apps/3"},
		{"ws://key:", "@host/apps/3"},
		{"https://key:s@host/https://key:", "@host/apps/3"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		rawURL := before + app.Secret + after
		client, err := pusher.NewFromURL(rawURL)
		if err != nil {
			if !errors.Is(err, pusher.ErrConfiguration) || client != nil {
				t.Errorf("NewFromURL(%q) = %v, %v, want no client and %v", rawURL, client, err, pusher.ErrConfiguration)
			}
			if text := fmt.Sprintf("%v %#v", err, err); strings.Contains(text, app.Secret) {
				t.Errorf("NewFromURL(%q) = %s, want an error without the secret", rawURL, text)
			}
			return
		}
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatalf("NewFromURL(%q) = %v, want an error: %v", rawURL, client, err)
		}
		if password, _ := u.User.Password(); strings.Contains(password, app.Secret) && strings.Count(rawURL, app.Secret) == 1 {
			if text := fmt.Sprintf("%v %#v %v", client, client, *client); strings.Contains(text, app.Secret) {
				t.Errorf("NewFromURL(%q) = %s, want a client without the secret", rawURL, text)
			}
		}
	})
}
