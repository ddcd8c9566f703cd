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

// echo answers each request with the number in its channel's name, its user's ID
// or its body, so that a mixed-up answer shows.
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
			_, _ = fmt.Fprintf(w, `{"users":[{"id":%s}]}`, number) // a number, which has to be mended
		case strings.HasPrefix(path, "/channels/"):
			_, _ = fmt.Fprintf(w, `{"occupied":true,"user_count":%s}`, number)
		case strings.HasPrefix(path, "/refuse/"):
			http.Error(w, "no "+number, http.StatusForbidden)
		default:
			_, _ = fmt.Fprintf(w, `{"n":"%s"}`, number)
		}
	}
}

// TestOneClientServes500Goroutines that do all there is to do at once. Each must
// get its own answer.
func TestOneClientServes500Goroutines(t *testing.T) {
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
	// Each returns the number that came back for the channel presence-nNx.
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
			info, err := client.Channel(channel).Info(ctx)
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
		"Get, refused": func(channel string) (string, error) {
			_, err := client.Get(ctx, "/refuse/"+channel, nil)
			var e *pusher.Error
			if !errors.As(err, &e) || e.Kind != pusher.ErrForbidden {
				return "", fmt.Errorf("Get = %w, want %w", err, pusher.ErrForbidden)
			}
			return strings.TrimPrefix(e.Message, "no "), nil
		},
		"API": func(channel string) (string, error) {
			answer, err := client.API().GetChannelWithResponse(ctx, client.AppID(), channel, &gen.GetChannelParams{})
			if err != nil {
				return "", err
			}
			return fmt.Sprint(*answer.JSON200.UserCount), nil
		},
	}
	names := make([]string, 0, len(calls))
	for name := range calls {
		names = append(names, name)
	}

	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			for j := range 3 {
				name, want := names[(i+j)%len(names)], fmt.Sprint(1000*j+i)
				got, err := calls[name]("presence-n" + want + "x")
				if err != nil || got != want {
					t.Errorf("%s for channel presence-n%sx = %q, %v, want %s", name, want, got, err, want)
				}
			}
		})
	}
	all.Wait()
}

// TestTheDefaultClientIsMadeOnce, however many ask for it at the same time.
func TestTheDefaultClientIsMadeOnce(t *testing.T) {
	setEnv(t, map[string]string{"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42"})
	pusher.SetDefault(nil)
	t.Cleanup(func() { pusher.SetDefault(nil) })

	clients := make([]*pusher.Client, 100)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { clients[i] = pusher.Default() })
	}
	all.Wait()
	for i, client := range clients {
		if client == nil || client != clients[0] {
			t.Errorf("Default() of goroutine %d = %p, want %p", i, client, clients[0])
		}
	}
}
