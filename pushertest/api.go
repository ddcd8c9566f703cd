package pushertest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/gen/server"
)

// An api carries out requests that the gate has let pass.
type api struct{ state *state }

func (a *api) TriggerEvent(_ context.Context, request server.TriggerEventRequestObject) (server.TriggerEventResponseObject, error) {
	body := request.Body
	channels := body.Channels
	if body.Channel != nil {
		channels = []string{*body.Channel}
	}
	var events []Event
	for _, channel := range channels {
		event := Event{Channel: channel, Name: body.Name, Data: body.Data, SocketID: deref(body.SocketID), Info: body.Info}
		// The answer is a hash of unique channels: one named twice is one channel.
		if !slices.Contains(events, event) {
			events = append(events, event)
		}
	}
	a.state.trigger(events)

	result := server.TriggerEvent200JSONResponse{}
	if body.Info != "" {
		result.Channels = make(map[string]gen.ChannelCounts)
		for _, event := range events {
			result.Channels[event.Channel] = a.state.counts(event.Channel, strings.Split(body.Info, ","))
		}
	}
	return result, nil
}

func (a *api) TriggerBatch(_ context.Context, request server.TriggerBatchRequestObject) (server.TriggerBatchResponseObject, error) {
	var events []Event
	var counts []gen.ChannelCounts
	asked := false
	for _, e := range request.Body.Batch {
		events = append(events, Event{Channel: e.Channel, Name: e.Name, Data: e.Data, SocketID: deref(e.SocketID), Info: e.Info})
		counts = append(counts, a.state.counts(e.Channel, strings.Split(e.Info, ",")))
		asked = asked || e.Info != ""
	}
	a.state.trigger(events)
	result := server.TriggerBatch200JSONResponse{}
	if asked {
		result.Batch = counts
	}
	return result, nil
}

func (a *api) ListChannels(_ context.Context, request server.ListChannelsRequestObject) (server.ListChannelsResponseObject, error) {
	asked := stringsOf(request.Params.Info)
	channels := make(map[string]gen.ChannelCounts)
	for _, name := range a.state.occupied(deref(request.Params.FilterByPrefix)) {
		channels[name] = a.state.counts(name, asked)
	}
	return server.ListChannels200JSONResponse{Channels: channels}, nil
}

func (a *api) GetChannel(_ context.Context, request server.GetChannelRequestObject) (server.GetChannelResponseObject, error) {
	name := request.ChannelName
	asked := stringsOf(request.Params.Info)
	counts := a.state.counts(name, asked)
	answer := server.GetChannel200JSONResponse{
		Occupied:          a.state.isOccupied(name),
		UserCount:         counts.UserCount,
		SubscriptionCount: counts.SubscriptionCount,
	}
	if !slices.Contains(asked, cache) {
		return answer, nil
	}
	return channelWithCache{answer, a.state.cached(name)}, nil
}

// channelWithCache says null for a cache that is empty, where the generated model
// would leave it out.
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

func stringsOf[T ~string](list []T) []string {
	texts := make([]string, len(list))
	for i, value := range list {
		texts[i] = string(value)
	}
	return texts
}

// deref returns what s points at, or "".
func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
