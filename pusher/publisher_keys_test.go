package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// sentEvent is an event of a request body.
type sentEvent struct {
	Channel        string
	Channels       []string
	Data           string
	IdempotencyKey string `json:"idempotency_key"`
}

// eventsOf returns the events of a request body.
func eventsOf(t *testing.T, r received) []sentEvent {
	t.Helper()
	var body struct {
		sentEvent
		Batch []sentEvent
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatalf("body %s: %v", r.body, err)
	}
	if body.Batch != nil {
		return body.Batch
	}
	return []sentEvent{body.sentEvent}
}

// An event keeps its key when it is sent again, in whatever request.
func TestPublisher_IdempotencyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := serve(t, inOrder(respond(500, ""), respond(500, ""), respond(400, "no"), respond(200, "{}")))
		results := &resultLog{}
		p := newPublisher(t, client, pusher.PublisherConfig{IdempotencyKeys: true, OnResult: results.add})
		if err := p.PublishMulti(t.Context(), []string{"a", "b", "c", "d"}, pusher.Event{Name: "e", Data: "multi", Metadata: 7}); err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(t.Context(), pusher.Event{Channel: "f", Name: "e", Data: "own", IdempotencyKey: "order-7"}); err != nil {
			t.Fatal(err)
		}
		flush(t, p)

		keys := map[string]string{} // by channel
		channelOf := map[string]string{}
		for _, r := range server.requests() {
			for _, event := range eventsOf(t, r) {
				channel := event.Channel
				if channel == "" && len(event.Channels) == 1 {
					channel = event.Channels[0]
				}
				if keys[channel] == "" {
					keys[channel] = event.IdempotencyKey
				}
				if other := channelOf[event.IdempotencyKey]; other != "" && other != channel || event.IdempotencyKey != keys[channel] || event.IdempotencyKey == "" {
					t.Errorf("%s was sent with key %q, want one key for each channel, always the same", r.body, event.IdempotencyKey)
				}
				channelOf[event.IdempotencyKey] = channel
			}
		}
		if len(keys) != 5 || keys["f"] != "order-7" {
			t.Errorf("keys %v, want one for each of 5 channels, and the event's own", keys)
		}
		for _, r := range results.all() {
			if r.Err == nil && r.Event.IdempotencyKey != keys[r.Event.Channel] || r.Event.Channel != "f" && r.Event.Metadata != 7 {
				t.Errorf("result of %+v, want key %q and the metadata", r.Event, keys[r.Event.Channel])
			}
		}
	})
}

func TestPublisher_PublishMulti_IdempotencyKey(t *testing.T) {
	p := newPublisher(t, newPublishServer(nil).client(t), pusher.PublisherConfig{})
	err := p.PublishMulti(t.Context(), []string{"a", "b"}, pusher.Event{Name: "e", IdempotencyKey: "k"})
	sameError(t, "PublishMulti", err, wantError{Op: "PublishMulti", Kind: pusher.ErrInvalid})
}

// One in 20 responses is lost after the server has processed the request. PUSHER_EVENTS
// and PUSHER_SEED set the number of events and the seed.
func TestPublisher_LostResponses(t *testing.T) {
	number := func(name string, otherwise uint64) uint64 {
		if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	total, seed := int(number("PUSHER_EVENTS", 10_000)), number("PUSHER_SEED", rand.Uint64())
	t.Logf("%d events, seed %d", total, seed)
	server := pushertest.NewServer(pushertest.WithIdempotencyKeys(true))
	defer server.Close()
	var requests, lost atomic.Int64
	lossy := roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(req)
		random := rand.New(rand.NewPCG(seed, uint64(requests.Add(1))))
		if err == nil && random.IntN(20) == 0 {
			lost.Add(1)
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			return nil, errReset
		}
		return resp, err
	})
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	client := newClient(t, over(lossy), pusher.WithBaseURL(server.URL), pusher.WithRetry(pusher.Retry{BaseDelay: time.Millisecond}))
	p := newPublisher(t, client, pusher.PublisherConfig{IdempotencyKeys: true})
	const channels = 50
	for i := range total {
		event := pusher.Event{Channel: fmt.Sprint("c", i%channels), Name: "e", Data: strconv.Itoa(i)}
		if err := p.Publish(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, p)

	next := map[string]int{}
	events := server.Events()
	for _, event := range events {
		if want := next[event.Channel]*channels + channelNumber(t, event.Channel); event.Data != strconv.Itoa(want) {
			t.Fatalf("%s was delivered event %s, want %d: each event once, in order", event.Channel, event.Data, want)
		}
		next[event.Channel]++
	}
	if len(events) != total || lost.Load() == 0 {
		t.Errorf("%d events were delivered and %d of %d responses lost, want %d events", len(events), lost.Load(), requests.Load(), total)
	}
}

func channelNumber(t *testing.T, channel string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(channel, "c"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Batches and requests for several channels are filled up to the limit.
func TestPublisher_MaxBodyBytes(t *testing.T) {
	const limit = 1000
	synctest.Test(t, func(t *testing.T) {
		client, server := serve(t, after(time.Millisecond, respond(200, "{}")), pusher.WithMaxBodyBytes(limit))
		p := newPublisher(t, client, pusher.PublisherConfig{Concurrency: 1})
		for i := range 100 {
			publish(t, p, fmt.Sprint("c", i), strings.Repeat("x", 150))
		}
		var many []string
		for i := range 100 {
			many = append(many, fmt.Sprint("a-long-channel-name-", i))
		}
		if err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e", Data: "d"}); err != nil {
			t.Fatal(err)
		}
		flush(t, p)
		events, largest := 0, 0
		requests := server.requests()
		for _, r := range requests {
			largest = max(largest, len(r.body))
			for _, event := range eventsOf(t, r) {
				events += max(1, len(event.Channels))
			}
		}
		if events != 200 || largest > limit || largest < limit*3/4 || len(requests) > 40 {
			t.Errorf("%d events in %d requests of up to %d bytes, want 200 in at most 40 of up to %d", events, len(requests), largest, limit)
		}

		err := p.Publish(context.Background(), pusher.Event{Channel: "c", Name: "e", Data: strings.Repeat("x", limit)})
		if sameError(t, "Publish", err, wantError{Op: "Publish", Kind: pusher.ErrTooLarge}); !errors.Is(err, pusher.ErrInvalid) || p.Stats().Queued != 0 {
			t.Errorf("Publish = %v with %+v, want %v and nothing queued", err, p.Stats(), pusher.ErrInvalid)
		}
	})
}
