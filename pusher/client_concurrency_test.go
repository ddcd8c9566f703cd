package pusher_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
)

// echo responds with the number in the request's path, body or prefix, so that a
// response that reaches the wrong caller is detected.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := verify(r, time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	_, number, _ := strings.Cut(r.URL.Path+body+r.URL.Query().Get("filter_by_prefix"), "presence-n")
	number, _, _ = strings.Cut(number, "x")
	if strings.Contains(r.URL.Path, "/forbidden/") {
		http.Error(w, number, http.StatusForbidden)
		return
	}
	// The user ID is numeric, so that it is normalized.
	_, _ = fmt.Fprintf(w, `{"channels":{"presence-n%[1]sx":{"user_count":%[1]s}},"batch":[{"user_count":%[1]s}],"users":[{"id":%[1]s}],"occupied":true,"user_count":%[1]s}`, number)
}

// TestClient_Concurrent makes all kinds of calls on 500 goroutines. Each must receive
// its own response.
func TestClient_Concurrent(t *testing.T) {
	client := newClient(t, pusher.WithBaseURL(listen(t, echo)), pusher.WithTimeout(time.Minute))
	ctx := t.Context()
	// Each call returns the number in the response for the channel presence-nNx.
	calls := map[string]func(channel string) (any, error){
		"Trigger": func(channel string) (any, error) {
			result, err := client.Trigger(ctx, channel, "e", "d", pusher.WithInfo(pusher.UserCount))
			if err != nil {
				return nil, err
			}
			return *result.Channels[channel].UserCount, nil
		},
		"TriggerBatch": func(channel string) (any, error) {
			result, err := client.TriggerBatch(ctx, []pusher.Event{{Channel: channel, Name: "e", Data: map[string]any{"a": 1}}})
			if err != nil {
				return nil, err
			}
			return *result.Batch[0].UserCount, nil
		},
		"Channels": func(channel string) (any, error) {
			list, err := client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: channel, Info: []pusher.Attribute{pusher.UserCount}})
			if err != nil {
				return nil, err
			}
			return *list.Channels[channel].UserCount, nil
		},
		"Channel.Info": func(channel string) (any, error) {
			info, err := client.Channel(channel).Info(ctx, pusher.UserCount)
			if err != nil {
				return nil, err
			}
			return *info.UserCount, nil
		},
		"ChannelUsers": func(channel string) (any, error) {
			list, err := client.ChannelUsers(ctx, channel)
			if err != nil {
				return nil, err
			}
			return list.Users[0].ID, nil
		},
		"Get": func(channel string) (any, error) {
			raw, err := client.Get(ctx, "/things/"+channel, nil)
			return numberIn(raw), err
		},
		"Post": func(channel string) (any, error) {
			raw, err := client.Post(ctx, "/things", []string{channel})
			return numberIn(raw), err
		},
		"Get, forbidden": func(channel string) (any, error) {
			_, err := client.Get(ctx, "/forbidden/"+channel, nil)
			var e *pusher.Error
			if !errors.As(err, &e) || !errors.Is(e, pusher.ErrForbidden) {
				return nil, fmt.Errorf("Get = %w, want %w", err, pusher.ErrForbidden)
			}
			return e.Message, nil
		},
		"API": func(channel string) (any, error) {
			resp, err := client.API().GetChannelWithResponse(ctx, client.AppID(), channel, &gen.GetChannelParams{})
			if err != nil {
				return nil, err
			}
			return *resp.JSON200.UserCount, nil
		},
	}
	names := slices.Sorted(maps.Keys(calls))

	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			for j := range 3 {
				name, want := names[(i+j)%len(names)], fmt.Sprint(1000*j+i)
				got, err := calls[name]("presence-n" + want + "x")
				if err != nil || fmt.Sprint(got) != want {
					t.Errorf("%s for channel presence-n%sx = %v, %v, want %s", name, want, got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

// numberIn returns the number in a response of echo.
func numberIn(raw json.RawMessage) json.Number {
	var body struct {
		UserCount json.Number `json:"user_count"`
	}
	_ = json.Unmarshal(raw, &body) // without a number, the test fails
	return body.UserCount
}
