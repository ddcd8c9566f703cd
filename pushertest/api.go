package pushertest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/server"
)

// api implements the operations of the generated server. Their requests have been
// authenticated and validated by an apiHandler.
type api struct {
	state       *state
	idempotency *idempotency
}

func (a *api) TriggerEvent(ctx context.Context, request server.TriggerEventRequestObject) (server.TriggerEventResponseObject, error) {
	keys := idempotencyKeysFrom(ctx)
	key := idempotencyKey{text: keys.request}
	defer a.idempotency.lock(keys)()
	if first, ok := a.idempotency.get(key); ok {
		return first.(server.TriggerEvent200JSONResponse), nil
	}

	body := request.Body
	channels := body.Channels
	if body.Channel != nil {
		channels = []string{*body.Channel}
	}
	var events []Event
	for _, channel := range unique(channels) { // the response has unique channels
		events = append(events, Event{Channel: channel, Name: body.Name, Data: body.Data, SocketID: deref(body.SocketID), Info: body.Info})
	}
	a.state.trigger(events)
	response := a.triggerResponse(events...)
	a.idempotency.put(key, response)
	return response, nil
}

// triggerResponse returns the response to an event that was triggered on one or more
// channels.
func (a *api) triggerResponse(events ...Event) server.TriggerEvent200JSONResponse {
	response := server.TriggerEvent200JSONResponse{}
	for _, event := range events {
		if event.Info == "" {
			continue
		}
		if response.Channels == nil {
			response.Channels = make(map[string]gen.ChannelCounts)
		}
		response.Channels[event.Channel] = a.state.counts(event.Channel, strings.Split(event.Info, ","))
	}
	return response
}

func (a *api) TriggerBatch(ctx context.Context, request server.TriggerBatchRequestObject) (server.TriggerBatchResponseObject, error) {
	keys := idempotencyKeysFrom(ctx)
	key := idempotencyKey{text: keys.request, isBatch: true}
	defer a.idempotency.lock(keys)()
	if first, ok := a.idempotency.get(key); ok {
		return first.(server.TriggerBatch200JSONResponse), nil
	}

	var events []Event
	var counts []gen.ChannelCounts
	hasInfo := false
	for i, e := range request.Body.Batch {
		event := Event{Channel: e.Channel, Name: e.Name, Data: e.Data, SocketID: deref(e.SocketID), Info: e.Info}
		counts = append(counts, a.state.counts(e.Channel, strings.Split(e.Info, ",")))
		hasInfo = hasInfo || e.Info != ""
		if _, ok := a.idempotency.get(keys.event(i)); ok {
			continue
		}
		events = append(events, event)
		a.idempotency.put(keys.event(i), a.triggerResponse(event))
	}
	a.state.trigger(events)
	response := server.TriggerBatch200JSONResponse{}
	if hasInfo {
		response.Batch = counts
	}
	a.idempotency.put(key, response)
	return response, nil
}

func (a *api) ListChannels(_ context.Context, request server.ListChannelsRequestObject) (server.ListChannelsResponseObject, error) {
	attributes := toStrings(request.Params.Info)
	channels := make(map[string]gen.ChannelCounts)
	for _, name := range a.state.occupied(deref(request.Params.FilterByPrefix)) {
		channels[name] = a.state.counts(name, attributes)
	}
	return server.ListChannels200JSONResponse{Channels: channels}, nil
}

func (a *api) GetChannel(_ context.Context, request server.GetChannelRequestObject) (server.GetChannelResponseObject, error) {
	name := request.ChannelName
	attributes := toStrings(request.Params.Info)
	counts := a.state.counts(name, attributes)
	response := server.GetChannel200JSONResponse{
		Occupied:          a.state.isOccupied(name),
		UserCount:         counts.UserCount,
		SubscriptionCount: counts.SubscriptionCount,
	}
	if !slices.Contains(attributes, attributeCache) {
		return response, nil
	}
	return channelWithCache{response, a.state.cached(name)}, nil
}

// channelWithCache encodes an empty cache as null. The generated model omits it.
type channelWithCache struct {
	server.GetChannel200JSONResponse
	Cache *gen.CachedEvent `json:"cache"`
}

func (c channelWithCache) VisitGetChannelResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(c)
}

func (a *api) ListChannelUsers(_ context.Context, request server.ListChannelUsersRequestObject) (server.ListChannelUsersResponseObject, error) {
	users := []gen.ChannelUser{}
	for _, id := range a.state.users(request.ChannelName) {
		users = append(users, gen.ChannelUser{ID: id})
	}
	return server.ListChannelUsers200JSONResponse{Users: users}, nil
}

func (a *api) TerminateUserConnections(_ context.Context, request server.TerminateUserConnectionsRequestObject) (server.TerminateUserConnectionsResponseObject, error) {
	a.state.terminate(request.UserID)
	return server.TerminateUserConnections200JSONResponse{}, nil
}

func toStrings[T ~string](list []T) []string {
	result := make([]string, len(list))
	for i, value := range list {
		result[i] = string(value)
	}
	return result
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
