package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

type spanKey struct{}

func TestWithObserver(t *testing.T) {
	var mu sync.Mutex
	var log []string
	observer := func(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, fmt.Sprintf("start %s %d: %s %s, %d channels, %d events, in %v",
			start.Operation, start.Attempt, start.Method, start.Path, start.Channels, start.Events, ctx.Value(spanKey{})))
		if start.RequestBytes != int64(len(`{"channels":["a","b"],"data":"d","name":"e"}`)) {
			t.Errorf("RequestBytes = %d", start.RequestBytes)
		}
		return context.WithValue(ctx, spanKey{}, fmt.Sprint("span ", start.Attempt)), func(end pusher.OperationEnd) {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, fmt.Sprintf("end %s %d: status %d, %d bytes, %d attempts, rate limited: %t",
				start.Operation, start.Attempt, end.Status, end.ResponseBytes, end.Attempts, errors.Is(end.Err, pusher.ErrRateLimited)))
		}
	}
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		_, _ = fmt.Fprint(w, "{}")
	}))
	defer server.Close()
	client, err := pusher.New(app,
		pusher.WithBaseURL(server.URL), pusher.WithObserver(observer), pusher.WithRetry(pusher.Retry{BaseDelay: time.Microsecond}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	if _, err := client.TriggerMulti(t.Context(), []string{"a", "b"}, "e", "d"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"start TriggerMulti 0: POST /apps/3/events, 2 channels, 1 events, in <nil>",
		"start TriggerMulti 1: POST /apps/3/events, 2 channels, 1 events, in span 0",
		"end TriggerMulti 1: status 429, 0 bytes, 1 attempts, rate limited: true",
		"start TriggerMulti 2: POST /apps/3/events, 2 channels, 1 events, in span 0",
		"end TriggerMulti 2: status 200, 2 bytes, 2 attempts, rate limited: false",
		"end TriggerMulti 0: status 200, 2 bytes, 2 attempts, rate limited: false",
	}
	if !slices.Equal(log, want) {
		t.Errorf("observed\n%s\nwant\n%s", strings.Join(log, "\n"), strings.Join(want, "\n"))
	}
}

func TestWithObserver_NoSecrets(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	observed := 0
	observer := func(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		check := func(v any) {
			observed++
			if text := fmt.Sprintf("%+v", v); strings.Contains(text, "auth_") || strings.Contains(text, "s3cret") {
				t.Errorf("observed %s", text)
			}
		}
		check(start)
		return ctx, func(end pusher.OperationEnd) { check(end) }
	}
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "key", Secret: "s3cret"},
		pusher.WithBaseURL(server.URL), pusher.WithObserver(observer))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	_, _ = client.Get(t.Context(), "/channels", nil)
	_, _ = client.API().ListChannels(t.Context(), "3", nil)
	if observed != 8 {
		t.Errorf("observed %d starts and ends, want 8", observed)
	}
}

// An observer may return neither a context nor a function.
func TestWithObserver_Nil(t *testing.T) {
	nothing := func(context.Context, pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		return nil, nil
	}
	client, err := pusher.New(app, pusher.WithDiscard(), pusher.WithObserver(nothing))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
		t.Errorf("Trigger = %v, want no error", err)
	}
	if _, err := pusher.New(app, pusher.WithObserver(nil)); !errors.Is(err, pusher.ErrConfiguration) {
		t.Errorf("New(WithObserver(nil)) = %v, want %v", err, pusher.ErrConfiguration)
	}
}
