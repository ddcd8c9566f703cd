package pusher_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	const channels, everything = `{"channels":{"presence-n%[1]dx":{"user_count":%[1]d}}}`, `{"channels":{"presence-n%[1]dx":{"user_count":%[1]d}},"batch":[{"user_count":%[1]d}],"users":[{"id":%[1]d}],"occupied":true,"user_count":%[1]d}`
	tests := []struct {
		name string
		call func(channel string) (any, error)
		want string // JSON of the result
	}{
		{"Trigger", func(channel string) (any, error) {
			return client.Trigger(ctx, channel, "e", "d", pusher.WithInfo(pusher.UserCount))
		}, channels},
		{"TriggerBatch", func(channel string) (any, error) {
			return client.TriggerBatch(ctx, []pusher.Event{{Channel: channel, Name: "e", Data: map[string]any{"a": 1}}})
		}, `{"batch":[{"user_count":%d}]}`},
		{"Channels", func(channel string) (any, error) {
			return client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: channel, Info: []pusher.Attribute{pusher.UserCount}})
		}, channels},
		{"Channel.Info", func(channel string) (any, error) { return client.Channel(channel).Info(ctx, pusher.UserCount) }, `{"occupied":true,"user_count":%d}`},
		{"ChannelUsers", func(channel string) (any, error) { return client.ChannelUsers(ctx, channel) }, `{"users":[{"id":"%d"}]}`},
		{"Get", func(channel string) (any, error) { return client.Get(ctx, "/things/"+channel, nil) }, everything},
		{"Post", func(channel string) (any, error) { return client.Post(ctx, "/things", []string{channel}) }, everything},
		{"Get, forbidden", func(channel string) (any, error) {
			_, err := client.Get(ctx, "/forbidden/"+channel, nil)
			var e *pusher.Error
			if !errors.As(err, &e) || !errors.Is(e, pusher.ErrForbidden) {
				return nil, fmt.Errorf("Get = %w, want %w", err, pusher.ErrForbidden)
			}
			return json.RawMessage(e.Message), nil
		}, "%d"},
		{"API", func(channel string) (any, error) {
			resp, err := client.API().GetChannelWithResponse(ctx, client.AppID(), channel, &gen.GetChannelParams{})
			return model(resp, err, func() any { return resp.JSON200 })
		}, `{"occupied":true,"user_count":%d}`},
	}
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			for j := range 3 {
				tt, n := tests[(i+j)%len(tests)], 1000*j+i
				got, err := tt.call(fmt.Sprintf("presence-n%dx", n))
				text, jsonErr := json.Marshal(got)
				if want := fmt.Sprintf(tt.want, n); errors.Join(err, jsonErr) != nil || string(text) != want {
					t.Errorf("%s = %s, %v, want %s", tt.name, text, err, want)
				}
			}
		})
	}
	wg.Wait()
}
