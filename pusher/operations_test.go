package pusher_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
)

// An operation is a call that sends a request.
type operation struct {
	name        string // Error.Op
	id          string // of openapi.yaml, or "another GET" or "another POST"
	publishes   bool   // a 2xx status suffices for success
	call        func(context.Context, *pusher.Client) (any, error)
	emptyResult any // the result of a publish whose response is empty
}

// operations returns all of them, including those of the generated client.
func operations() []operation {
	event := pusher.Event{Channel: "presence-c", Name: "e", Data: "d"}
	return []operation{
		{"Trigger", "triggerEvent", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Trigger(ctx, "presence-c", "e", "d")
		}, &pusher.TriggerResult{}},
		{"TriggerMulti", "triggerEvent", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.TriggerMulti(ctx, []string{"a", "b"}, "e", "d", pusher.WithInfo(pusher.UserCount))
		}, &pusher.TriggerResult{}},
		{"TriggerBatch", "triggerBatch", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.TriggerBatch(ctx, []pusher.Event{event, event})
		}, &pusher.BatchResult{}},
		{"SendToUser", "triggerEvent", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return nil, c.SendToUser(ctx, "7", "e", "d")
		}, nil},
		{"TerminateUserConnections", "terminateUserConnections", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return nil, c.TerminateUserConnections(ctx, "7")
		}, nil},
		{"Channels", "listChannels", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}})
		}, nil},
		{"ChannelInfo", "getChannel", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.ChannelInfo(ctx, "presence-c", pusher.UserCount, pusher.SubscriptionCount, pusher.Cache)
		}, nil},
		{"ChannelUsers", "listChannelUsers", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.ChannelUsers(ctx, "presence-c")
		}, nil},
		{"Get", "another GET", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Get(ctx, "/things", nil)
		}, nil},
		{"Post", "another POST", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Post(ctx, "/things", nil)
		}, json.RawMessage("{}")},
		{"POST /apps/3/events", "triggerEvent", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().TriggerEventWithResponse(ctx, c.AppID(), gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"})
			return model(resp, err, func() any { return resp.JSON200 })
		}, &gen.TriggerResult{}},
		{"POST /apps/3/batch_events", "triggerBatch", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().TriggerBatchWithResponse(ctx, c.AppID(), gen.BatchRequest{})
			return model(resp, err, func() any { return resp.JSON200 })
		}, &gen.BatchResult{}},
		{"POST /apps/3/users/7/terminate_connections", "terminateUserConnections", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().TerminateUserConnectionsWithResponse(ctx, c.AppID(), "7", gen.TerminateRequest{})
			return model(resp, err, func() any { return resp.JSON200 })
		}, &gen.TerminateResult{}},
		{"GET /apps/3/channels", "listChannels", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().ListChannelsWithResponse(ctx, c.AppID(), nil)
			return model(resp, err, func() any { return resp.JSON200 })
		}, nil},
		{"GET /apps/3/channels/presence-c", "getChannel", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().GetChannelWithResponse(ctx, c.AppID(), "presence-c", nil)
			return model(resp, err, func() any { return resp.JSON200 })
		}, nil},
		{"GET /apps/3/channels/presence-c/users", "listChannelUsers", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().ListChannelUsersWithResponse(ctx, c.AppID(), "presence-c")
			return model(resp, err, func() any { return resp.JSON200 })
		}, nil},
	}
}

// model returns the result that the generated client decoded.
func model[T any](resp *T, err error, decoded func() any) (any, error) {
	if err != nil || resp == nil {
		return nil, err
	}
	return decoded(), nil
}

// operationNamed returns the operation with that name.
func operationNamed(t testing.TB, name string) operation {
	t.Helper()
	for _, op := range operations() {
		if op.name == name {
			return op
		}
	}
	t.Fatalf("unknown operation %q", name)
	return operation{}
}

// returnsOnlyError reports whether the call returns nothing but an error.
func (op operation) returnsOnlyError() bool { return op.publishes && op.emptyResult == nil }

// completeBody has a result for each operation.
const completeBody = `{"channels":{"presence-c":{"user_count":3}},"occupied":true,"user_count":3,"users":[{"id":"7"}],"batch":[{"user_count":3},{"user_count":4}]}`

// completeResult returns the part of completeBody that belongs to the operation.
func completeResult(op operation) json.RawMessage {
	part, ok := map[string]string{
		"triggerEvent":     `{"channels":{"presence-c":{"user_count":3}}}`,
		"triggerBatch":     `{"batch":[{"user_count":3},{"user_count":4}]}`,
		"listChannels":     `{"channels":{"presence-c":{"user_count":3}}}`,
		"getChannel":       `{"occupied":true,"user_count":3}`,
		"listChannelUsers": `{"users":[{"id":"7"}]}`,
	}[op.id]
	if !ok {
		part = completeBody
	}
	return json.RawMessage(part)
}
