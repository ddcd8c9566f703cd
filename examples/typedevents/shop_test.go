package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/examples/typedevents/events"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

func TestSetPrice(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		t.Fatal(err)
	}
	want := events.Price{Product: "tea", Cents: 349}
	if err := setPrice(t.Context(), client, want); err != nil {
		t.Fatal(err)
	}

	published := server.Events()
	if len(published) != 1 || published[0].Name != "price-changed" {
		t.Fatalf("published %+v, want one event price-changed", published)
	}
	if got, err := events.PriceChanged.Decode(published[0].Data); err != nil || got != want {
		t.Errorf("Decode(%q) = %+v, %v, want %+v", published[0].Data, got, err, want)
	}
}

func TestWebhookHandler(t *testing.T) {
	const key, secret = "278d425bdf160c739803", "7ad3773142a6692b25b8"
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: key, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, event, data, want string }{
		{"typing", "client-typing", `{\"on\":true}`, "ada true"},
		{"another event", "client-moved", `{\"x\":1}`, ""},
		{"another type", "client-typing", `{\"on\":\"yes\"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			handler := webhookHandler(client, func(userID string, typing events.Typing) {
				got = userID + map[bool]string{true: " true", false: " false"}[typing.On]
			})
			body := `{"time_ms":1327078148132,"events":[{"name":"client_event","channel":"presence-chat","event":"` +
				tt.event + `","data":"` + tt.data + `","socket_id":"1234.1234","user_id":"ada"}]}`
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header = webhook.SignedHeader(key, secret, []byte(body))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusOK || got != tt.want {
				t.Errorf("status is %d and the handler received %q, want 200 and %q", w.Code, got, tt.want)
			}
		})
	}
}
