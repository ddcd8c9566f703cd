package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestWhenALaneSends(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name    string
		linger  time.Duration
		took    time.Duration // the time of a request
		publish func(t *testing.T, p *pusher.Publisher)
		want    []string
		at      []time.Duration
	}{
		{"an idle lane does not linger", 5 * ms, 0,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(5 * ms)
				publish(t, p, "c", "b")
			},
			[]string{"a", "b"}, []time.Duration{0, 5 * ms}},
		{"what follows closely waits until the lingering counted from the first is over", 5 * ms, 0,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(ms)
				publish(t, p, "c", "b")
				time.Sleep(ms)
				publish(t, p, "c", "c")
			},
			[]string{"a", "b c"}, []time.Duration{0, 5 * ms}},
		{"a full request leaves at once", 5 * ms, 0,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(ms)
				publish(t, p, "c", strings.Fields("1 2 3 4 5 6 7 8 9 10")...)
			},
			[]string{"a", "1 2 3 4 5 6 7 8 9 10"}, []time.Duration{0, ms}},
		{"events gather while a request is under way, lingering or not", 0, 20 * ms,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(ms)
				publish(t, p, "c", "b", "c")
			},
			[]string{"a", "b c"}, []time.Duration{0, 20 * ms}},
		{"a slow server needs no lingering", 5 * ms, 20 * ms,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(ms)
				publish(t, p, "c", "b")
			},
			[]string{"a", "b"}, []time.Duration{0, 20 * ms}},
		{"Flush does not linger", 5 * ms, 0,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(ms)
				publish(t, p, "c", "b")
				flush(t, p)
			},
			[]string{"a", "b"}, []time.Duration{0, ms}},
		{"Close does not linger", 5 * ms, 0,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(ms)
				publish(t, p, "c", "b")
				if err := p.Close(t.Context()); err != nil {
					t.Errorf("Close = %v, want no error", err)
				}
			},
			[]string{"a", "b"}, []time.Duration{0, ms}},
		{"one busy channel gets ten events a request", 5 * ms, 20 * ms,
			func(t *testing.T, p *pusher.Publisher) {
				publish(t, p, "c", "a")
				time.Sleep(ms)
				publish(t, p, "c", strings.Fields("0 1 2 3 4 5 6 7 8 9 10 11 12")...)
			},
			[]string{"a", "0 1 2 3 4 5 6 7 8 9", "10 11 12"}, []time.Duration{0, 20 * ms, 40 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(nil)
				w.took = tt.took
				p := newPublisher(t, overWire(t, w), pusher.Linger(tt.linger))
				synctest.Wait()
				tt.publish(t, p)
				time.Sleep(time.Second)
				texts, at := w.times()
				if !slices.Equal(texts, tt.want) || !slices.Equal(at, tt.at) {
					t.Errorf("the requests were %q at %v\nwant %q at %v", texts, at, tt.want, tt.at)
				}
			})
		})
	}
}

func TestLanesSendAtTheSameTimeAndAChannelKeepsToOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(nil)
		w.took = time.Second
		p := newPublisher(t, overWire(t, w), pusher.Lanes(4))
		for i := range 100 {
			publish(t, p, fmt.Sprint("c", i), "a")
			publish(t, p, fmt.Sprint("c", i), "b")
		}
		flush(t, p)
		busy := 0
		for _, parcel := range w.parcels() {
			if parcel.at == 0 {
				busy++
			}
		}
		if busy != 4 {
			t.Errorf("%d requests left at the start, want 4", busy)
		}
		// The lanes are chosen by chance, so only a bad choice would take as long.
		if took := time.Since(w.start); took > 15*time.Second {
			t.Errorf("200 events took %v in four lanes of ten events a second, want less than 15 s", took)
		}
		latest := map[string]string{}
		for _, parcel := range w.parcels() {
			for i, channel := range parcel.channels {
				if parcel.data[i] < latest[channel] {
					t.Errorf("on channel %s %q arrived after %q", channel, parcel.data[i], latest[channel])
				}
				latest[channel] = parcel.data[i]
			}
		}
	})
}

func TestPublishCapturesTheEvent(t *testing.T) {
	w := newWire(nil)
	reports := &notebook{}
	p := newPublisher(t, overWire(t, w), reports.option())
	data, info := []byte("as published"), []pusher.Attribute{pusher.UserCount}
	if err := p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Data: data, Info: info}); err != nil {
		t.Fatal(err)
	}
	copy(data, "changed later")
	info[0] = "rubbish"
	flush(t, p)
	if got := w.parcels()[0].data[0]; got != "as published" {
		t.Errorf("the event was sent with %q, want %q", got, "as published")
	}
	if got := reports.all()[0].Event.Info[0]; got != pusher.UserCount {
		t.Errorf("the report says that %q was asked for, want %q", got, pusher.UserCount)
	}
}

