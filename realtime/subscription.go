package realtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// A phase is how far the subscription of a channel is in the current session.
type phase int

const (
	phaseIdle        phase = iota // there is no session
	phaseAuthorizing              // a goroutine requests the authorization
	phaseSigningIn                // the server has to confirm the sign-in
	phaseSent                     // the server has to confirm the subscription
	phaseSubscribed
)

// Subscribe subscribes to a channel. It returns when the server has confirmed the
// subscription. While there is no connection, it waits for one. If the connection is
// already subscribed to the channel, Subscribe returns the same Channel and ignores the
// options. If ctx is done first, the subscription is withdrawn.
//
// Subscribe returns [ErrInvalid] if the name is not 1 to 200 characters of a-z A-Z 0-9 _
// - = @ , . and ;, and [ErrConfiguration] if the channel needs an option that is
// missing. It returns [ErrForbidden] or [ErrAuthorization] if the channel was not
// authorized, [ErrRejected] if the server rejects the subscription, [ErrTimeout] if the
// server does not respond, and the reason if the connection was closed.
func (c *Conn) Subscribe(ctx context.Context, name string, opts ...SubscribeOption) (*Channel, error) {
	ch, err := c.subscribe(name, opts)
	if err == nil {
		err = c.await(ctx, ch)
	}
	if err != nil {
		return nil, of("Subscribe", name, err)
	}
	return ch, nil
}

func (c *Conn) subscribe(name string, opts []SubscribeOption) (*Channel, error) {
	if err := protocol.CheckChannel(name); err != nil {
		return nil, invalid("%w", err)
	}
	added := c.newChannel(name)
	for _, opt := range opts {
		if opt == nil {
			return nil, invalid("option is nil")
		}
		if err := opt(added); err != nil {
			return nil, err
		}
	}
	if err := c.checkAuthorizer(added); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	ch := c.channels[name]
	switch {
	case ch == nil:
		ch = added
		c.add(ch)
	case !ch.isEnded():
	case ch.successor == nil || ch.successor.isEnded():
		ch.successor = added
		ch = added
	default:
		ch = ch.successor
	}
	ch.waiting++
	return ch, nil
}

// checkAuthorizer reports whether the options suffice to authorize the channel.
func (c *Conn) checkAuthorizer(ch *Channel) error {
	switch {
	case !isAuthorized(ch.name) || c.cfg.channelEndpoint != nil:
		return nil
	case c.cfg.authorizer == nil:
		return &Error{Kind: ErrConfiguration, Err: errors.New("private and presence channels need WithAuthorizer or WithAuthEndpoint")}
	case protocol.IsPresence(ch.name) && ch.member == nil:
		return &Error{Kind: ErrConfiguration, Err: errors.New("presence channels need WithMember")}
	}
	return nil
}

