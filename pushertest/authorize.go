package pushertest

import (
	"fmt"
	"strings"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// authorize checks that the client may subscribe to the channel. The caller holds the
// lock.
//
// Source: Pusher Channels docs, "Authentication signatures". That data on a private
// channel is signed too is what pusher-js's integration tests rely on.
func (s *state) authorize(c *client, sub subscription) error {
	switch {
	case isUserChannel(sub.Channel):
		// It needs no signature besides the one that the client signed in with.
		if c.user == nil || sub.Channel != protocol.UserChannel(c.user.ID) {
			return protocolErrorf(textNotSignedIn, sub.Channel)
		}
	case protocol.IsPresence(sub.Channel), protocol.IsPrivate(sub.Channel):
		text := c.socketID + ":" + sub.Channel
		if sub.ChannelData != "" {
			text += ":" + sub.ChannelData
		}
		return s.verify(sub.Auth, text, sub.Channel)
	}
	return nil // clients may send anything as auth on a public channel
}

// verify checks that auth is key:signature with the signature of text. The subject of
// the signature appears in the log.
func (s *state) verify(auth, text, subject string) error {
	key, signature, ok := strings.Cut(auth, ":")
	switch {
	case !ok:
		return protocolErrorf(textAuthFormat)
	case key != s.app.Key:
		return protocolErrorf(textAuthKey, key)
	case !s.secret.Verify([]byte(text), signature):
		return &protocolError{
			text: fmt.Sprintf(textDigest, text, signature),
			log:  fmt.Sprintf("invalid signature for %s, the string to sign is %q", subject, logText(text)),
		}
	}
	return nil
}

// isAuthorized reports whether the client has signed in or is subscribed to a channel
// that needs an authorization.
//
// Source: Pusher Channels docs, "Authorized connections".
func (s *state) isAuthorized(c *client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.user != nil {
		return true
	}
	for name := range c.subscriptions {
		if protocol.IsPrivate(name) || protocol.IsPresence(name) {
			return true
		}
	}
	return false
}
