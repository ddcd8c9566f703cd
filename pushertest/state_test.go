package pushertest

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A testTransport records the messages to a client.
type testTransport struct {
	messages []string
	code     int // of the close frame
}

func (t *testTransport) send(message []byte)      { t.messages = append(t.messages, string(message)) }
func (t *testTransport) close(code int, _ string) { t.code = code }

func newTestState(t *testing.T, opts ...Option) *state {
	t.Helper()
	s, err := New(append(opts, WithTestLog(t))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.state
}

// receive sends a message and returns the response of the state.
func receive(t *testing.T, s *state, c *client, text string) {
	t.Helper()
	if _, err := s.receive(c, []byte(text)); err != nil {
		t.Fatalf("receive(%s) = %v, want nil", text, err)
	}
}

func subscribeTo(channel string) string {
	return `{"event":"pusher:subscribe","data":{"channel":"` + channel + `"}}`
}

func signInAs(s *state, c *client, userData string) string {
	auth := s.app.Key + ":" + s.secret.Sign([]byte(c.socketID+"::user::"+userData))
	return jsonText(map[string]any{"event": eventSignin, "data": map[string]string{"auth": auth, "user_data": userData}})
}

// A client may send messages until it has received its close frame.
func TestState_MessageAfterRemoval(t *testing.T) {
	s := newTestState(t)
	transport := &testTransport{}
	c := s.connect(transport, "", false)
	receive(t, s, c, signInAs(s, c, `{"id":"1"}`))
	receive(t, s, c, subscribeTo("a"))
	s.terminate("1")
	before := len(transport.messages)
	for _, text := range []string{subscribeTo("b"), signInAs(s, c, `{"id":"1"}`), `{"event":"pusher:ping"}`, `{"event":"pusher:nothing"}`} {
		receive(t, s, c, text)
	}
	s.disconnect(c) // when its connection has ended
	if transport.code != codeUnauthorized || len(transport.messages) != before {
		t.Errorf("after the removal: close code %d, messages %q, want %d and no message", transport.code, transport.messages[before:], codeUnauthorized)
	}
	if len(s.clients)+len(s.channels)+len(s.online) != 0 {
		t.Errorf("after the removal: clients %v, channels %v, online %v, want none", s.clients, s.channels, s.online)
	}
}

func TestState_WatchersAfterSignOut(t *testing.T) {
	s := newTestState(t)
	transport := &testTransport{}
	watcher, user := s.connect(transport, "", false), s.connect(&testTransport{}, "", false)
	receive(t, s, watcher, signInAs(s, watcher, `{"id":"w","watchlist":["u","v"]}`))
	s.disconnect(watcher)
	before := len(transport.messages)
	receive(t, s, user, signInAs(s, user, `{"id":"u"}`))
	if got := transport.messages[before:]; len(got) != 0 {
		t.Errorf("messages to a watcher that has signed out: %q, want none", got)
	}
	if len(s.watchers) != 0 {
		t.Errorf("watchers = %v, want none", s.watchers)
	}
}

func TestState_ChannelDiscardedAfterCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestState(t)
		var clients []*client
		for range manySubscribers + 1 {
			c := s.connect(&testTransport{}, "", false)
			receive(t, s, c, subscribeTo("c"))
			clients = append(clients, c)
		}
		for _, c := range clients {
			s.disconnect(c)
		}
		channels := func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.channels)
		}
		if got := channels(); got != 1 {
			t.Errorf("%d channels while the count is due, want 1", got)
		}
		time.Sleep(countInterval)
		synctest.Wait()
		if got := channels(); got != 0 {
			t.Errorf("%d channels after the count was sent, want 0", got)
		}
	})
}

func TestState_MaxSubscriptions(t *testing.T) {
	s := newTestState(t, WithSubscriptionCounting(false))
	transport := &testTransport{}
	c := s.connect(transport, "", false)
	for i := range 10_000 {
		receive(t, s, c, subscribeTo(fmt.Sprintf("channel-%d", i)))
	}
	_, err := s.receive(c, []byte(subscribeTo("channel-10000")))
	if want := "At most 10000 subscriptions are allowed on a connection"; err == nil || err.Error() != want {
		t.Errorf("the 10,001st subscription: %v, want %q", err, want)
	}
	s.trigger([]Event{{Channel: "channel-9999", Name: "n", Data: "d"}})
	if last := transport.messages[len(transport.messages)-1]; !strings.Contains(last, `"channel-9999"`) {
		t.Errorf("the last message is %s, want the event on the 10,000th channel", last)
	}
}
