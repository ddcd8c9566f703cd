package pushertest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestWatchlist(t *testing.T) {
	s := newListeningServer(t)
	watcher, ada1, ada2 := connect(t, s), connect(t, s), connect(t, s)
	ada1.send(signIn(`{"id":"ada"}`))
	ada1.expect(signedIn(`{"id":"ada"}`))
	const data = `{"id":"w","watchlist":["ada","grace","ada"]}`
	watcher.send(signIn(data))
	watcher.expect(signedIn(data), watchlist(`{"name":"online","user_ids":["ada"]},{"name":"offline","user_ids":["grace"]}`))

	ada2.send(signIn(`{"id":"ada"}`))
	ada2.expect(signedIn(`{"id":"ada"}`))
	_ = ada1.ws.CloseNow()
	watcher.expectNothing()
	_ = ada2.ws.CloseNow()
	watcher.expect(watchlist(`{"name":"offline","user_ids":["ada"]}`))
	grace := connect(t, s)
	grace.send(signIn(`{"id":"grace","watchlist":["w"]}`))
	grace.expect(signedIn(`{"id":"grace","watchlist":["w"]}`), watchlist(`{"name":"online","user_ids":["w"]}`))
	watcher.expect(watchlist(`{"name":"online","user_ids":["grace"]}`))
	_ = watcher.ws.CloseNow()
	grace.expect(watchlist(`{"name":"offline","user_ids":["w"]}`))
}

// Source: Pusher Channels docs, "Watchlist events" and error code 4302.
func TestWatchlist_MaxUsers(t *testing.T) {
	s := newListeningServer(t)
	c := connect(t, s)
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"u%d"`, i)
	}
	data := `{"id":"w","watchlist":[` + strings.Join(ids, ",") + `]}`
	c.send(signIn(data))
	c.expect(signedIn(data), errorMessage("4302", "Only the first 100 users of the watchlist are watched"), // text of this package
		watchlist(`{"name":"offline","user_ids":[`+strings.Join(ids[:100], ",")+`]}`))
	for id, online := range map[string]bool{"u99": true, "u100": false} {
		join(t, s, "c", pushertest.AsUser(id))
		if online {
			c.expect(watchlist(`{"name":"online","user_ids":["` + id + `"]}`))
		}
	}
	c.expectNothing()
}
