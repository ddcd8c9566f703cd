package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// TestOdditiesOfCompatibleServersAreReadAsWhatTheyMean, with exact results. The
// shapes are those of soketi, Reverb, Sockudo, ipe and laravel-websockets.
func TestOdditiesOfCompatibleServersAreReadAsWhatTheyMean(t *testing.T) {
	n := func(i int) *int { return &i }
	type counts = pusher.ChannelCounts
	channels := func(c map[string]counts) any { return &pusher.ChannelList{Channels: c} }
	users := func(ids ...string) any {
		list := &pusher.ChannelUserList{Users: []pusher.ChannelUser{}}
		for _, id := range ids {
			list.Users = append(list.Users, pusher.ChannelUser{ID: id})
		}
		return list
	}
	tests := []struct {
		name, op, body string
		want           any
	}{
		{"no count that was not told", "Channels", `{"channels":{"c":{}}}`, channels(map[string]counts{"c": {}})},
		{"a count of none is told", "Channels", `{"channels":{"c":{"user_count":0}}}`, channels(map[string]counts{"c": {UserCount: n(0)}})},
		{"a count of null is not told", "Channels", `{"channels":{"c":{"user_count":null}}}`, channels(map[string]counts{"c": {}})},
		{"no channels as Pusher says it", "Channels", `{"channels":{}}`, channels(map[string]counts{})},
		{"no channels as PHP says it", "Channels", "{\"channels\":[ \n]}", channels(map[string]counts{})},
		{"no channels as null", "Channels", `{"channels":null}`, channels(map[string]counts{})},
		{"soketi's entries", "Channels", `{"channels":{"c":{"subscription_count":2,"occupied":true}}}`, channels(map[string]counts{"c": {SubscriptionCount: n(2)}})},

		{"a vacant channel", "ChannelInfo", `{"occupied":false}`, &pusher.ChannelInfo{}},
		{"all of a channel", "ChannelInfo", `{"occupied":true,"user_count":0,"subscription_count":42,"cache":{"data":"event data","ttl":60}}`,
			&pusher.ChannelInfo{Occupied: true, UserCount: n(0), SubscriptionCount: n(42), Cache: &pusher.CachedEvent{Data: "event data", TTL: n(60)}}},
		{"an empty cache", "ChannelInfo", `{"occupied":true,"cache":null}`, &pusher.ChannelInfo{Occupied: true}},
		{"Reverb's cache without a time to live", "ChannelInfo", `{"occupied":true,"cache":{"event":"e","channel":"c","data":"d"}}`,
			&pusher.ChannelInfo{Occupied: true, Cache: &pusher.CachedEvent{Data: "d"}}},
		{"cached data that is an object", "ChannelInfo", `{"occupied":true,"cache":{"data":{"a":[1]},"ttl":0}}`,
			&pusher.ChannelInfo{Occupied: true, Cache: &pusher.CachedEvent{Data: `{"a":[1]}`, TTL: n(0)}}},

		{"users as Pusher says it", "ChannelUsers", `{"users":[{"id":"1"},{"id":"2"}]}`, users("1", "2")},
		{"nobody", "ChannelUsers", `{"users":[]}`, users()},
		{"ipe's nobody", "ChannelUsers", `{"users":null}`, users()},
		{"Reverb's users by number", "ChannelUsers", `{"users":{"0":{"id":"a"},"2":{"id":"b"}}}`, users("a", "b")},
		{"nobody as an object", "ChannelUsers", `{"users":{}}`, users()},
		{"soketi's IDs that are numbers", "ChannelUsers", `{"users":[{"id":10},{"id":"11"},{"id":9007199254740993}]}`, users("10", "11", "9007199254740993")},

		{"counts of a trigger", "Trigger", `{"channels":{"presence-c":{"user_count":0}}}`, &pusher.TriggerResult{Channels: map[string]counts{"presence-c": {UserCount: n(0)}}}},
		{"a dedicated cluster's event IDs", "Trigger", `{"event_ids":{"ch1":"ch1_event_id"}}`, &pusher.TriggerResult{EventIDs: map[string]string{"ch1": "ch1_event_id"}}},
		{"the documentation's batch", "TriggerBatch", `{"batch":[{"user_count":42,"subscription_count":51},{},{"subscription_count":13}]}`,
			&pusher.BatchResult{Batch: []counts{{UserCount: n(42), SubscriptionCount: n(51)}, {}, {SubscriptionCount: n(13)}}}},
		{"Sockudo's fields that the document does not know", "TriggerBatch", `{"batch":[{"acknowledgement_id":"x"}],"serials":[1]}`, &pusher.BatchResult{Batch: []counts{{}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := named(t, tt.op).call(context.Background(), serve(t, answer(200, jsn, tt.body)))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s = %+v, %v, want %+v", tt.op, got, err, tt.want)
			}
		})
	}
}

