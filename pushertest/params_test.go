package pushertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// Pusher's libraries do not escape the characters of a channel name. Go's url.PathEscape
// does.
func TestAPI_EscapedChannelNames(t *testing.T) {
	s := newServer(t)
	populate(t, s)
	for _, path := range []string{"/foo-bar_1234@=,.;", "/foo-bar_1234@=%2C.%3B", "/%66oo-bar_1234%40%3d%2c%2e%3b"} {
		r := sign(t, s, newRequest(http.MethodGet, channels+"/foo-bar_1234@=,.;", ""), time.Time{})
		r.URL.RawPath = channels + path
		r.RequestURI = r.URL.RequestURI()
		status, text := send(t, s, r)
		if want := "{\"occupied\":true}\n"; status != 200 || text != want {
			t.Errorf("GET %s = %d %q, want 200 %q", path, status, text, want)
		}
	}
}

func TestAPI_ParametersInQuery(t *testing.T) {
	tests := []struct {
		name, query, body string
		want              pushertest.Event
	}{
		{"all", "?name=n&channel=c&data=%7B%7D&socket_id=1.2&info=user_count", "",
			pushertest.Event{Channel: "c", Name: "n", Data: "{}", SocketID: "1.2", Info: "user_count"}},
		{"list", "?name=n&channels[]=c&data=d", "",
			pushertest.Event{Channel: "c", Name: "n", Data: "d"}},
		{"body takes precedence", "?name=ignored&channels[]=c", `{"name":"n","data":"d"}`,
			pushertest.Event{Channel: "c", Name: "n", Data: "d"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			if status, text := call(t, s, http.MethodPost, events+test.query, test.body); status != 200 {
				t.Fatalf("POST %s%s %s = %d %q, want 200", events, test.query, test.body, status, text)
			}
			checkEvents(t, s, test.want)
		})
	}
}

// These requests deviate from the OpenAPI document, see the package documentation.
func TestAPI_Lenient(t *testing.T) {
	tests := []struct{ name, contentType, method, target, body, want string }{
		{"no content type", "", "POST", events, docsBody, `{}`},
		{"content type of curl", "application/x-www-form-urlencoded", "POST", events, docsBody, `{}`},
		{"content type of a query", "text/plain", "POST", events + "?name=foo&channel=project-3&data=d", "", `{}`},
		{"empty info and socket ID", "application/json", "POST", events, `{"name":"n","channel":"c","data":"d","info":"","socket_id":""}`, `{}`},
		{"empty info and socket ID in a batch", "application/json", "POST", batch, `{"batch":[{"name":"n","channel":"c","data":"d","info":"","socket_id":""}]}`, `{}`},
		{"empty info of a channel", "", "GET", channels + "/c?info=", "", `{"occupied":false}`},
		{"empty info of all channels", "", "GET", channels + "?info=", "", `{"channels":{}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			r := newRequest(test.method, test.target, test.body)
			r.Header.Del("Content-Type")
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, sign(t, s, r, time.Time{}))
			if w.Code != 200 || w.Body.String() != test.want+"\n" {
				t.Errorf("%s %s = %d %q, want 200 %q", test.method, test.target, w.Code, w.Body, test.want+"\n")
			}
			if got := s.Events(); test.method == "POST" && (len(got) != 1 || got[0].Info != "" || got[0].SocketID != "") {
				t.Errorf("Events() = %+v, want one without info and socket ID", got)
			}
		})
	}
}

func TestAPI_MaxBodyBytes(t *testing.T) {
	s := newServer(t)
	status, text := call(t, s, http.MethodPost, batch, strings.Repeat(" ", 778241))
	if want := "The body exceeds the allowed maximum (778240 bytes)\n"; status != 413 || text != want {
		t.Errorf("POST of 778,241 bytes = %d %q, want 413 %q", status, text, want)
	}
}

func TestAPI_UnreadableBody(t *testing.T) {
	s := newServer(t)
	r := sign(t, s, newRequest(http.MethodPost, events, docsBody), time.Time{})
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{}))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("POST of a broken body = %d %q, want 400", w.Code, w.Body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
