package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

func TestWithJSONP(t *testing.T) {
	const fields = "&socket_id=1234.1234&channel_name=private-foobar"
	tests := []struct {
		name, query string
		want        int
		callback    string
	}{
		{"name", "callback=done" + fields, 200, "done"},
		{"names joined by dots", "callback=$app.on_auth" + fields, 200, "$app.on_auth"},
		{"name of pusher-js, jsonp_auth.ts", "callback=Pusher.auth_callbacks%5B%271%27%5D" + fields, 200, "Pusher.auth_callbacks['1']"},
		{"128 characters", "callback=" + strings.Repeat("x", 128) + fields, 200, strings.Repeat("x", 128)},
		{"129 characters", "callback=" + strings.Repeat("x", 129) + fields, 400, ""},
		{"no callback", fields, 400, ""},
		{"empty callback", "callback=" + fields, 400, ""},
		{"two callbacks", "callback=a&callback=b" + fields, 400, ""},
		{"call", "callback=alert(1)" + fields, 400, ""},
		{"two statements", "callback=a%3Bb" + fields, 400, ""},
		{"markup", "callback=%3Cscript%3E" + fields, 400, ""},
		{"line feed", "callback=a%0A" + fields, 400, ""},
		{"string as index", "callback=a%5B%27b%27%5D" + fields, 400, ""},
		{"digit first", "callback=1a" + fields, 400, ""},
		{"two dots", "callback=a..b" + fields, 400, ""},
		{"non-ASCII letter", "callback=%C3%A9" + fields, 400, ""},
		{"two channels", "callback=done&channel_name=presence-x" + fields, 400, ""},
		{"batch", "callback=done&socket_id=1234.1234&channel_name[0]=private-foobar", 400, ""},
		{"member after channel", "callback=done&socket_id=1.1&channel_name=presence-x:%7B%22user_id%22:%22admin%22%7D", 400, ""},
	}
	handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(allowAll, auth.WithJSONP())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(handler, http.MethodGet, "/pusher/auth?"+tt.query, "", "")
			response := "Bad Request\n"
			if tt.want == http.StatusOK {
				response = "/**/" + tt.callback + "(" + docsResponse + ");"
			}
			if got.Code != tt.want || got.Body.String() != response {
				t.Errorf("GET %s = %d %s, want %d %s", tt.query, got.Code, got.Body, tt.want, response)
			}
			if kind := got.Header().Get("Content-Type"); tt.want == http.StatusOK && kind != "application/javascript; charset=utf-8" {
				t.Errorf("GET %s has Content-Type: %q", tt.query, kind)
			}
			if got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("GET %s has headers %v, want nosniff and no-store", tt.query, got.Header())
			}
		})
	}

	if got := serve(handler, http.MethodPost, "/?callback=done", formType, "socket_id=1234.1234&channel_name=private-foobar"); got.Body.String() != docsResponse {
		t.Errorf("POST with a callback = %d %s, want JSON %s", got.Code, got.Body, docsResponse)
	}
	if got := serve(handler, http.MethodDelete, "/", "", ""); got.Header().Get("Allow") != "GET, POST" {
		t.Errorf("DELETE has Allow: %q, want GET, POST", got.Header().Get("Allow"))
	}
}

// The ID of a member must not end the script or the page around it.
func TestWithJSONP_Escaping(t *testing.T) {
	handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
		return &auth.Member{UserID: "</script>\u2028"}, nil
	}, auth.WithJSONP())
	got := serve(handler, http.MethodGet, "/?callback=f&socket_id=1.1&channel_name=presence-x", "", "")
	if got.Code != http.StatusOK || strings.ContainsAny(got.Body.String(), "<>\u2028") {
		t.Errorf("GET = %d %s, want a script without <, > and U+2028", got.Code, got.Body)
	}
}
