package pushertest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestServer_Connections(t *testing.T) {
	clock := newClock(time.Unix(1353088179, 0))
	s := newListeningServer(t, pushertest.WithClock(clock.Now))
	if got := s.Connections(); len(got) != 0 {
		t.Errorf("Connections() = %+v, want none", got)
	}
	first := connect(t, s)
	clock.add(time.Second)
	second := join(t, s, "presence-lobby", pushertest.AsUser("ada"))
	first.send(subscribe("news"))
	first.expect(subscribed("news"))
	first.send(subscribe("blog"))
	first.expect(subscribed("blog"))

	got := s.Connections()
	want := []pushertest.Connection{
		{SocketID: first.socketID, Client: "js", Channels: []string{"blog", "news"}, Opened: time.Unix(1353088179, 0)},
		{SocketID: second.SocketID(), UserID: "ada", Channels: []string{"presence-lobby"}, Opened: time.Unix(1353088180, 0)},
	}
	if !slices.EqualFunc(got, want, func(a, b pushertest.Connection) bool {
		return a.SocketID == b.SocketID && a.Client == b.Client && a.UserID == b.UserID && a.Opened.Equal(b.Opened) && slices.Equal(a.Channels, b.Channels)
	}) {
		t.Errorf("Connections() = %+v, want %+v", got, want)
	}

	second.Close()
	if got := s.Connections(); len(got) != 1 || got[0].SocketID != first.socketID {
		t.Errorf("Connections() = %+v after the second was closed, want the first", got)
	}
}
