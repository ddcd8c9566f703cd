package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/realtime"
)

func TestChannel_Trigger(t *testing.T) {
	server := newServer(t)
	alice, bob := server.connect(t), server.connect(t)
	from := subscribe(t, alice, "presence-x", realtime.WithMember(auth.Member{UserID: "alice"}))
	to := subscribe(t, bob, "presence-x", realtime.WithMember(auth.Member{UserID: "bob"}))
	for _, data := range []any{map[string]any{"html": "<b>"}, "text", `{"in":"a string"}`, 1.5, nil, []int{1}} {
		noError(t, "Trigger", from.Trigger(t.Context(), "client-typing", data))
	}
	for _, want := range []string{`{"html":"<b>"}`, "text", `{"in":"a string"}`, "1.5", "", "[1]"} {
		event := next(t, to, realtime.KindMessage)
		if event.Name != "client-typing" || event.Data != want || event.UserID != "alice" {
			t.Errorf("got %+v, want %s", event, want)
		}
	}
}

func TestChannel_Trigger_Invalid(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
		private, public := subscribed(t, conn, raw, "private-x"), subscribed(t, conn, raw, "public")
		tests := []struct {
			name    string
			channel *realtime.Channel
			event   string
			data    any
		}{
			{"public channel", public, "client-x", nil},
			{"name", private, "typing", nil},
			{"control characters", private, "client-\n", nil},
			{"long name", private, "client-" + strings.Repeat("x", 200), nil},
			{"data", private, "client-x", func() {}},
			{"large data", private, "client-x", strings.Repeat("x", 10_240)},
		}
		for _, tt := range tests {
			err := tt.channel.Trigger(t.Context(), tt.event, tt.data)
			if e := wantError(t, err, realtime.ErrInvalid); e.Op != "Trigger" || e.Channel != tt.channel.Name() {
				t.Errorf("%s: got %+v", tt.name, e)
			}
		}
		raw.expectNothing()
		server.fail(errors.New("down"))
		server.cut()
		next(t, conn, realtime.KindDisconnected)
		wantError(t, private.Trigger(t.Context(), "client-x", nil), realtime.ErrDisconnected)
		private.Unsubscribe()
		wantError(t, private.Trigger(t.Context(), "client-x", nil), realtime.ErrClosed)
	})
	t.Run("encrypted channel", func(t *testing.T) {
		server := newServer(t)
		channel := subscribe(t, server.connect(t), "private-encrypted-x")
		wantError(t, channel.Trigger(t.Context(), "client-x", nil), realtime.ErrInvalid)
	})
}

// Source: Pusher Channels docs, "Client events": 10 a second for a connection.
func TestChannel_Trigger_Rate(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
		first, second := subscribed(t, conn, raw, "private-a"), subscribed(t, conn, raw, "private-b")
		var times []time.Time
		for n := range 45 {
			channel := []*realtime.Channel{first, second}[n%2]
			noError(t, "Trigger", channel.Trigger(t.Context(), fmt.Sprint("client-", n), n))
			if data := raw.expect(fmt.Sprint("client-", n)); data != fmt.Sprint(n) {
				t.Errorf("sent %s", data)
			}
			times = append(times, time.Now())
		}
		for n := 10; n < len(times); n++ {
			if d := times[n].Sub(times[n-10]); d <= time.Second {
				t.Errorf("11 events in %v", d)
			}
		}
		if d := times[44].Sub(times[0]); d > 5*time.Second {
			t.Errorf("45 events took %v", d)
		}
		for range 5 {
			noError(t, "Trigger", first.Trigger(t.Context(), "client-x", nil))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		wantError(t, first.Trigger(ctx, "client-x", nil), realtime.ErrRateLimited)
		if d := time.Since(began); d != 0 {
			t.Errorf("Trigger returned after %v, want at once, because the deadline is too early", d)
		}
		cancelable, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, stop)
		err := first.Trigger(cancelable, "client-x", nil)
		wantError(t, err, realtime.ErrRateLimited)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want also the error of the context", err)
		}
	})
}
