package pushertest_test

import (
	"fmt"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestPresence(t *testing.T) {
	const channel = "presence-x"
	s := newListeningServer(t)
	ada, grace1, grace2 := connect(t, s), connect(t, s), connect(t, s)
	roll := func(data string) string {
		return `{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":` + quote(`{"presence":`+data+`}`) + `}`
	}
	ada.send(subscribePresence(channel, `{"user_id":"ada","user_info":{"n":1}}`))
	ada.expect(roll(`{"ids":["ada"],"hash":{"ada":{"n":1}},"count":1}`))
	for _, grace := range []*wsClient{grace1, grace2} {
		grace.send(subscribePresence(channel, `{"user_id":"grace"}`))
		grace.expect(roll(`{"ids":["ada","grace"],"hash":{"ada":{"n":1},"grace":null},"count":2}`))
	}
	ada.expect(`{"event":"pusher_internal:member_added","channel":"presence-x","data":"{\"user_id\":\"grace\"}"}`)
	ada.expectNothing()
	checkGet(t, s, channels+"/presence-x/users", `{"users":[{"id":"ada"},{"id":"grace"}]}`)
	checkGet(t, s, channels+"?filter_by_prefix=presence-&info=user_count", `{"channels":{"presence-x":{"user_count":2}}}`)

	grace1.send(unsubscribe(channel))
	grace1.expectNothing()
	ada.expectNothing()
	if err := grace2.ws.Close(1000, ""); err != nil {
		t.Fatal(err)
	}
	ada.expect(`{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\"user_id\":\"grace\"}"}`)
	checkGet(t, s, channels+"/presence-x/users", `{"users":[{"id":"ada"}]}`)
}

func TestPresence_MaxMembers(t *testing.T) {
	s := newListeningServer(t)
	for i := range 100 {
		join(t, s, "presence-x", pushertest.AsMember(fmt.Sprint(i), nil))
	}
	join(t, s, "presence-x", pushertest.AsMember("99", nil)) // is a member already
	c := connect(t, s)
	c.send(subscribePresence("presence-x", `{"user_id":"100"}`))
	c.expect(errorMessage("null", "At most 100 members are allowed on a presence channel")) // text of this package
	checkGet(t, s, channels+"?filter_by_prefix=presence-&info=user_count", `{"channels":{"presence-x":{"user_count":100}}}`)
}