// await waits until ch is confirmed for the first time.
func (c *Conn) await(ctx context.Context, ch *Channel) error {
	select {
	case <-ch.confirmed:
	case <-ch.done:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ch.waiting--
	switch {
	case ch.isConfirmed:
		return nil
	case ch.isEnded():
		return ch.stream.reason()
	}
	if ch.waiting == 0 {
		c.leave(ch)
	}
	return context.Cause(ctx)
}

// add adds a channel and starts to subscribe it. The caller holds the lock, as for all
// functions below, except those that run in goroutines and the methods of Channel.
func (c *Conn) add(ch *Channel) {
	c.channels[ch.name] = ch
	if c.session != nil {
		c.start(ch)
	}
}

// start subscribes a channel in the current session.
func (c *Conn) start(ch *Channel) {
	if ch.user == nil && !isAuthorized(ch.name) {
		c.sendSubscribe(ch, authorization{})
		return
	}
	ch.phase = phaseAuthorizing
	s := c.session
	c.wg.Go(func() { c.authorize(s, ch) })
}

// authorize runs in a goroutine. It requests authorizations until there is one or the
// subscription has failed.
func (c *Conn) authorize(s *session, ch *Channel) {
	backoff := c.cfg.newBackoff()
	for {
		send, err := c.requestAuthorization(s, ch)
		c.mu.Lock()
		switch {
		case c.isStale(s, ch):
			c.mu.Unlock()
			return
		case err == nil:
			send()
			c.mu.Unlock()
			return
		case !ch.isConfirmed || !errors.Is(err, ErrAuthorization):
			c.reject(ch, err)
			c.mu.Unlock()
			return
		}
		c.report(of("", ch.name, err))
		c.mu.Unlock()
		timer := time.NewTimer(backoff.next(false))
		select {
		case <-timer.C:
		case <-s.ctx.Done():
		case <-ch.done:
		}
		timer.Stop()
	}
}

// isStale reports whether the session or the channel has ended, so that a result for them
// is discarded. The end of the session's context comes first, and makes requests fail.
func (c *Conn) isStale(s *session, ch *Channel) bool {
	return c.session != s || s.ctx.Err() != nil || ch.isEnded()
}

// requestAuthorization runs in a goroutine. It returns a function that sends the
// subscription or sign-in under the lock.
func (c *Conn) requestAuthorization(s *session, ch *Channel) (send func(), _ *Error) {
	if ch.user != nil {
		data, err := authorizing(c, s, func(ctx context.Context) (signinData, *Error) {
			return c.cfg.authenticateUser(ctx, s.socketID, *ch.user)
		})
		return func() { c.sendSignin(ch, data) }, err
	}
	a, err := c.requestChannelAuthorization(s, ch)
	if err == nil && protocol.IsPresence(ch.name) && a.channelData == "" {
		err = c.awaitSignIn(s)
	}
	return func() { c.sendSubscribe(ch, a) }, err
}

func (c *Conn) requestChannelAuthorization(s *session, ch *Channel) (authorization, *Error) {
	return authorizing(c, s, func(ctx context.Context) (authorization, *Error) {
		return c.cfg.authorizeChannel(ctx, s.socketID, ch.name, ch.member)
	})
}

// authorizing calls f when less than maxAuthorizations are running, with a context that
// limits it.
func authorizing[T any](c *Conn, s *session, f func(context.Context) (T, *Error)) (result T, err *Error) {
	select {
	case c.slots <- struct{}{}:
	case <-s.ctx.Done():
		return result, &Error{Kind: ErrAuthorization, Err: context.Cause(s.ctx)}
	}
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeoutCause(s.ctx, c.cfg.timeout, fmt.Errorf("no authorization within %v: %w", c.cfg.timeout, context.DeadlineExceeded))
	defer cancel()
	return f(ctx)
}

func (c *Conn) sendSubscribe(ch *Channel, a authorization) {
	c.setKey(ch, a.key)
	c.sendRequest(ch, phaseSent, eventSubscribe, subscribeData{Channel: ch.name, Auth: a.auth, ChannelData: a.channelData})
}

func (c *Conn) sendUnsubscribe(ch *Channel) {
	_ = c.send(c.session, eventUnsubscribe, "", unsubscribeData{Channel: ch.name})
}

// sendRequest sends a message that the server confirms.
func (c *Conn) sendRequest(ch *Channel, next phase, event string, data any) {
	c.sent++
	ch.phase, ch.order = next, c.sent
	s, order := c.session, c.sent
	_ = c.send(s, event, "", data)
	ch.stopTimer()
	ch.timer = time.AfterFunc(c.cfg.timeout, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.session == s && ch.phase == next && ch.order == order {
			c.unconfirmed(ch)
		}
	})
}

// unconfirmed handles that the server has not responded.
func (c *Conn) unconfirmed(ch *Channel) {
	err := &Error{Kind: ErrTimeout, Channel: ch.name, Err: fmt.Errorf("no response within %v", c.cfg.timeout)}
	if ch.phase == phaseSent {
		c.sendUnsubscribe(ch) // it may still be confirmed
	}
	if ch.isConfirmed && !ch.isEnded() {
		c.report(err)
		c.start(ch)
		return
	}
	c.reject(ch, err)
}