func TestPublishRefuses(t *testing.T) {
	p := newPublisher(t, overWire(t, newWire(nil)))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	good := pusher.Event{Channel: "c", Name: "e", Data: "d"}
	many := []string{"c", "d"}
	tests := []struct {
		name string
		err  error
		want pusher.Error
		is   error
	}{
		{"a bad channel", p.Publish(t.Context(), pusher.Event{Channel: "a b", Name: "e"}), pusher.Error{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"a reserved event name", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "pusher:e"}), pusher.Error{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"a bad socket ID", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", SocketID: "1"}), pusher.Error{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"data without an encoding", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Data: func() {}}), pusher.Error{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"too much data", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Data: strings.Repeat("a", 10_241)}), pusher.Error{Op: "Publish", Kind: pusher.ErrTooLarge}, pusher.ErrInvalid},
		{"an encrypted channel without a key", p.Publish(t.Context(), pusher.Event{Channel: "private-encrypted-c", Name: "e"}), pusher.Error{Op: "Publish", Kind: pusher.ErrConfiguration}, nil},
		{"no context", p.Publish(noContext, good), pusher.Error{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"a context that has ended", p.Publish(ended, good), pusher.Error{Op: "Publish", Kind: pusher.ErrHTTP}, context.Canceled},
		{"the zero value", new(pusher.Publisher).Publish(t.Context(), good), pusher.Error{Op: "Publish", Kind: pusher.ErrConfiguration}, nil},
		{"a nil publisher", (*pusher.Publisher)(nil).Publish(t.Context(), good), pusher.Error{Op: "Publish", Kind: pusher.ErrConfiguration}, nil},

		{"a second channel in the event for many", p.PublishMulti(t.Context(), many, good), pusher.Error{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"no channels", p.PublishMulti(t.Context(), nil, pusher.Event{Name: "e"}), pusher.Error{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"a bad channel among many", p.PublishMulti(t.Context(), []string{"c", "a b"}, pusher.Event{Name: "e"}), pusher.Error{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"an encrypted channel among many without a key", p.PublishMulti(t.Context(), []string{"c", "private-encrypted-c"}, pusher.Event{Name: "e"}), pusher.Error{Op: "PublishMulti", Kind: pusher.ErrConfiguration}, nil},
		{"data for many without an encoding", p.PublishMulti(t.Context(), many, pusher.Event{Name: "e", Data: func() {}}), pusher.Error{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"many without a context", p.PublishMulti(noContext, many, pusher.Event{Name: "e"}), pusher.Error{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"many with a context that has ended", p.PublishMulti(ended, many, pusher.Event{Name: "e"}), pusher.Error{Op: "PublishMulti", Kind: pusher.ErrHTTP, Message: "0 of 2 channels were queued"}, context.Canceled},

		{"Flush of the zero value", new(pusher.Publisher).Flush(t.Context()), pusher.Error{Op: "Flush", Kind: pusher.ErrConfiguration}, nil},
		{"Flush without a context", p.Flush(noContext), pusher.Error{Op: "Flush", Kind: pusher.ErrInvalid}, nil},
		{"Close of the zero value", new(pusher.Publisher).Close(t.Context()), pusher.Error{Op: "Close", Kind: pusher.ErrConfiguration}, nil},
		{"Close without a context", p.Close(noContext), pusher.Error{Op: "Close", Kind: pusher.ErrInvalid}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sameError(t, "the call", tt.err, tt.want)
			if tt.is != nil && !errors.Is(tt.err, tt.is) {
				t.Errorf("the call = %v, want %v", tt.err, tt.is)
			}
		})
	}
	flush(t, p)
	if stats := p.Stats(); stats.Sent+stats.Failed != 0 {
		t.Errorf("Stats() = %+v, want nothing sent or failed", stats)
	}
	if stats := new(pusher.Publisher).Stats(); stats.Latency != nil {
		t.Errorf("Stats() of the zero value = %+v, want the zero value", stats)
	}
}

func TestNewPublisherReportsEveryBadOption(t *testing.T) {
	client := newClient(t)
	_, err := client.NewPublisher(pusher.Lanes(0), pusher.Lanes(257), pusher.Linger(-1), pusher.QueueSize(0), pusher.OnReport(nil))
	sameError(t, "NewPublisher", err, pusher.Error{Op: "NewPublisher", Kind: pusher.ErrConfiguration})
	for _, want := range []string{"Lanes(0)", "Lanes(257)", "Linger(-1ns)", "QueueSize(0)", "OnReport"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("NewPublisher = %v, want it to name %s", err, want)
		}
	}
	_, err = new(pusher.Client).NewPublisher()
	sameError(t, "NewPublisher of the zero client", err, pusher.Error{Op: "NewPublisher", Kind: pusher.ErrConfiguration})
}

func TestPublishMultiSharesRequests(t *testing.T) {
	key := "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	channels := func(n int) []string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprint("c", i)
		}
		return names
	}
	tests := []struct {
		name     string
		channels []string
		want     []string // resource and number of channels of each request
	}{
		{"more than 100 are divided", channels(250), []string{"events 100", "events 100", "events 50"}},
		{"ten fit into a batch with others", channels(10), []string{"batch_events 10"}},
		{"eleven are one event", channels(11), []string{"events 11"}},
		{"an encrypted channel goes alone", append(channels(20), "private-encrypted-c"), []string{"events 20", "batch_events 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(nil)
				reports := &notebook{}
				p := newPublisher(t, overWire(t, w, pusher.WithEncryptionMasterKey(key)), pusher.Lanes(1), reports.option())
				event := pusher.Event{Name: "e", Data: map[string]int{"a": 1}}
				if err := p.PublishMulti(t.Context(), tt.channels, event); err != nil {
					t.Fatal(err)
				}
				flush(t, p)
				var got, reached []string
				for _, parcel := range w.parcels() {
					got = append(got, fmt.Sprint(parcel.resource, " ", len(parcel.channels)))
					reached = append(reached, parcel.channels...)
				}
				if !slices.Equal(got, tt.want) || !slices.Equal(reached, tt.channels) {
					t.Errorf("PublishMulti(%d channels) sent %q\nto %q\nwant %q", len(tt.channels), got, reached, tt.want)
				}
				for i, report := range reports.all() {
					if report.Err != nil || report.Event.Channel != tt.channels[i] || report.Event.Data == nil {
						t.Errorf("report %d = %+v, want that %s got the event", i, report, tt.channels[i])
					}
				}
				if n := len(reports.all()); n != len(tt.channels) {
					t.Errorf("%d reports, want %d", n, len(tt.channels))
				}
				for _, parcel := range w.parcels() {
					for i, channel := range parcel.channels {
						plain := parcel.data[i] == `{"a":1}`
						if encrypted := strings.HasPrefix(channel, "private-encrypted-"); plain == encrypted {
							t.Errorf("channel %s got %s, want it encrypted only on the encrypted channel", channel, parcel.data[i])
						}
					}
				}
			})
		})
	}
}

func TestAChannelGivenTwiceGetsTheEventOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(nil)
		p := newPublisher(t, overWire(t, w), pusher.Lanes(1))
		given := strings.Fields("a b a c d e f g h i j k l a b")
		if err := p.PublishMulti(t.Context(), given, pusher.Event{Name: "e"}); err != nil {
			t.Fatal(err)
		}
		flush(t, p)
		var reached []string
		for _, parcel := range w.parcels() {
			reached = append(reached, parcel.channels...)
		}
		if want := strings.Fields("a b c d e f g h i j k l"); !slices.Equal(reached, want) || p.Stats().Sent != int64(len(want)) {
			t.Errorf("PublishMulti(%q) reached %q, %d sent, want %q", given, reached, p.Stats().Sent, want)
		}
	})
}

