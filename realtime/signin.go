package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// SignIn signs a user in and returns the channel for events to that user, which also
// has the events about users on the watchlist, of kind [KindWatchlist]. With
// [WithUserAuthEndpoint], user must be the zero User, because the endpoint decides.
//
// The user is signed in again after each reconnection, until [Channel.Unsubscribe] is
// called on the channel. A connection has one user: another call returns the same
// channel, or [ErrInvalid] if it is for another user.
//
// SignIn waits, and returns errors, like [Conn.Subscribe].
func (c *Conn) SignIn(ctx context.Context, user auth.User) (*Channel, error) {
	ch, err := c.requestSignIn(user)
	if err == nil {
		err = c.await(ctx, ch)
	}
	if err != nil {
		return nil, of("SignIn", "", err)
	}
	return ch, nil
}

func (c *Conn) requestSignIn(user auth.User) (*Channel, error) {
	switch {
	case c.cfg.userEndpoint != nil && (user.ID != "" || user.Info != nil || user.Watchlist != nil):
		return nil, invalid("the endpoint of WithUserAuthEndpoint determines the user")
	case c.cfg.userEndpoint == nil && c.cfg.authorizer == nil:
		return nil, &Error{Kind: ErrConfiguration, Err: errors.New("signing in needs WithAuthorizer or WithUserAuthEndpoint")}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return nil, c.err
	case c.user == nil:
		c.user = c.newChannel("")
		c.user.user = &user
		if c.session != nil {
			c.session.signIn, c.session.signedIn = false, make(chan struct{})
			c.start(c.user)
		}
	case c.user.user.ID != user.ID:
		return nil, invalid("the connection is signed in as another user")
	case c.user.isEnded():
		return nil, &Error{Kind: ErrDisconnected, Err: errors.New("the user is being signed out")}
	}
	c.user.waiting++
	return c.user, nil
}

func (c *Conn) sendSignin(ch *Channel, data signinData) {
	c.sendRequest(ch, phaseSigningIn, eventSignin, data)
}

// signedIn handles that the server has signed the user in, and subscribes to the
// channel of the user, which needs no authorization. The caller holds the lock, as for
// watchlist.
func (c *Conn) signedIn(s *session, m message) {
	ch := c.user
	if ch == nil || ch.phase != phaseSigningIn {
		return
	}
	id, err := decodeUserID(m)
	if err != nil {
		c.reject(ch, &Error{Kind: ErrProtocol, Err: fmt.Errorf("user: %w", safe(err))})
		return
	}
	delete(c.channels, ch.name) // an endpoint may have signed in another user than before
	ch.name = protocol.UserChannel(id)
	c.channels[ch.name] = ch
	s.endSignIn()
	c.sendSubscribe(ch, authorization{})
}

// awaitSignIn runs in a goroutine. It waits for the user of a presence channel whose
// authorization does not have one.
func (c *Conn) awaitSignIn(s *session) *Error {
	c.mu.Lock()
	signedIn, requested := s.signedIn, c.user != nil
	c.mu.Unlock()
	if !requested {
		return &Error{Kind: ErrConfiguration, Err: errors.New("the authorization has no channel_data, and SignIn was not called")}
	}
	select {
	case <-signedIn:
		return nil
	case <-s.ctx.Done():
		return &Error{Kind: ErrAuthorization, Err: context.Cause(s.ctx)}
	}
}

func (s *session) endSignIn() {
	if !s.signIn {
		s.signIn = true
		close(s.signedIn)
	}
}

func (c *Conn) watchlist(m message) {
	var data watchlistData
	if c.user == nil || m.decode(&data) != nil {
		return
	}
	for _, e := range data.Events {
		text, _ := json.Marshal(e)
		c.user.push(Event{Kind: KindWatchlist, Channel: c.user.name, Name: e.Name, Data: string(text), UserIDs: e.UserIDs})
	}
}