// confirm handles that the server has subscribed the connection to the channel.
func (c *Conn) confirm(ch *Channel, m message) {
	if ch.phase != phaseSent {
		return
	}
	ch.stopTimer()
	ch.phase = phaseSubscribed
	if ch.isEnded() {
		c.sendUnsubscribe(ch)
		c.remove(ch)
		return
	}
	if protocol.IsPresence(ch.name) {
		members, err := decodeMembers(m)
		if err != nil {
			c.report(&Error{Kind: ErrProtocol, Channel: ch.name, Err: fmt.Errorf("members: %w", safe(err))})
		}
		ch.members = members
	}
	if !ch.lostAt.IsZero() {
		ch.push(Event{Kind: KindGap, Channel: ch.name, From: ch.lostAt, To: time.Now()})
		ch.lostAt = time.Time{}
	}
	if !ch.isConfirmed {
		ch.isConfirmed = true
		close(ch.confirmed)
	}
	c.logger(ch).DebugContext(c.ctx, "realtime: subscribed")
}

// reject ends a subscription that the server or the app has rejected.
func (c *Conn) reject(ch *Channel, err *Error) {
	err = of("", ch.name, err)
	if !ch.isEnded() {
		c.logger(ch).WarnContext(c.ctx, "realtime: subscription failed", "reason", err.Error())
		ch.end(err, false)
	}
	c.remove(ch)
}

// blamed returns the subscription or sign-in that an error of the server is about, or
// nil. The server does not say it: most texts name the channel, and those about an
// authorization belong to the first that the server has not confirmed.
func (c *Conn) blamed(err *Error) *Channel {
	var pending []*Channel
	for _, ch := range c.channels {
		if ch.phase == phaseSent {
			pending = append(pending, ch)
		}
	}
	if c.user != nil && c.user.phase == phaseSigningIn {
		pending = append(pending, c.user)
	}
	slices.SortFunc(pending, func(a, b *Channel) int { return a.order - b.order })
	var named *Channel
	for _, ch := range pending {
		name := ch.name
		if ch.phase == phaseSigningIn {
			name = "::user::" // part of the text that is signed
		}
		if strings.Contains(err.Message, name) && (named == nil || len(name) > len(named.name)) {
			named = ch
		}
	}
	message := strings.ToLower(err.Message)
	switch {
	case named != nil:
		return named
	case err.Code == codeClientEventRate, err.Code == codeWatchlist, strings.Contains(message, "client event"):
		return nil
	case strings.Contains(message, "auth"):
		pending = slices.DeleteFunc(pending, func(ch *Channel) bool { return ch.user == nil && !isAuthorized(ch.name) })
		if len(pending) > 0 {
			return pending[0]
		}
	case len(pending) == 1:
		return pending[0]
	}
	return nil
}

// interrupted resets a channel after the end of a session. What was sent since the time
// at may be lost.
func (c *Conn) interrupted(ch *Channel, at time.Time) {
	if ch.phase == phaseSubscribed {
		ch.lostAt = at
	}
	ch.stopTimer()
	ch.phase, ch.refreshing = phaseIdle, false
	if ch.isEnded() {
		c.remove(ch)
	}
}

// leave ends a subscription at the request of the program. Like pusher-js, it sends
// nothing before the server has confirmed the subscription, because servers may handle
// the two messages in any order.
func (c *Conn) leave(ch *Channel) {
	ch.end(&Error{Kind: ErrClosed, Channel: ch.name}, true)
	switch {
	case c.channels[ch.name] != ch && ch.user == nil: // a successor, or removed
	case ch.phase == phaseSent: // see confirm
	default:
		if ch.phase == phaseSubscribed {
			c.sendUnsubscribe(ch)
		}
		c.remove(ch)
	}
}

// remove removes a channel that has ended.
func (c *Conn) remove(ch *Channel) {
	ch.stopTimer()
	ch.phase = phaseIdle
	if c.user == ch {
		c.user = nil
		if c.session != nil {
			c.session.endSignIn()
		}
	}
	if c.channels[ch.name] != ch {
		return
	}
	delete(c.channels, ch.name)
	if next := ch.successor; next != nil && !next.isEnded() {
		c.add(next)
	}
}

func (ch *Channel) stopTimer() {
	if ch.timer != nil {
		ch.timer.Stop()
		ch.timer = nil
	}
}

func (ch *Channel) isEnded() bool {
	select {
	case <-ch.done:
		return true
	default:
		return false
	}
}