func TestUsersAndCachesThatCannotBeMeantAreErrors(t *testing.T) {
	tests := []struct{ name, op, body string }{
		{"a user without an ID", "ChannelUsers", `{"users":[{"id":"1"},{}]}`},
		{"a user whose ID is null", "ChannelUsers", `{"users":[{"id":null}]}`},
		{"a user whose ID is an object", "ChannelUsers", `{"users":[{"id":{}}]}`},
		{"a user that is null among IDs that are numbers", "ChannelUsers", `{"users":[null,{"id":1}]}`},
		{"a user that is null in an object", "ChannelUsers", `{"users":{"a":null}}`},
		{"a channel that is a list", "Channels", `{"channels":{"c":[1]}}`},
		{"a list of channels", "Channels", `{"channels":["c"]}`},
		{"a count that is a text", "Channels", `{"channels":{"c":{"user_count":"1"}}}`},
		{"a cache that is a list", "ChannelInfo", `{"occupied":true,"cache":[]}`},
		{"a cache without data", "ChannelInfo", `{"occupied":true,"cache":{"ttl":1}}`},
		{"a time to live that is a text", "ChannelInfo", `{"occupied":true,"cache":{"data":"d","ttl":"1"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := named(t, tt.op).call(context.Background(), serve(t, answer(200, jsn, tt.body)))
			sameError(t, fmt.Sprintf("%s (%+v)", tt.op, got), err, pusher.Error{Op: tt.op, Kind: pusher.ErrServer, Status: 200, Message: unusable})
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var visits atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		answer(200, jsn, `{"channels":{},"occupied":true,"users":[]}`)(w, r)
	}))
	defer target.Close()

	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, target.URL+r.RequestURI, status)
			})
			for _, op := range operations() {
				_, err := op.call(context.Background(), client)
				var e *pusher.Error
				if !errors.As(err, &e) || e.Kind != pusher.ErrServer || e.Status != status || !strings.Contains(e.Message, "leads to "+target.URL+"/apps/3/") {
					t.Errorf("%s = %v, want %v with status %d and where it leads", op.name, err, pusher.ErrServer, status)
				}
			}
		})
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("the redirects' target got %d requests, want none", n)
	}
}

func TestARedirectToNowhere(t *testing.T) {
	tests := []struct{ name, location, want string }{
		{"no Location", "", "redirects are not followed; this one leads to nowhere"},
		{"a Location longer than a message", "http://elsewhere.example/" + strings.Repeat("x", 5000),
			"redirects are not followed; this one leads to http://elsewhere.example/" + strings.Repeat("x", 950) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(302)
			})
			_, err := client.Channels(context.Background(), pusher.ChannelsParams{})
			sameError(t, "Channels", err, pusher.Error{Op: "Channels", Kind: pusher.ErrServer, Status: 302, Message: tt.want})
		})
	}
}

// TestABodyCutShort: a question has no answer then, but what was accepted was
// accepted, and what was refused was refused.
func TestABodyCutShort(t *testing.T) {
	const lengthy, chunked = "Content-Length: 99\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"
	tests := []struct {
		name, answer    string
		query           pusher.Error
		cause           error
		publishAccepted bool
		publish         pusher.Error
	}{
		{name: "200 with too little", answer: "HTTP/1.1 200 OK\r\n" + lengthy + `{"channels":{}`,
			query: pusher.Error{Kind: pusher.ErrHTTP, Status: 200}, cause: io.ErrUnexpectedEOF, publishAccepted: true},
		{name: "200 without the last chunk", answer: "HTTP/1.1 200 OK\r\n" + chunked + "2\r\n{}\r\n",
			query: pusher.Error{Kind: pusher.ErrHTTP, Status: 200}, cause: io.ErrUnexpectedEOF, publishAccepted: true},
		{name: "200 with nothing of what it promised", answer: "HTTP/1.1 202 OK\r\n" + lengthy,
			query: pusher.Error{Kind: pusher.ErrHTTP, Status: 202}, cause: io.ErrUnexpectedEOF, publishAccepted: true},
		{name: "a page cut short is a page still", answer: "HTTP/1.1 200 OK\r\n" + lengthy + "<html>",
			query:   pusher.Error{Kind: pusher.ErrServer, Status: 200, Message: unusable},
			publish: pusher.Error{Kind: pusher.ErrServer, Status: 200, Message: unusable}},
		{name: "a refusal cut short", answer: "HTTP/1.1 403 Forbidden\r\n" + lengthy + "over qu",
			query:   pusher.Error{Kind: pusher.ErrForbidden, Status: 403, Message: "over qu"},
			publish: pusher.Error{Kind: pusher.ErrForbidden, Status: 403, Message: "over qu"}},
		{name: "no answer at all", answer: "",
			query: pusher.Error{Kind: pusher.ErrHTTP}, cause: io.EOF, publish: pusher.Error{Kind: pusher.ErrHTTP}},
		{name: "half a status line", answer: "HTTP/1.1 20",
			query: pusher.Error{Kind: pusher.ErrHTTP}, publish: pusher.Error{Kind: pusher.ErrHTTP}},
		{name: "another protocol", answer: "SSH-2.0-OpenSSH_9.6\r\n",
			query: pusher.Error{Kind: pusher.ErrHTTP}, publish: pusher.Error{Kind: pusher.ErrHTTP}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serveRaw(t, tt.answer)
			for _, op := range operations() {
				_, err := op.call(context.Background(), client)
				want := tt.query
				if op.publishes {
					want = tt.publish
				}
				want.Op = op.name
				switch {
				case op.publishes && tt.publishAccepted:
					if err != nil {
						t.Errorf("%s = %v, want no error", op.name, err)
					}
				default:
					sameError(t, op.name, err, want)
				}
				if !op.publishes && tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("%s = %v, want one that is %v", op.name, err, tt.cause)
				}
			}
		})
	}
}

// TestAServerThatNeverAnswers: the caller's context and the client's timeout both
// end a call, and the error says which it was.
func TestAServerThatNeverAnswers(t *testing.T) {
	hang := roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	tests := []struct {
		name    string
		context func() (context.Context, context.CancelFunc)
		after   time.Duration
		want    error
	}{
		{"the timeout ends it", func() (context.Context, context.CancelFunc) {
			return context.WithCancel(context.Background())
		}, 7 * time.Second, context.DeadlineExceeded},
		{"the context's deadline ends it", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 3*time.Second)
		}, 3 * time.Second, context.DeadlineExceeded},
		{"cancelling ends it", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(2*time.Second, cancel)
			return ctx, cancel
		}, 2 * time.Second, context.Canceled},
		{"a context that has ended sends nothing", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return ctx, cancel
		}, 0, context.Canceled},
	}
	for _, tt := range tests {
		for _, op := range operations() {
			t.Run(tt.name+": "+op.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := newClient(t, over(hang), pusher.WithTimeout(7*time.Second))
					ctx, cancel := tt.context()
					defer cancel()
					start := time.Now()
					_, err := op.call(ctx, client)
					sameError(t, op.name, err, pusher.Error{Op: op.name, Kind: pusher.ErrHTTP})
					if took := time.Since(start); !errors.Is(err, tt.want) || took != tt.after {
						t.Errorf("%s = %v after %v, want one that is %v after %v", op.name, err, took, tt.want, tt.after)
					}
				})
			})
		}
	}
}

// TestABodyThatNeverEnds begins with status 200 and stops.
func TestABodyThatNeverEnds(t *testing.T) {
	stall := func(req *http.Request) (*http.Response, error) {
		resp := response(200, "", nil)
		resp.Body = stalled{req.Context()}
		return resp, nil
	}
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			_, err := op.call(context.Background(), newClient(t, over(stall)))
			switch {
			case op.publishes && err != nil:
				t.Errorf("%s = %v, want no error: it was accepted", op.name, err)
			case !op.publishes:
				sameError(t, op.name, err, pusher.Error{Op: op.name, Kind: pusher.ErrHTTP, Status: 200})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s = %v, want one that is %v", op.name, err, context.DeadlineExceeded)
				}
			}
		})
	}
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (stalled) Close() error { return nil }

// TestALiveServerThatNeverAnswers is the same over a wire: the connection ends
// with the call, which the server sees.
func TestALiveServerThatNeverAnswers(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := client.Trigger(ctx, "c", "e", "d")
	if !errors.Is(err, pusher.ErrHTTP) || !errors.Is(err, context.Canceled) {
		t.Errorf("Trigger = %v, want %v that is %v", err, pusher.ErrHTTP, context.Canceled)
	}

	client = serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, pusher.WithTimeout(time.Millisecond))
	_, err = client.Trigger(context.Background(), "c", "e", "d")
	var timeout net.Error
	if !errors.Is(err, pusher.ErrHTTP) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Trigger = %v, want %v that is %v and a timeout", err, pusher.ErrHTTP, context.DeadlineExceeded)
	}
}

// TestATransportMadeByHand may leave out what net/http always fills in.
func TestATransportMadeByHand(t *testing.T) {
	bare := func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, nil }
	if _, err := newClient(t, over(bare)).Trigger(context.Background(), "c", "e", "d"); err != nil {
		t.Errorf("Trigger answered by a response without header and body = %v, want no error", err)
	}
}

// TestARequestThatCannotBeSignedIsNotSent, nor repeated: it would not get better.
func TestARequestThatCannotBeSignedIsNotSent(t *testing.T) {
	sent := 0
	client := newClient(t, pusher.WithRetry(pusher.Retry{Attempts: 5}), over(func(*http.Request) (*http.Response, error) {
		sent++
		return response(200, `{"channels":{}}`, nil), nil
	}))
	badEscape := func(_ context.Context, req *http.Request) error {
		req.URL.RawQuery = "filter_by_prefix=%zz"
		return nil
	}
	_, err := client.API().ListChannelsWithResponse(context.Background(), client.AppID(), nil, badEscape)
	sameError(t, "ListChannels with a bad escape", err, pusher.Error{Op: "GET /apps/3/channels", Kind: pusher.ErrInvalid})

	broken := failing{io.ErrClosedPipe}
	_, err = client.API().TriggerEventWithBodyWithResponse(context.Background(), client.AppID(), jsn, broken)
	sameError(t, "TriggerEvent with a body that cannot be read", err, pusher.Error{Op: "POST /apps/3/events", Kind: pusher.ErrInvalid})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("TriggerEvent with a body that cannot be read = %v, want one that is %v", err, io.ErrClosedPipe)
	}
	if sent != 0 {
		t.Errorf("%d requests were sent, want none", sent)
	}
}
