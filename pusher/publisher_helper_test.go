package pusher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// noContext is what a caller may get wrong.
var noContext context.Context

// newPublisher returns a publisher that is closed with the test.
func newPublisher(t testing.TB, client *pusher.Client, opts ...pusher.PublisherOption) *pusher.Publisher {
	t.Helper()
	publisher, err := client.NewPublisher(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := publisher.Close(context.Background()); err != nil {
			t.Errorf("Close = %v, want no error", err)
		}
	})
	return publisher
}

// A parcel is one request of a publisher.
type parcel struct {
	at       time.Duration // since the wire was made
	resource string        // the last part of its path
	channels []string      // of its events
	data     []string
}

// wire is a transport that keeps the requests it carries and answers what it is
// told to, or else {}.
type wire struct {
	answer func(parcel) (*http.Response, error) // nil accepts everything
	took   time.Duration                        // for each request

	start time.Time
	mu    sync.Mutex
	sent  []parcel
}

func newWire(answer func(parcel) (*http.Response, error)) *wire {
	return &wire{answer: answer, start: time.Now()}
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	p, err := w.unpack(req)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.sent = append(w.sent, p)
	w.mu.Unlock()
	if w.took > 0 {
		select {
		case <-time.After(w.took):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if w.answer != nil {
		if resp, err := w.answer(p); resp != nil || err != nil {
			return resp, err
		}
	}
	return response(http.StatusOK, "{}", nil), nil
}

func (w *wire) unpack(req *http.Request) (parcel, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return parcel{}, err
	}
	var content struct {
		Channels []string
		Data     string
		Batch    []struct{ Channel, Data string }
	}
	if err := json.Unmarshal(body, &content); err != nil {
		return parcel{}, err
	}
	p := parcel{time.Since(w.start), path.Base(req.URL.Path), content.Channels, nil}
	for range content.Channels {
		p.data = append(p.data, content.Data)
	}
	for _, event := range content.Batch {
		p.channels = append(p.channels, event.Channel)
		p.data = append(p.data, event.Data)
	}
	return p, nil
}

// parcels are the requests so far.
func (w *wire) parcels() []parcel {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sent)
}

// data are those of each request, joined, and when it left.
func (w *wire) times() (texts []string, at []time.Duration) {
	for _, p := range w.parcels() {
		texts = append(texts, strings.Join(p.data, " "))
		at = append(at, p.at)
	}
	return texts, at
}

// overWire makes a client of the wire's, with fixed pauses.
func overWire(t testing.TB, w *wire, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	return newClient(t, append([]pusher.Option{pusher.WithHTTPClient(&http.Client{Transport: w})}, opts...)...)
}

// publish publishes one event for each of the data on a channel.
func publish(t testing.TB, p *pusher.Publisher, channel string, data ...string) {
	t.Helper()
	for _, text := range data {
		if err := p.Publish(t.Context(), pusher.Event{Channel: channel, Name: "e", Data: text}); err != nil {
			t.Fatalf("Publish(%s, %s) = %v, want no error", channel, text, err)
		}
	}
}

func flush(t testing.TB, p *pusher.Publisher) {
	t.Helper()
	if err := p.Flush(t.Context()); err != nil {
		t.Fatalf("Flush = %v, want no error", err)
	}
}

// notebook keeps reports.
type notebook struct {
	mu      sync.Mutex
	reports []pusher.Report
}

func (n *notebook) write(_ context.Context, r pusher.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports = append(n.reports, r)
}

func (n *notebook) option() pusher.PublisherOption { return pusher.OnReport(n.write) }

func (n *notebook) all() []pusher.Report {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.reports)
}

// logs keeps the lines that a client logs.
type logs struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(line)
}

func (l *logs) option() pusher.Option {
	return pusher.WithLogger(slog.New(slog.NewTextHandler(l, nil)))
}

// lines of the level.
func (l *logs) lines(level slog.Level) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.buffer.String()) {
		if strings.Contains(line, "level="+level.String()) {
			found = append(found, line)
		}
	}
	return found
}
