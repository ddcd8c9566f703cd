package pushertest_test

import (
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestClientEvents(t *testing.T) {
	s := newListeningServer(t)
	a, b := connect(t, s), connect(t, s)
	for id, c := range map[string]*wsClient{"1": a, "2": b} {
		c.send(subscribePrivate("private-x"), subscribePrivate("private-encrypted-x"))
		c.expect(subscribed("private-x"), subscribed("private-encrypted-x"))
		c.send(subscribePresence("presence-"+id, `{"user_id":"`+id+`"}`))
		c.next()
	}
	b.send(subscribePresence("presence-1", `{"user_id":"2"}`))
	b.next()
	a.next()

	a.send(`{"event":"client-foo","channel":"private-x","data":{"any":"json"}}`,
		`{"event":"client-foo","channel":"private-x","data":"text"}`,
		`{"event":"client-foo","channel":"private-encrypted-x","data":{"nonce":"","ciphertext":""}}`,
		`{"event":"client-foo","channel":"presence-1","data":null}`)
	b.expect(`{"event":"client-foo","channel":"private-x","data":{"any":"json"}}`,
		`{"event":"client-foo","channel":"private-x","data":"text"}`,
		`{"event":"client-foo","channel":"private-encrypted-x","data":{"nonce":"","ciphertext":""}}`,
		`{"event":"client-foo","channel":"presence-1","data":null,"user_id":"1"}`)
	a.expectNothing()
	checkEvents(t, s) // they are not triggered
}

// Source of the rate: Pusher Channels docs, "Client events".
func TestClientEvents_RateLimit(t *testing.T) {
	clock := newClock(time.Unix(1700000000, 0))
	s := newListeningServer(t, pushertest.WithClock(clock.Now))
	c := connect(t, s)
	c.send(subscribePrivate("private-x"))
	c.expect(subscribed("private-x"))
	const event = `{"event":"client-a","channel":"private-x","data":{}}`
	for range 2 {
		for range 10 {
			c.send(event)
		}
		c.expectNothing()
		c.send(event)
		c.expect(errorMessage("4301", "Client event rejected - at most 10 a second are allowed on a connection")) // text of this package
		clock.add(time.Second)
	}
	clock.add(-time.Hour) // a clock set back does not block events for an hour
	c.send(event)
	c.expectNothing()
}
