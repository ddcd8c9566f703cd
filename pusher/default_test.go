package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestDefault(t *testing.T) {
	ctx := context.Background()
	t.Cleanup(func() { pusher.SetDefault(nil) })

	setEnv(t, nil)
	pusher.SetDefault(nil)
	if _, err := pusher.Default().Trigger(ctx, "c", "e", ""); !errors.Is(err, pusher.ErrConfiguration) {
		t.Errorf("Default().Trigger without an environment = %v, want %v", err, pusher.ErrConfiguration)
	}

	setEnv(t, map[string]string{"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42"})
	pusher.SetDefault(nil)
	if got, want := fmt.Sprint(pusher.Default()), "pusher.Client(https://api-eu.pusher.com/apps/42)"; got != want {
		t.Errorf("Default() = %s, want %s", got, want)
	}
	if first := pusher.Default(); pusher.Default() != first {
		t.Error("a second Default() returned another client")
	}

	client, err := pusher.New(app)
	if err != nil {
		t.Fatal(err)
	}
	pusher.SetDefault(client)
	if pusher.Default() != client {
		t.Error("Default() did not return the client given to SetDefault")
	}
}

// TestDefault_Concurrent checks that concurrent first calls return the same client.
func TestDefault_Concurrent(t *testing.T) {
	setEnv(t, map[string]string{"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42"})
	pusher.SetDefault(nil)
	t.Cleanup(func() { pusher.SetDefault(nil) })

	clients := make([]*pusher.Client, 100)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { clients[i] = pusher.Default() })
	}
	wg.Wait()
	for i, client := range clients {
		if client == nil || client != clients[0] {
			t.Errorf("Default() of goroutine %d = %p, want %p", i, client, clients[0])
		}
	}
}

// TestDefault_ConcurrentSetDefault checks that Default never returns nil, and that calls
// of Default and SetDefault do not race.
func TestDefault_ConcurrentSetDefault(t *testing.T) {
	setEnv(t, map[string]string{"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42"})
	t.Cleanup(func() { pusher.SetDefault(nil) })
	client := newClient(t)

	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 1000 {
				switch i % 4 {
				case 0:
					pusher.SetDefault(client)
				case 1:
					pusher.SetDefault(nil)
				default:
					if pusher.Default() == nil {
						t.Error("Default() = nil, want a client")
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
