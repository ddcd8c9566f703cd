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

// demo runs steps. Each prints what it did and returns an error if the result is not
// the expected one.
type demo struct {
	ctx    context.Context
	client *pusher.Client
	server *pushertest.Server // nil with PUSHER_URL
}

type step struct {
	title string
	run   func() error
}

func (d *demo) steps() []step {
	return []step{
		{"Trigger", d.trigger},
		{"Query", d.query},
		{"Authorize", d.authorize},
		{"Receive webhooks", d.receive},
		{"Publish many events", d.publish},
		{"Errors", d.fail},
	}
}

// report prints a result.
func report(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

type price struct {
	Product string `json:"product"`
	Cents   int    `json:"cents"`
}

func (d *demo) trigger() error {
	before := d.recorded()
	data := price{Product: "tea", Cents: 349}

	if _, err := d.client.Trigger(d.ctx, "prices", "changed", data); err != nil {
		return err
	}
	report("one event on the channel prices")

	channels := []string{"shop-berlin", "shop-tokyo", "private-managers"}
	if _, err := d.client.TriggerMulti(d.ctx, channels, "changed", data, pusher.ExcludeSocket("1234.5678")); err != nil {
		return err
	}
	report("one event on %d channels, without the connection 1234.5678", len(channels))

	batch := []pusher.Event{
		{Channel: "prices", Name: "changed", Data: price{"coffee", 499}},
		{Channel: "stock", Name: "arrived", Data: `{"product":"coffee","bags":12}`},
	}
	if _, err := d.client.TriggerBatch(d.ctx, batch); err != nil {
		return err
	}
	report("a batch of %d different events", len(batch))

	if err := d.client.SendToUser(d.ctx, "user-7", "invoice-ready", map[string]int{"invoice": 42}); err != nil {
		return err
	}
	report("one event to all connections of user-7")
	return d.arrived(before, 1+len(channels)+len(batch)+1)
}

func (d *demo) recorded() int {
	if d.server == nil {
		return 0
	}
	return len(d.server.Events())
}

// arrived prints the events that the embedded server received.
func (d *demo) arrived(before, want int) error {
	if d.server == nil {
		return nil
	}
	events := d.server.Events()[before:]
	if len(events) != want {
		return fmt.Errorf("%d events arrived, want %d", len(events), want)
	}
	report("the server received:")
	for _, e := range events {
		report("  %-24s %-14s %s", e.Channel, e.Name, e.Data)
	}
	return nil
}

func (d *demo) query() error {
	if d.server != nil {
		// On a real server, browsers subscribe.
		err := errors.Join(
			d.server.SetChannel("prices", pushertest.ChannelState{Subscriptions: 3}),
			d.server.SetChannel("presence-lobby", pushertest.ChannelState{Users: []string{"ada", "grace"}}),
		)
		if err != nil {
			return err
		}
	}

	list, err := d.client.Channels(d.ctx, pusher.ChannelsParams{})
	if err != nil {
		return err
	}
	report("occupied channels: %v", slices.Sorted(maps.Keys(list.Channels)))

	info, err := d.client.ChannelInfo(d.ctx, "presence-lobby", pusher.UserCount)
	if err != nil {
		return err
	}
	if users, ok := info.Users(); ok {
		report("presence-lobby: occupied %t, %d users", info.Occupied, users)
	} else {
		report("presence-lobby: occupied %t", info.Occupied)
	}

	users, err := d.client.ChannelUsers(d.ctx, "presence-lobby")
	if err != nil {
		return err
	}
	for _, user := range users.Users {
		report("  in presence-lobby: %s", user.ID)
	}
	if d.server != nil && len(users.Users) != 2 {
		return fmt.Errorf("%d users in presence-lobby, want 2", len(users.Users))
	}
	return nil
}

func (d *demo) fail() error {
	_, err := d.client.Trigger(d.ctx, "no spaces please", "changed", nil)
	if !errors.Is(err, pusher.ErrInvalid) {
		return fmt.Errorf("an invalid channel name returned %v, want %v", err, pusher.ErrInvalid)
	}
	report("rejected before it was sent: %v", err)

	_, err = d.client.ChannelUsers(d.ctx, "prices")
	var rejected *pusher.Error
	if !errors.As(err, &rejected) {
		return fmt.Errorf("a query for the users of a public channel returned %v, want a *pusher.Error", err)
	}
	report("rejected by the server with status %d: %s", rejected.Status, rejected.Message)
	return nil
}
