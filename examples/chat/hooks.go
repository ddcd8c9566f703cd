package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

const maxEntries = 20

// A hookLog keeps the last webhook events and publishes them, newest first, on a cache
// channel, so that a page that is opened later receives them.
type hookLog struct {
	client   *pusher.Client
	sessions *sessions

	mu      sync.Mutex // held while publishing, so that logs arrive in order
	entries []hookEntry
}

type hookEntry struct {
	Time string `json:"time"`
	Text string `json:"text"`
}

// receive handles a webhook. If it cannot publish the log, it returns an error, so that
// the webhook is delivered again, and does not change the log.
func (l *hookLog) receive(ctx context.Context, hook *webhook.Webhook) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.entries
	for _, event := range hook.Events {
		entry := hookEntry{Time: hook.Time.UTC().Format(time.TimeOnly), Text: l.describe(event)}
		entries = append([]hookEntry{entry}, entries...)
	}
	entries = entries[:min(len(entries), maxEntries)]
	if _, err := l.client.Trigger(ctx, hooksChannel, "log", entries); err != nil {
		return err
	}
	l.entries = entries
	return nil
}

func (l *hookLog) describe(event webhook.Event) string {
	switch e := event.(type) {
	case webhook.ChannelOccupied:
		return e.Channel + " is occupied"
	case webhook.ChannelVacated:
		return e.Channel + " is vacant"
	case webhook.MemberAdded:
		return fmt.Sprintf("%s joined %s", l.sessions.name(e.UserID), e.Channel)
	case webhook.MemberRemoved:
		return fmt.Sprintf("%s left %s", l.sessions.name(e.UserID), e.Channel)
	case webhook.ClientEvent:
		return fmt.Sprintf("%s sent %s to %s", l.sessions.name(e.UserID), e.Event, e.Channel)
	case webhook.CacheMiss:
		return e.Channel + " has no cached event"
	case webhook.SubscriptionCount:
		return fmt.Sprintf("%s has %d subscriptions", e.Channel, e.Count)
	default:
		return fmt.Sprintf("%T", e)
	}
}
