package pusher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// ChannelsParams says which channels to list, and what to tell about each.
type ChannelsParams struct {
	// FilterByPrefix lists only the channels whose names start so; empty lists all.
	FilterByPrefix string
	// Info asks for [UserCount], the only attribute that a list can tell, and only
	// with a prefix that starts with "presence-".
	Info []Attribute
}

func (p ChannelsParams) check() error {
	prefix := p.FilterByPrefix
	if !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, unicode.IsControl) {
		return fmt.Errorf("prefix %q has control characters or is not UTF-8", prefix)
	}
	if utf8.RuneCountInString(prefix) > protocol.MaxNameLength {
		return fmt.Errorf("the prefix has more than %d characters", protocol.MaxNameLength)
	}
	for _, attribute := range p.Info {
		if attribute != UserCount {
			return fmt.Errorf("attribute %q cannot be asked for in a list of channels", attribute)
		}
		if !protocol.IsPresence(prefix) {
			return errors.New(`user counts can be listed only with a prefix that starts with "presence-"`)
		}
	}
	return nil
}

// Channels lists the occupied channels. There is no paging. An unusable parameter
// is [ErrInvalid] and nothing is sent.
//
// Source: Pusher HTTP API reference, "GET channels".
func (c *Client) Channels(ctx context.Context, params ChannelsParams) (*ChannelList, error) {
	const op = "Channels"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := params.check(); err != nil {
		return nil, refused(op, err)
	}
	query := gen.ListChannelsParams{FilterByPrefix: optional(params.FilterByPrefix)}
	for _, attribute := range params.Info {
		query.Info = append(query.Info, gen.ChannelListAttribute(attribute))
	}
	answer, err := c.api.ListChannelsWithResponse(ctx, c.app.AppID, &query)
	if err != nil {
		return nil, failed(op, err)
	}
	return answer.JSON200, nil
}

// ChannelInfo asks whether a channel is occupied, and for further attributes. An
// attribute that does not fit the channel is refused by the server as
// [ErrInvalid]: [UserCount] fits presence channels, [Cache] fits cache channels,
// and [SubscriptionCount] has to be enabled in the app's settings.
//
// Source: Pusher HTTP API reference, "GET channel".
func (c *Client) ChannelInfo(ctx context.Context, name string, attributes ...Attribute) (*ChannelInfo, error) {
	const op = "ChannelInfo"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := protocol.CheckChannel(name); err != nil {
		return nil, refused(op, err)
	}
	for _, attribute := range attributes {
		if attribute != UserCount && attribute != SubscriptionCount && attribute != Cache {
			return nil, refused(op, fmt.Errorf("attribute %q is unknown", attribute))
		}
	}
	answer, err := c.api.GetChannelWithResponse(ctx, c.app.AppID, name, &gen.GetChannelParams{Info: attributes})
	if err != nil {
		return nil, failed(op, err)
	}
	return answer.JSON200, nil
}

// ChannelUsers lists the distinct users on a presence channel, none if it is
// vacant. The server refuses other channels as [ErrInvalid].
//
// Source: Pusher HTTP API reference, "GET users".
func (c *Client) ChannelUsers(ctx context.Context, name string) (*ChannelUserList, error) {
	const op = "ChannelUsers"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := protocol.CheckChannel(name); err != nil {
		return nil, refused(op, err)
	}
	answer, err := c.api.ListChannelUsersWithResponse(ctx, c.app.AppID, name)
	if err != nil {
		return nil, failed(op, err)
	}
	return answer.JSON200, nil
}

// TerminateUserConnections closes every connection that has signed in as the
// user. Connections that merely joined a presence channel under that ID stay.
// User IDs have at most 199 characters.
//
// Source: Pusher Channels docs, "Terminating user connections".
func (c *Client) TerminateUserConnections(ctx context.Context, userID string) error {
	const op = "TerminateUserConnections"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	if err := protocol.CheckUserID(userID); err != nil {
		return refused(op, err)
	}
	_, err := c.api.TerminateUserConnectionsWithResponse(ctx, c.app.AppID, userID, gen.TerminateRequest{})
	if err != nil {
		return failed(op, err)
	}
	return nil
}
