package main

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

const socketID = "1234.5678" // of a browser

// authorize signs subscriptions and sign-ins of browsers.
func (d *demo) authorize() error {
	private, err := d.client.Channel("private-managers").AuthorizePrivate(socketID)
	if err != nil {
		return err
	}
	report("private-managers: %s", shorten(private.Auth))

	presence, err := d.client.Channel("presence-lobby").AuthorizePresence(socketID, auth.Member{
		UserID:   "ada",
		UserInfo: map[string]string{"name": "Ada Lovelace"},
	})
	if err != nil {
		return err
	}
	report("presence-lobby: %s as %s", shorten(presence.Auth), presence.ChannelData)

	encrypted, err := d.client.Channel("private-encrypted-safe").AuthorizePrivate(socketID)
	if err != nil {
		return err
	}
	report("private-encrypted-safe: %s with a key of %d characters", shorten(encrypted.Auth), len(encrypted.SharedSecret))
	if _, err := d.client.Trigger(d.ctx, "private-encrypted-safe", "code", "1-2-3-4"); err != nil {
		return err
	}
	if d.server != nil {
		events := d.server.Events()
		report("the server receives the data encrypted: %s", shorten(events[len(events)-1].Data))
	}

	user, err := d.client.Authorizer().AuthenticateUser(socketID, auth.User{ID: "ada"})
	if err != nil {
		return err
	}
	report("signed in: %s as %s", shorten(user.Auth), user.UserData)

	_, err = d.client.Channel(`presence-lobby:{"user_id":"admin"}`).AuthorizePrivate(socketID)
	if !errors.Is(err, pusher.ErrInvalid) {
		return fmt.Errorf("an invalid channel name returned %v, want %v", err, pusher.ErrInvalid)
	}
	report("an invalid channel name is not signed: %v", err)
	return nil
}

// receive verifies two webhooks; the second has been modified.
func (d *demo) receive() error {
	const key, secret = "demo-key", "demo-secret"
	verifier, err := webhook.New(key, secret)
	if err != nil {
		return err
	}

	const body = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"prices"},{"name":"member_added","channel":"presence-lobby","user_id":"ada"}]}`
	r := httptest.NewRequest("POST", "/pusher/webhook", strings.NewReader(body))
	r.Header = webhook.SignedHeader(key, secret, []byte(body))
	hook, err := verifier.Parse(r)
	if err != nil {
		return err
	}
	for _, event := range hook.Events {
		switch event := event.(type) {
		case webhook.ChannelOccupied:
			report("channel occupied: %s", event.Channel)
		case webhook.MemberAdded:
			report("member added: %s in %s", event.UserID, event.Channel)
		}
	}

	forged := httptest.NewRequest("POST", "/pusher/webhook", strings.NewReader(body+" "))
	forged.Header = webhook.SignedHeader(key, secret, []byte(body))
	if _, err = verifier.Parse(forged); !errors.Is(err, webhook.ErrSignature) {
		return fmt.Errorf("a modified body returned %v, want %v", err, webhook.ErrSignature)
	}
	report("a modified webhook is rejected: %v", err)
	return nil
}

func shorten(text string) string {
	const most = 48
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
