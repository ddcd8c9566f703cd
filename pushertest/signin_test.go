package pushertest_test

import (
	"net/http"
	"testing"
)

func TestSignin_UserChannel(t *testing.T) {
	s := newListeningServer(t)
	one, two := connect(t, s), connect(t, s)
	for id, c := range map[string]*wsClient{"1": one, "2": two} {
		c.send(signIn(`{"id":"`+id+`"}`), subscribe("#server-to-user-"+id))
		c.expect(signedIn(`{"id":"`+id+`"}`), subscribed("#server-to-user-"+id))
	}
	trigger(t, s, `{"name":"n","channel":"#server-to-user-1","data":"d"}`)
	one.expect(`{"event":"n","channel":"#server-to-user-1","data":"d"}`)
	two.expectNothing()
	checkGet(t, s, channels, `{"channels":{}}`)
}

func TestTerminateUserConnections(t *testing.T) {
	s := newListeningServer(t)
	var signedInTwice [2]*wsClient
	for i := range signedInTwice {
		signedInTwice[i] = connect(t, s)
		signedInTwice[i].send(signIn(`{"id":"1"}`), subscribe("c"))
		signedInTwice[i].expect(signedIn(`{"id":"1"}`), subscribed("c"))
	}
	member, other := connect(t, s), connect(t, s)
	member.send(subscribePresence("presence-x", `{"user_id":"1"}`))
	member.next()
	other.send(signIn(`{"id":"2"}`))
	other.expect(signedIn(`{"id":"2"}`))

	if status, text := call(t, s, http.MethodPost, "/apps/3/users/1/terminate_connections", "{}"); status != 200 {
		t.Fatalf("POST = %d %q, want 200", status, text)
	}
	checkGet(t, s, channels, `{"channels":{"presence-x":{}}}`)
	for _, c := range signedInTwice {
		c.expectClose(4009, "You got disconnected by the app.") // soketi's code and text
	}
	member.expectNothing()
	other.expectNothing()
}
