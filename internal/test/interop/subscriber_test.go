//go:build interop

package interop_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"testing"
)

// Values of scriptEvent.Channel that are not channels.
const (
	connection       = ""           // events of the connection
	userChannel      = "#user"      // events for the signed-in user
	watchlistChannel = "#watchlist" // events about the users on the watchlist
)

// A subscriber is a client of pusher-js.
type subscriber struct {
	t        *testing.T
	script   *script
	user     string
	client   string // name of the client, because a user may have several
	socketID string
	next     map[[2]string]int // index at which to look for the next event, by channel and name
}

// connect connects a client of pusher-js and waits until it is connected.
func connect(t *testing.T, env *environment, user string) *subscriber {
	t.Helper()
	s := startConnecting(t, env, env.app.Key, user, channelAuthorization(env, user))
	s.waitConnected()
	return s
}

// waitConnected waits until the client is connected and stores its socket ID.
func (s *subscriber) waitConnected() {
	s.t.Helper()
	if err := json.Unmarshal(s.expect(connection, "connected").Data, &s.socketID); err != nil {
		s.t.Fatalf("%s: decode socket ID: %v", s.user, err)
	}
}

// channelAuthorization returns the options of pusher-js for the backend's endpoint.
func channelAuthorization(env *environment, user string) map[string]any {
	return map[string]any{"channelAuthorization": map[string]string{"transport": "ajax", "endpoint": env.backend.endpoint("/pusher/auth", user)}}
}

func (b *backend) endpoint(path, user string) string {
	return b.URL + path + "?user=" + url.QueryEscape(user)
}

// startConnecting creates a client of pusher-js without waiting for its connection.
func startConnecting(t *testing.T, env *environment, key, user string, authorization map[string]any) *subscriber {
	t.Helper()
	base, err := url.Parse(env.url)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(base.Port())
	if err != nil {
		t.Fatal(err)
	}
	options := map[string]any{
		"cluster": "", "wsHost": base.Hostname(), "wsPort": port, "forceTLS": false, "enabledTransports": []string{"ws"},
		"userAuthentication": map[string]string{"transport": "ajax", "endpoint": env.backend.endpoint("/pusher/user-auth", user)},
	}
	maps.Copy(options, authorization)
	env.pusherJS.clients++
	s := &subscriber{t: t, script: env.pusherJS, user: user, client: fmt.Sprintf("%s-%d", user, env.pusherJS.clients), next: map[[2]string]int{}}
	s.call("connect", map[string]any{"key": key, "options": options}, nil)
	t.Cleanup(func() {
		if s.script.t.Context().Err() == nil { // otherwise the script has exited
			s.call("disconnect", map[string]any{}, nil)
		}
	})
	return s
}

func (s *subscriber) call(command string, args map[string]any, result any) {
	s.t.Helper()
	args["client"] = s.client
	s.script.mustCall(command, args, result)
}

// subscribe subscribes to a channel and waits until the subscription has succeeded.
func (s *subscriber) subscribe(channel string) scriptEvent {
	s.t.Helper()
	s.requestSubscription(channel)
	return s.expect(channel, "pusher:subscription_succeeded")
}

// requestSubscription subscribes to channels at once, without waiting.
func (s *subscriber) requestSubscription(channels ...string) {
	s.t.Helper()
	s.call("subscribe", map[string]any{"channels": channels}, nil)
}

func (s *subscriber) unsubscribe(channel string) {
	s.t.Helper()
	s.call("unsubscribe", map[string]any{"channel": channel}, nil)
}

// bind makes the script report client events with this name.
func (s *subscriber) bind(channel, event string) {
	s.t.Helper()
	s.call("bind", map[string]any{"channel": channel, "event": event}, nil)
}

// send sends a client event.
func (s *subscriber) send(channel, event string, data any) {
	s.t.Helper()
	var sent bool
	if s.call("send", map[string]any{"channel": channel, "event": event, "data": data}, &sent); !sent {
		s.t.Fatalf("%s: pusher-js did not send %s on %s", s.user, event, channel)
	}
}

// signIn signs the user in and waits until events for the user are delivered.
func (s *subscriber) signIn() {
	s.t.Helper()
	s.requestSignIn()
	s.expect(userChannel, "pusher:subscription_succeeded")
}

// requestSignIn is like signIn without waiting.
func (s *subscriber) requestSignIn() {
	s.t.Helper()
	s.call("signIn", map[string]any{}, nil)
}

// expect waits for the next event with one of these names.
func (s *subscriber) expect(channel string, events ...string) scriptEvent {
	s.t.Helper()
	i, err := s.script.events.wait(s.t.Context(), func(i int, e scriptEvent) bool {
		return slices.ContainsFunc(events, func(event string) bool { return s.isNext(i, e, channel, event) })
	})
	all, _ := s.script.events.all()
	if err != nil {
		for _, e := range all {
			if e.Client == s.client {
				s.t.Logf("%s received %s on %q: %s", e.Client, e.Event, e.Channel, e.Data)
			}
		}
		s.t.Fatalf("%s: wait for %q on %q: %v", s.user, events, channel, err)
	}
	s.next[[2]string{channel, all[i].Event}] = i + 1
	return all[i]
}

// expectData is like expect and compares the data with this JSON.
func (s *subscriber) expectData(channel, event, want string) scriptEvent {
	s.t.Helper()
	e := s.expect(channel, event)
	if normalizeJSON(s.t, string(e.Data)) != normalizeJSON(s.t, want) {
		s.t.Errorf("%s: data of %s on %q: got %s, want %s", s.user, event, channel, e.Data, want)
	}
	return e
}

// has reports whether there is an event that expect has not returned yet. A server
// delivers events in order, so to test that there is none, expect a later event first.
func (s *subscriber) has(channel, event string) bool {
	all, _ := s.script.events.all()
	for i, e := range all {
		if s.isNext(i, e, channel, event) {
			return true
		}
	}
	return false
}

// isNext reports whether e, with index i, has this name and channel and was not
// returned by expect before.
func (s *subscriber) isNext(i int, e scriptEvent, channel, event string) bool {
	return e.Client == s.client && e.Channel == channel && e.Event == event && i >= s.next[[2]string{channel, event}]
}
