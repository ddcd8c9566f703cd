package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// A story is told chapter by chapter; each prints what happened and fails if that
// is not what should have.
type story struct {
	ctx    context.Context
	client *pusher.Client
	server *pushertest.Server // nil with PUSHER_URL
}

type chapter struct {
	title string
	tell  func() error
}

func (s *story) chapters() []chapter {
	return []chapter{
		{"Trigger", s.trigger},
		{"Query", s.query},
		{"Authorize", s.authorize},
		{"Receive webhooks", s.receive},
		{"Publish a lot", s.publish},
		{"Errors", s.fail},
	}
}

func say(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

type price struct {
	Product string `json:"product"`
	Cents   int    `json:"cents"`
}

func (s *story) trigger() error {
	before := s.recorded()
	data := price{Product: "tea", Cents: 349}

	if _, err := s.client.Trigger(s.ctx, "prices", "changed", data); err != nil {
		return err
	}
	say("one event on the channel prices")

	channels := []string{"shop-berlin", "shop-tokyo", "private-managers"}
	if _, err := s.client.TriggerMulti(s.ctx, channels, "changed", data, pusher.ExcludeSocket("1234.5678")); err != nil {
		return err
	}
	say("one event on %d channels, without the connection 1234.5678", len(channels))

	batch := []pusher.Event{
		{Channel: "prices", Name: "changed", Data: price{"coffee", 499}},
		{Channel: "stock", Name: "arrived", Data: `{"product":"coffee","bags":12}`},
	}
	if _, err := s.client.TriggerBatch(s.ctx, batch); err != nil {
		return err
	}
	say("a batch of %d different events", len(batch))

	if err := s.client.SendToUser(s.ctx, "user-7", "invoice-ready", map[string]int{"invoice": 42}); err != nil {
		return err
	}
	say("one event to everything that user-7 has signed in with")
	return s.arrived(before, 1+len(channels)+len(batch)+1)
}

func (s *story) recorded() int {
	if s.server == nil {
		return 0
	}
	return len(s.server.Events())
}

// arrived lets the embedded server tell what it received.
func (s *story) arrived(before, want int) error {
	if s.server == nil {
		return nil
	}
	events := s.server.Events()[before:]
	if len(events) != want {
		return fmt.Errorf("%d events arrived, want %d", len(events), want)
	}
	say("the server received:")
	for _, e := range events {
		say("  %-24s %-14s %s", e.Channel, e.Name, e.Data)
	}
	return nil
}

func (s *story) query() error {
	if s.server != nil {
		// On a real server browsers would have subscribed.
		err := errors.Join(
			s.server.SetChannel("prices", pushertest.ChannelState{Subscriptions: 3}),
			s.server.SetChannel("presence-lobby", pushertest.ChannelState{Users: []string{"ada", "grace"}}),
		)
		if err != nil {
			return err
		}
	}

	list, err := s.client.Channels(s.ctx, pusher.ChannelsParams{})
	if err != nil {
		return err
	}
	say("occupied channels: %v", slices.Sorted(maps.Keys(list.Channels)))

	info, err := s.client.ChannelInfo(s.ctx, "presence-lobby", pusher.UserCount)
	if err != nil {
		return err
	}
	if info.UserCount == nil {
		say("presence-lobby: occupied %t", info.Occupied)
	} else {
		say("presence-lobby: occupied %t, %d users", info.Occupied, *info.UserCount)
	}

	users, err := s.client.ChannelUsers(s.ctx, "presence-lobby")
	if err != nil {
		return err
	}
	for _, user := range users.Users {
		say("  in presence-lobby: %s", user.ID)
	}
	if s.server != nil && len(users.Users) != 2 {
		return fmt.Errorf("%d users in presence-lobby, want 2", len(users.Users))
	}
	return nil
}

func (s *story) fail() error {
	_, err := s.client.Trigger(s.ctx, "no spaces please", "changed", nil)
	if !errors.Is(err, pusher.ErrInvalid) {
		return fmt.Errorf("a bad channel name gave %v, want %v", err, pusher.ErrInvalid)
	}
	say("refused before it was sent: %v", err)

	_, err = s.client.ChannelUsers(s.ctx, "prices")
	var refused *pusher.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("asking a public channel for its users gave %v, want a *pusher.Error", err)
	}
	say("refused by the server with status %d: %s", refused.Status, refused.Message)
	return nil
}
