package realtime_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/realtime"
)

const (
	encryptedChannel = "private-encrypted-bla"
	otherMasterKey   = "VGhlIDMyIGNoYXJzIGxvbmcgZW5jcnlwdGlvbiBrZXk="
)

// encrypted returns a message with an event that is encrypted with a master key.
func encrypted(t testing.TB, masterKey, event, data string) string {
	t.Helper()
	key, err := encryption.ParseMasterKey(masterKey)
	noError(t, "ParseMasterKey", err)
	text, err := key.Encrypt(encryptedChannel, []byte(data))
	noError(t, "Encrypt", err)
	return message(encryptedChannel, event, string(text))
}

func sharedSecret(t testing.TB, masterKey string) string {
	t.Helper()
	key, err := encryption.ParseMasterKey(masterKey)
	noError(t, "ParseMasterKey", err)
	return fmt.Sprintf(`{"auth":"key:signature","shared_secret":%q}`, key.SharedSecret(encryptedChannel))
}

// If the app replaces its master key, subscribers request the key of the channel again.
func TestChannel_Encrypted(t *testing.T) {
	tests := []struct {
		name string
		run  func(*testing.T, *rawServer, *fakeApp, *realtime.Conn, *realtime.Channel, *rawConn)
	}{
		{"replaced key", func(t *testing.T, _ *rawServer, app *fakeApp, _ *realtime.Conn, channel *realtime.Channel, raw *rawConn) {
			app.set(respond(200, sharedSecret(t, otherMasterKey)))
			for n := range 20 {
				raw.send(encrypted(t, otherMasterKey, fmt.Sprint("new-", n), "Hello!"))
			}
			for n := range 20 {
				if event := next(t, channel, realtime.KindMessage); event.Name != fmt.Sprint("new-", n) || event.Data != "Hello!" || event.Dropped != 0 {
					t.Fatalf("event %d: got %+v", n, event)
				}
			}
			if n := len(app.requests); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			raw.expectNothing()
		}},
		{"endpoint still has the old key", func(t *testing.T, _ *rawServer, _ *fakeApp, _ *realtime.Conn, channel *realtime.Channel, raw *rawConn) {
			raw.send(encrypted(t, otherMasterKey, "lost", "1"))
			time.Sleep(time.Second)
			raw.send(encrypted(t, masterKey, "next", "2"))
			if event := next(t, channel, realtime.KindMessage); event.Name != "next" || event.Dropped != 1 {
				t.Errorf("got %+v", event)
			}
		}},
		{"endpoint fails", func(t *testing.T, _ *rawServer, app *fakeApp, conn *realtime.Conn, channel *realtime.Channel, raw *rawConn) {
			app.set(respond(403, "no"))
			raw.send(encrypted(t, otherMasterKey, "lost", "1"))
			if event := next(t, conn, realtime.KindError); event.Err.Status != 403 {
				t.Errorf("got %+v", event)
			}
			raw.send(encrypted(t, masterKey, "next", "2")) // the subscription has not ended
			if event := next(t, channel, realtime.KindMessage); event.Name != "next" || event.Dropped != 1 {
				t.Errorf("got %+v", event)
			}
		}},
		{"not encrypted", func(t *testing.T, _ *rawServer, app *fakeApp, _ *realtime.Conn, channel *realtime.Channel, raw *rawConn) {
			raw.send(message(encryptedChannel, "plain", "text"), message(encryptedChannel, "plain", `{"nonce":"AA==","ciphertext":"AA=="}`), encrypted(t, masterKey, "next", "2"))
			if event := next(t, channel, realtime.KindMessage); event.Name != "next" || event.Dropped != 2 {
				t.Errorf("got %+v", event)
			}
			if len(app.requests) != 0 {
				t.Error("a key was requested for data that is not encrypted")
			}
		}},
		{"connection lost meanwhile", func(t *testing.T, server *rawServer, app *fakeApp, _ *realtime.Conn, channel *realtime.Channel, raw *rawConn) {
			app.set(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second)
				respond(200, sharedSecret(t, otherMasterKey))(w, r)
			})
			raw.send(encrypted(t, otherMasterKey, "held", "1"))
			time.Sleep(time.Second / 2)
			server.cut()
			server.accept().confirm(encryptedChannel)
			if event := next(t, channel, realtime.KindMessage); event.Name != "held" || event.Data != "1" {
				t.Errorf("got %+v", event)
			}
			next(t, channel, realtime.KindGap)
		}},
		{"many held events", func(t *testing.T, _ *rawServer, app *fakeApp, _ *realtime.Conn, channel *realtime.Channel, raw *rawConn) {
			app.set(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second)
				respond(200, sharedSecret(t, otherMasterKey))(w, r)
			})
			for n := range 30 {
				raw.send(encrypted(t, otherMasterKey, fmt.Sprint(n), strings.Repeat("x", 60_000)))
			}
			event := next(t, channel, realtime.KindMessage) // 1 MiB holds 13 of 80,000 bytes
			if event.Dropped != 17 || event.Name != "17" {
				t.Errorf("got event %s, %d dropped", event.Name, event.Dropped)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				app, opts := newApp(t, server)
				app.set(respond(200, sharedSecret(t, masterKey)))
				conn, raw := server.connect(opts...)
				channel := subscribed(t, conn, raw, encryptedChannel)
				<-app.requests
				raw.send(encrypted(t, masterKey, "first", `{"a":1}`))
				if event := next(t, channel, realtime.KindMessage); event.Name != "first" || event.Data != `{"a":1}` {
					t.Fatalf("got %+v", event)
				}
				tt.run(t, server, app, conn, channel, raw)
			})
		})
	}
}
