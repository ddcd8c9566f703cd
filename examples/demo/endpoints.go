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

const socketID = "1234.5678" // of a browser that asks

// authorize signs what browsers ask an app for.
func (s *story) authorize() error {
	private, err := s.client.Channel("private-managers").AuthorizePrivate(socketID)
	if err != nil {
		return err
	}
	say("private-managers: %s", shorten(private.Auth))

	presence, err := s.client.Channel("presence-lobby").AuthorizePresence(socketID, auth.Member{
		UserID:   "ada",
		UserInfo: map[string]string{"name": "Ada Lovelace"},
	})
	if err != nil {
		return err
	}
	say("presence-lobby: %s as %s", shorten(presence.Auth), presence.ChannelData)

	encrypted, err := s.client.Channel("private-encrypted-safe").AuthorizePrivate(socketID)
	if err != nil {
		return err
	}
	say("private-encrypted-safe: %s with a key of %d characters", shorten(encrypted.Auth), len(encrypted.SharedSecret))
	if _, err := s.client.Trigger(s.ctx, "private-encrypted-safe", "code", "1-2-3-4"); err != nil {
		return err
	}
	if s.server != nil {
		events := s.server.Events()
		say("what the server sees of an event there: %s", shorten(events[len(events)-1].Data))
	}

	user, err := s.client.Authorizer().AuthenticateUser(socketID, auth.User{ID: "ada"})
	if err != nil {
		return err
	}
	say("signed in: %s as %s", shorten(user.Auth), user.UserData)

	_, err = s.client.Channel(`presence-lobby:{"user_id":"admin"}`).AuthorizePrivate(socketID)
	if !errors.Is(err, pusher.ErrInvalid) {
		return fmt.Errorf("a forged channel name gave %v, want %v", err, pusher.ErrInvalid)
	}
	say("a forged channel name is not signed")
	return nil
}

// receive verifies two deliveries, of which one is forged.
func (s *story) receive() error {
	token := webhook.Token{Key: "demo-key", Secret: "demo-secret"}
	verifier, err := webhook.NewVerifier(token)
	if err != nil {
		return err
	}
	if s.server != nil {
		app := s.server.App()
		token, verifier = webhook.Token{Key: app.Key, Secret: app.Secret}, s.client.Webhooks()
	}

	const body = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"prices"},{"name":"member_added","channel":"presence-lobby","user_id":"ada"}]}`
	r := httptest.NewRequest("POST", "/pusher/webhook", strings.NewReader(body))
	r.Header = webhook.SignedHeader(token, []byte(body))
	hook, err := verifier.Parse(r)
	if err != nil {
		return err
	}
	for _, event := range hook.Events {
		switch event := event.(type) {
		case webhook.ChannelOccupied:
			say("channel occupied: %s", event.Channel)
		case webhook.MemberAdded:
			say("member added: %s in %s", event.UserID, event.Channel)
		}
	}

	forged := httptest.NewRequest("POST", "/pusher/webhook", strings.NewReader(body+" "))
	forged.Header = webhook.SignedHeader(token, []byte(body))
	if _, err := verifier.Parse(forged); !errors.Is(err, webhook.ErrSignature) {
		return fmt.Errorf("a changed body gave %v, want %v", err, webhook.ErrSignature)
	}
	say("a delivery with one byte more is refused")
	return nil
}

func shorten(text string) string {
	const most = 48
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
