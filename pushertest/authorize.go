package pushertest

import (
	"fmt"
	"strings"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// authorize checks that the peer may subscribe.
//
// Source: Pusher Channels docs, "Authentication signatures".
func (s *state) authorize(p *peer, ask subscription) error {
	switch {
	case isUserChannel(ask.Channel):
		// No signature, but the one that the connection has signed in with.
		if p.user == nil || ask.Channel != protocol.UserChannel(p.user.ID) {
			return complain(textNotSignedIn, ask.Channel)
		}
		return nil
	case protocol.IsPresence(ask.Channel) && ask.ChannelData != nil:
		return s.verify(ask.Channel, ask.Auth, p.socketID+":"+ask.Channel+":"+*ask.ChannelData)
	case protocol.IsPresence(ask.Channel), protocol.IsPrivate(ask.Channel):
		return s.verify(ask.Channel, ask.Auth, p.socketID+":"+ask.Channel)
	}
	return nil // whatever auth a public channel comes with
}

// verify checks an auth of the form key:signature over text. What it is for goes to
// the log.
func (s *state) verify(what, auth, text string) error {
	key, signature, ok := strings.Cut(auth, ":")
	switch {
	case !ok:
		return complain(textAuthFormat)
	case key != s.app.Key:
		return complain(textAuthKey, key)
	case !s.secret.Verify([]byte(text), signature):
		return &complaint{
			text:  fmt.Sprintf(textDigest, text, signature),
			cause: "invalid signature for " + what,
		}
	}
	return nil
}

// isAuthorized tells whether the peer has signed in, or is on a channel that needs
// an authorization.
//
// Source: Pusher Channels docs, "Authorized connections".
func (s *state) isAuthorized(p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.user != nil {
		return true
	}
	for name := range p.subscriptions {
		if protocol.IsPrivate(name) || protocol.IsPresence(name) {
			return true
		}
	}
	return false
}
