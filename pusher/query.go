package pusher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// ChannelsParams selects channels and the attributes to report for each.
type ChannelsParams struct {
	// FilterByPrefix selects the channels whose names start with it; empty selects
	// all.
	FilterByPrefix string
	// Info can be [UserCount], and only if FilterByPrefix starts with "presence-".
	Info []Attribute
}

func (p ChannelsParams) validate() error {
	prefix := p.FilterByPrefix
	if !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, unicode.IsControl) {
		return fmt.Errorf("prefix %.100q has control characters or is not valid UTF-8", prefix)
	}
	if n := utf8.RuneCountInString(prefix); n > protocol.MaxNameLength {
		return fmt.Errorf("prefix has %d characters, at most %d are allowed", n, protocol.MaxNameLength)
	}
	for _, attribute := range p.Info {
		if !gen.ChannelListAttribute(attribute).Valid() {
			return fmt.Errorf("attribute %.100q is not available in a list of channels", attribute)
		}
		if attribute == UserCount && !protocol.IsPresence(prefix) {
			return errors.New(`user counts are available only with a prefix that starts with "presence-"`)
		}
	}
	return nil
}

// Channels lists the occupied channels. There is no paging. Channels returns
// [ErrInvalid] without sending anything if a parameter is invalid.
//
// Source: Pusher HTTP API reference, "GET channels".
func (c *Client) Channels(ctx context.Context, params ChannelsParams) (*ChannelList, error) {
	const op = "Channels"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := params.validate(); err != nil {
		return nil, invalid(op, err)
	}
	query := gen.ListChannelsParams{FilterByPrefix: optional(params.FilterByPrefix)}
	for _, attribute := range params.Info {
		query.Info = append(query.Info, gen.ChannelListAttribute(attribute))
	}
	resp, err := c.gen(callInfo{op: op}).ListChannelsWithResponse(ctx, c.app.AppID, &query)
	if err != nil {
		return nil, callError(op, err)
	}
	return resp.JSON200, nil
}

// ChannelInfo reports whether a channel is occupied, and the requested attributes:
// [UserCount] for presence channels, [Cache] for cache channels, and
// [SubscriptionCount] if the app has enabled it. A server rejects an attribute that
// the channel does not have as [ErrInvalid], and one that the app has not enabled as
// [ErrAttributeDisabled].
//
// Source: Pusher HTTP API reference, "GET channel".
func (c *Client) ChannelInfo(ctx context.Context, name string, attributes ...Attribute) (*ChannelInfo, error) {
	const op = "ChannelInfo"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := protocol.CheckChannel(name); err != nil {
		return nil, invalid(op, err)
	}
	for _, attribute := range attributes {
		if !attribute.Valid() {
			return nil, invalid(op, fmt.Errorf("attribute %.100q is unknown", attribute))
		}
	}
	resp, err := c.gen(callInfo{op: op, channels: 1}).GetChannelWithResponse(ctx, c.app.AppID, name, &gen.GetChannelParams{Info: attributes})
	switch {
	case c.vacantOnNotFound && meansVacant(err):
		return &ChannelInfo{}, nil
	case err != nil:
		return nil, callError(op, err)
	}
	return resp.JSON200, nil
}

// ChannelUsers lists the distinct users on a presence channel; the list is empty if
// the channel is vacant. The server rejects other channels as [ErrInvalid].
//
// Source: Pusher HTTP API reference, "GET users".
func (c *Client) ChannelUsers(ctx context.Context, name string) (*ChannelUserList, error) {
	const op = "ChannelUsers"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := protocol.CheckChannel(name); err != nil {
		return nil, invalid(op, err)
	}
	resp, err := c.gen(callInfo{op: op, channels: 1}).ListChannelUsersWithResponse(ctx, c.app.AppID, name)
	switch {
	case c.vacantOnNotFound && meansVacant(err):
		return &ChannelUserList{Users: []ChannelUser{}}, nil
	case err != nil:
		return nil, callError(op, err)
	}
	return resp.JSON200, nil
}

// meansVacant reports whether err is the response of some server to a query for a vacant
// channel: 404 without a text (Reverb; AnyCable always) or with "Unknown channel" (joaju,
// laravel-websockets), or 400 "Could not find a channel" (ipe). A 404 with another text
// means that the app or the path does not exist.
func meansVacant(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case http.StatusNotFound:
		return e.Message == "" || strings.HasPrefix(e.Message, "Unknown channel")
	case http.StatusBadRequest:
		return strings.HasPrefix(e.Message, "Could not find a channel")
	}
	return false
}