func TestPublishMultiKeepsTheOrderOfItsChannels(t *testing.T) {
	w := newWire(nil)
	p := newPublisher(t, overWire(t, w), pusher.Lanes(3))
	many := make([]string, 60)
	for i := range many {
		many[i] = fmt.Sprint("c", i)
	}
	for i := range 5 {
		publish(t, p, "c7", fmt.Sprint(3*i))
		if err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e", Data: fmt.Sprint(3*i + 1)}); err != nil {
			t.Fatal(err)
		}
		publish(t, p, "c7", fmt.Sprint(3*i+2))
	}
	flush(t, p)
	var got []string
	for _, parcel := range w.parcels() {
		for i, channel := range parcel.channels {
			if channel == "c7" {
				got = append(got, parcel.data[i])
			}
		}
	}
	if want := strings.Fields("0 1 2 3 4 5 6 7 8 9 10 11 12 13 14"); !slices.Equal(got, want) {
		t.Errorf("channel c7 got %q, want %q", got, want)
	}
}

func TestReportsHaveTheCountsAskedFor(t *testing.T) {
	w := newWire(func(p parcel) (*http.Response, error) {
		if p.resource == "events" {
			var counts []string
			for i, channel := range p.channels {
				counts = append(counts, fmt.Sprintf(`%q:{"user_count":%d}`, channel, i))
			}
			return response(200, `{"channels":{`+strings.Join(counts, ",")+`}}`, nil), nil
		}
		return response(200, `{"batch":[{"subscription_count":7},{}]}`, nil), nil
	})
	reports := &notebook{}
	p := newPublisher(t, overWire(t, w), pusher.Lanes(1), reports.option())
	info := []pusher.Attribute{pusher.UserCount, pusher.SubscriptionCount}

	if err := p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Info: info}); err != nil {
		t.Fatal(err)
	}
	flush(t, p)
	many := make([]string, 12)
	for i := range many {
		many[i] = fmt.Sprint("presence-", i)
	}
	if err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e", Info: info}); err != nil {
		t.Fatal(err)
	}
	flush(t, p)

	all := reports.all()
	if counts := all[0].Counts; counts.SubscriptionCount == nil || *counts.SubscriptionCount != 7 || counts.UserCount != nil {
		t.Errorf("the report for c has %+v, want 7 subscriptions and no users", counts)
	}
	for i, report := range all[1:] {
		if count := report.Counts.UserCount; count == nil || *count != i {
			t.Errorf("the report for %s has %+v, want %d users", report.Event.Channel, report.Counts, i)
		}
	}
}
