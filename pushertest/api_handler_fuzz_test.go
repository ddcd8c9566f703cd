package pushertest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/pushertest"
)

// FuzzTrigger checks that a signed request is either accepted or rejected with one line
// of text, and that every recorded event is valid.
func FuzzTrigger(f *testing.F) {
	f.Add(false, "", docsBody)
	f.Add(false, "name=n&channels[]=c&data=d", "")
	f.Add(false, "name=n&channel=c;d", `{"data":"d","info":"user_count"}`)
	f.Add(false, "", `{"name":"n","ſocket_id":"1.2","channel":"c","data":"d"}`)
	f.Add(false, "", `{"name":"n","channels":[null,{}],"data":"d","socket_id":null}`)
	f.Add(true, "", `{"batch":[{"name":"n","channel":"c","data":"d"},null,[],1]}`)
	f.Add(true, "", `{"batch":[{"name":"n","channel":"c","data":"d","DATA":1}]}`)
	f.Add(true, "%0A=", "")
	f.Add(true, "a=1&b", `{"batch":1e999}`)
	f.Fuzz(func(t *testing.T, isBatch bool, query, body string) {
		path := events
		if isBatch {
			path = batch
		}
		s := newServer(t)
		r := newRequest(http.MethodPost, path, body)
		r.URL.RawQuery = query
		if newSigner(t, s).Edit(t.Context(), r) != nil {
			return // no client can send it
		}
		r.RequestURI = r.URL.RequestURI()

		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case 200:
			checkRecorded(t, s.Events())
		case 400, 413:
			if text := w.Body.String(); strings.Count(text, "\n") != 1 || len(s.Events()) != 0 {
				t.Errorf("POST %s?%s %q = %d %q with %d events, want one line and none", path, query, body, w.Code, text, len(s.Events()))
			}
		default:
			t.Errorf("POST %s?%s %q = %d %q, want 200, 400 or 413", path, query, body, w.Code, w.Body)
		}
	})
}

func checkRecorded(t *testing.T, events []pushertest.Event) {
	t.Helper()
	if len(events) == 0 {
		t.Error("200 and no event")
	}
	for _, event := range events {
		channel, isUser := strings.CutPrefix(event.Channel, protocol.UserChannelPrefix)
		check := protocol.CheckChannel
		if isUser {
			check = protocol.CheckUserID
		}
		if err := check(channel); err != nil {
			t.Errorf("recorded %+v: %v", event, err)
		}
		if err := protocol.CheckEventName(event.Name); err != nil {
			t.Errorf("recorded %+v: %v", event, err)
		}
		if event.SocketID != "" && !strings.Contains(event.SocketID, ".") {
			t.Errorf("recorded %+v, whose socket ID has no dot", event)
		}
	}
}
