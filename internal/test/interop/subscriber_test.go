//go:build interop

package interop_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"testing"
)

// A report is something that a client of pusher-js heard, see scripts/pusherjs.cjs.
type report struct {
	Client, Channel, Event string
	Data                   json.RawMessage
	User                   string // who sent a client event, on a presence channel
}

const (
	connection    = ""           // as the channel: the connection's own events
	signedInUser  = "#user"      // what is sent to the signed-in user
	userWatchlist = "#watchlist" // who of the watchlist comes and goes
)

// A subscriber is one client of pusher-js.
type subscriber struct {
	t        *testing.T
	script   *script
	name     string // of the user
	client   string // the user may have several
	socketID string
	seen     map[[2]string]int // where to look for the next of a channel and event
}

// connect has pusher-js connect to a server and waits until it has.
func connect(t *testing.T, w *world, name string) *subscriber {
	t.Helper()
	s := open(t, w, w.app.Key, name)
	if err := json.Unmarshal([]byte(s.expect(connection, "connected").Data), &s.socketID); err != nil {
		t.Fatalf("%s: its socket ID: %v", name, err)
	}
	return s
}

// open has pusher-js try to connect.
func open(t *testing.T, w *world, key, name string) *subscriber {
	t.Helper()
	base, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(base.Port())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := func(path string) map[string]string {
		return map[string]string{"transport": "ajax", "endpoint": w.backend.URL + path + "?user=" + url.QueryEscape(name)}
	}
	w.opened++
	s := &subscriber{t: t, script: w.js, name: name, client: fmt.Sprintf("%s-%d", name, w.opened), seen: map[[2]string]int{}}
	s.do("connect", map[string]any{"key": key, "options": map[string]any{
		"cluster": "", "wsHost": base.Hostname(), "wsPort": port, "forceTLS": false, "enabledTransports": []string{"ws"},
		"channelAuthorization": endpoint("/pusher/auth"), "userAuthentication": endpoint("/pusher/user-auth"),
	}}, nil)
	t.Cleanup(func() {
		if w.js.t.Context().Err() == nil { // else it is gone, clients and all
			s.do("disconnect", map[string]any{}, nil)
		}
	})
	return s
}

func (s *subscriber) do(command string, with map[string]any, result any) {
	s.t.Helper()
	with["client"] = s.client
	s.script.must(command, with, result)
}

// subscribe waits until the server has accepted the subscription.
func (s *subscriber) subscribe(channel string) report {
	s.t.Helper()
	s.ask(channel)
	return s.expect(channel, "pusher:subscription_succeeded")
}

// ask is subscribe without waiting.
func (s *subscriber) ask(channel string) {
	s.t.Helper()
	s.do("subscribe", map[string]any{"channel": channel}, nil)
}

func (s *subscriber) unsubscribe(channel string) {
	s.t.Helper()
	s.do("unsubscribe", map[string]any{"channel": channel}, nil)
}

// bind has client events of this name reported.
func (s *subscriber) bind(channel, event string) {
	s.t.Helper()
	s.do("bind", map[string]any{"channel": channel, "event": event}, nil)
}

// send is a client event.
func (s *subscriber) send(channel, event string, data any) {
	s.t.Helper()
	var sent bool
	if s.do("send", map[string]any{"channel": channel, "event": event, "data": data}, &sent); !sent {
		s.t.Fatalf("%s did not send %s on %s", s.name, event, channel)
	}
}

// signIn waits until what is sent to the user reaches the client.
func (s *subscriber) signIn() {
	s.t.Helper()
	s.do("signin", map[string]any{}, nil)
	s.expect(signedInUser, "pusher:subscription_succeeded")
}

// expect waits for the next report of this event, or of one of these events.
func (s *subscriber) expect(channel string, events ...string) report {
	s.t.Helper()
	i, err := s.script.reports.wait(s.t.Context(), func(i int, r report) bool {
		return slices.ContainsFunc(events, func(event string) bool { return s.isNew(i, r, channel, event) })
	})
	all, _ := s.script.reports.all()
	if err != nil {
		for _, r := range all {
			if r.Client != s.client {
				continue
			}
			s.t.Logf("%s heard %s on %q: %s", r.Client, r.Event, r.Channel, r.Data)
		}
		s.t.Fatalf("%s: waiting for %q on %q: %v", s.name, events, channel, err)
	}
	s.seen[[2]string{channel, all[i].Event}] = i + 1
	return all[i]
}

// expectData is expect for an event with this JSON.
func (s *subscriber) expectData(channel, event, want string) report {
	s.t.Helper()
	r := s.expect(channel, event)
	if tidyJSON(s.t, string(r.Data)) != tidyJSON(s.t, want) {
		s.t.Errorf("%s: %s on %q: got the data %s, want %s", s.name, event, channel, r.Data, want)
	}
	return r
}

// has tells whether there is a report of this event that was not expected before.
// A server keeps events in order, so that once a later one has come the answer
// no longer changes.
func (s *subscriber) has(channel, event string) bool {
	all, _ := s.script.reports.all()
	for i, r := range all {
		if s.isNew(i, r, channel, event) {
			return true
		}
	}
	return false
}

// isNew tells whether report i is one of this event that was not expected before.
func (s *subscriber) isNew(i int, r report, channel, event string) bool {
	return r.Client == s.client && r.Channel == channel && r.Event == event && i >= s.seen[[2]string{channel, event}]
}
