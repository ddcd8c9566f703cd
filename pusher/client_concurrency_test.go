package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
)

// echo responds with the number in the request's path, body or prefix, so that a
// response that reaches the wrong caller is detected.
func echo(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := verify(r, time.Now())
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, number, _ := strings.Cut(r.URL.Path+body+r.URL.Query().Get("filter_by_prefix"), "presence-n")
		number, _, _ = strings.Cut(number, "x")
		switch path := strings.TrimPrefix(r.URL.Path, "/apps/3"); {
		case path == "/events":
			_, _ = fmt.Fprintf(w, `{"channels":{"presence-n%[1]sx":{"user_count":%[1]s}}}`, number)
		case path == "/batch_events":
			_, _ = fmt.Fprintf(w, `{"batch":[{"user_count":%s}]}`, number)
		case path == "/channels":
			_, _ = fmt.Fprintf(w, `{"channels":{"presence-n%[1]sx":{"user_count":%[1]s}}}`, number)
		case strings.HasSuffix(path, "/users"):
			_, _ = fmt.Fprintf(w, `{"users":[{"id":%s}]}`, number) // numeric, so that it is normalized
		case strings.HasPrefix(path, "/channels/"):
			_, _ = fmt.Fprintf(w, `{"occupied":true,"user_count":%s}`, number)
		case strings.HasPrefix(path, "/forbidden/"):
			http.Error(w, "error "+number, http.StatusForbidden)
		default:
			_, _ = fmt.Fprintf(w, `{"n":"%s"}`, number)
		}
	}
}

// TestClient_Concurrent makes all kinds of calls on 500 goroutines. Each must receive
// its own response.
func TestClient_Concurrent(t *testing.T) {
	server := httptest.NewServer(echo(t))
	defer server.Close()
	client := newClient(t, pusher.WithBaseURL(server.URL), pusher.WithTimeout(time.Minute))
	ctx := context.Background()

	count := func(c pusher.ChannelCounts) string {
		if c.UserCount == nil {
			return "no count"
		}
		return fmt.Sprint(*c.UserCount)
	}
	// Each call returns the number in the response for the channel presence-nNx.
	calls := map[string]func(channel string) (string, error){
		"Trigger": func(channel string) (string, error) {
			result, err := client.Trigger(ctx, channel, "e", "d", pusher.WithInfo(pusher.UserCount))
			if err != nil {
				return "", err
			}
			return count(result.Channels[channel]), nil
		},
		"TriggerBatch": func(channel string) (string, error) {
			result, err := client.TriggerBatch(ctx, []pusher.Event{{Channel: channel, Name: "e", Data: map[string]any{"a": 1}}})
			if err != nil {
				return "", err
			}
			return count(result.Batch[0]), nil
		},
		"Channels": func(channel string) (string, error) {
			list, err := client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: channel, Info: []pusher.Attribute{pusher.UserCount}})
			if err != nil {
				return "", err
			}
			return count(list.Channels[channel]), nil
		},
		"Channel.Info": func(channel string) (string, error) {
			info, err := client.Channel(channel).Info(ctx, pusher.UserCount)
			if err != nil {
				return "", err
			}
			return fmt.Sprint(*info.UserCount), nil
		},
		"ChannelUsers": func(channel string) (string, error) {
			list, err := client.ChannelUsers(ctx, channel)
			if err != nil {
				return "", err
			}
			return list.Users[0].ID, nil
		},
		"Get": func(channel string) (string, error) {
			raw, err := client.Get(ctx, "/things/"+channel, nil)
			return strings.Trim(string(raw), `{"n:}`), err
		},
		"Post": func(channel string) (string, error) {
			raw, err := client.Post(ctx, "/things", []string{channel})
			return strings.Trim(string(raw), `{"n:}`), err
		},
		"Get, forbidden": func(channel string) (string, error) {
			_, err := client.Get(ctx, "/forbidden/"+channel, nil)
			var e *pusher.Error
			if !errors.As(err, &e) || !errors.Is(e, pusher.ErrForbidden) {
				return "", fmt.Errorf("Get = %w, want %w", err, pusher.ErrForbidden)
			}
			return strings.TrimPrefix(e.Message, "error "), nil
		},
		"API": func(channel string) (string, error) {
			resp, err := client.API().GetChannelWithResponse(ctx, client.AppID(), channel, &gen.GetChannelParams{})
			if err != nil {
				return "", err
			}
			return fmt.Sprint(*resp.JSON200.UserCount), nil
		},
	}
	names := make([]string, 0, len(calls))
	for name := range calls {
		names = append(names, name)
	}

	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			for j := range 3 {
				name, want := names[(i+j)%len(names)], fmt.Sprint(1000*j+i)
				got, err := calls[name]("presence-n" + want + "x")
				if err != nil || got != want {
					t.Errorf("%s for channel presence-n%sx = %q, %v, want %s", name, want, got, err, want)
				}
			}
		})
	}
	wg.Wait()
}
