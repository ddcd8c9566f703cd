package pusher_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestWithDiscard(t *testing.T) {
	var lines logs
	logger := lines.option()
	byOption := func() (*pusher.Client, error) {
		// Any request would fail: nothing listens on port 1.
		return pusher.New(app, pusher.WithBaseURL("http://127.0.0.1:1"), pusher.WithDiscard(), logger)
	}
	byURL := func() (*pusher.Client, error) { return pusher.NewFromURL("discard:", logger) }
	byEnv := func() (*pusher.Client, error) {
		t.Setenv("PUSHER_URL", "discard:")
		return pusher.NewFromEnv(logger)
	}
	for name, newClient := range map[string]func() (*pusher.Client, error){"WithDiscard": byOption, "NewFromURL": byURL, "PUSHER_URL": byEnv} {
		t.Run(name, func(t *testing.T) {
			lines.buffer.Reset()
			client, err := newClient()
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			if _, err := client.TriggerMulti(ctx, []string{"a", "b"}, "multi", "12345"); err != nil {
				t.Errorf("TriggerMulti = %v", err)
			}
			if _, err := client.TriggerBatch(ctx, []pusher.Event{{Channel: "c", Name: "batch", Data: "1"}}); err != nil {
				t.Errorf("TriggerBatch = %v", err)
			}
			if err := client.TerminateUserConnections(ctx, "7"); err != nil {
				t.Errorf("TerminateUserConnections = %v", err)
			}
			if list, err := client.Channels(ctx, pusher.ChannelsParams{}); err != nil || len(list.Channels) != 0 {
				t.Errorf("Channels = %v, %v, want none", list, err)
			}
			if info, err := client.ChannelInfo(ctx, "c"); err != nil || info.Occupied {
				t.Errorf("ChannelInfo = %v, %v, want a vacant channel", info, err)
			}
			if users, err := client.ChannelUsers(ctx, "presence-c"); err != nil || len(users.Users) != 0 {
				t.Errorf("ChannelUsers = %v, %v, want none", users, err)
			}
			if err := client.Ping(ctx); err != nil {
				t.Errorf("Ping = %v", err)
			}
			for _, want := range []string{
				`msg="pusher: event discarded" channel=a event=multi bytes=5`,
				`msg="pusher: event discarded" channel=b event=multi bytes=5`,
				`msg="pusher: event discarded" channel=c event=batch bytes=1`,
			} {
				if n := strings.Count(lines.String(), want); n != 1 {
					t.Errorf("%d lines with %s, want 1 in\n%s", n, want, lines.String())
				}
			}
			if _, err := client.Trigger(ctx, "bad channel", "e", "d"); !errors.Is(err, pusher.ErrInvalid) {
				t.Errorf("Trigger on an invalid channel = %v, want %v", err, pusher.ErrInvalid)
			}
			if _, err := client.TriggerAsync(ctx, "c", "e", "d").Wait(ctx); err != nil {
				t.Errorf("TriggerAsync = %v", err)
			}
			if err := client.Close(context.Background()); err != nil {
				t.Errorf("Close = %v", err)
			}
		})
	}
}
