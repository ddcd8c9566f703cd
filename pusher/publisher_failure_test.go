package pusher_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// Each failure is followed by success. An event is sent again, or fails at once.
func TestPublisher_Retries(t *testing.T) {
	tests := []struct {
		name    string
		failure failure
		// Error of the result; nil if the event was sent again.
		atLeastOnce, atMostOnce error
	}{
		{"no connection", withError(errDial), nil, nil},
		{"connection lost", withError(errReset), nil, pusher.ErrTransport},
		{"408", withStatus(408, ""), nil, pusher.ErrServer},
		{"425", withStatus(425, ""), nil, nil},
		{"429", withStatus(429, ""), nil, nil},
		{"429 with Retry-After", withStatus(429, "2"), nil, nil},
		{"500", withStatus(500, ""), nil, pusher.ErrServer},
		{"502", withStatus(502, ""), nil, pusher.ErrServer},
		{"503", withStatus(503, ""), nil, pusher.ErrServer},
		{"503 with Retry-After", withStatus(503, "2"), nil, pusher.ErrServer},
		{"504", withStatus(504, ""), nil, pusher.ErrServer},
		{"400", withStatus(400, ""), pusher.ErrInvalid, pusher.ErrInvalid},
		{"401", withStatus(401, ""), pusher.ErrAuthentication, pusher.ErrAuthentication},
		{"403", withStatus(403, ""), pusher.ErrForbidden, pusher.ErrForbidden},
		{"404", withStatus(404, ""), pusher.ErrNotFound, pusher.ErrNotFound},
		{"407", withStatus(407, ""), pusher.ErrTransport, pusher.ErrTransport},
		{"413", withStatus(413, ""), pusher.ErrTooLarge, pusher.ErrTooLarge},
		{"422", withStatus(422, ""), pusher.ErrInvalid, pusher.ErrInvalid},
		{"301", withStatus(301, ""), pusher.ErrServer, pusher.ErrServer},
		{"501", withStatus(501, ""), pusher.ErrServer, pusher.ErrServer},
		{"505", withStatus(505, ""), pusher.ErrServer, pusher.ErrServer},
		{"200 with HTML", func() (*http.Response, error) { return status(200, "", "<html>maintenance</html>") }, pusher.ErrServer, pusher.ErrServer},
		{"certificate", withError(x509.UnknownAuthorityError{}), pusher.ErrTLS, pusher.ErrTLS},
	}
	deliveries := []struct {
		name     string
		delivery pusher.Delivery
	}{{"AtLeastOnce", pusher.AtLeastOnce}, {"AtMostOnce", pusher.AtMostOnce}}
	for _, tt := range tests {
		for _, d := range deliveries {
			t.Run(tt.name+"/"+d.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					want := tt.atLeastOnce
					if d.delivery == pusher.AtMostOnce {
						want = tt.atMostOnce
					}
					s := newPublishServer(failFirst(tt.failure, tt.failure))
					results := &resultLog{}
					// The policy of the client makes no difference.
					client := s.client(t, pusher.WithRetry(pusher.Retry{Attempts: 5, Publishes: true}))
					p := newPublisher(t, client, pusher.PublisherConfig{Delivery: d.delivery, OnResult: results.add})
					publish(t, p, "c", "a")
					flush(t, p)

					all := results.all()
					if len(all) != 1 || !errors.Is(all[0].Err, want) || (want == nil) != (all[0].Err == nil) {
						t.Fatalf("results %+v, want one with error %v", all, want)
					}
					requests := 3
					if want != nil {
						requests = 1
						sameOp(t, all[0].Err, "Publish")
					}
					if n := len(s.received()); n != requests || all[0].Attempts != requests || p.Stats().Retries != int64(requests-1) {
						t.Errorf("%d requests, %d attempts, %d retries, want %d, %d, %d", n, all[0].Attempts, p.Stats().Retries, requests, requests, requests-1)
					}
				})
			})
		}
	}
}

func sameOp(t *testing.T, err error, op string) {
	t.Helper()
	var e *pusher.Error
	if !errors.As(err, &e) || e.Op != op {
		t.Errorf("%#v, want an *Error of %s", err, op)
	}
}

// With AtMostOnce a request is sent once, whatever the retry policy of the client.
func TestPublisher_AtMostOnce_OneAttemptPerRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(failFirst(withStatus(500, ""), withStatus(500, "")))
		client := s.client(t, pusher.WithRetry(pusher.Retry{Attempts: 10, Publishes: true}))
		p := newPublisher(t, client, pusher.PublisherConfig{Delivery: pusher.AtMostOnce})
		publish(t, p, "c", "a")
		flush(t, p)
		if n := len(s.received()); n != 1 || p.Stats().Failed != 1 {
			t.Errorf("%d requests and %d failed events, want 1 and 1", n, p.Stats().Failed)
		}
	})
}

// Events that share a batch with a rejected one are published, in order.
func TestPublisher_Split(t *testing.T) {
	digits := strings.Fields("0 1 2 3 4 5 6 7 8 9")
	for _, code := range []int{400, 413, 422} {
		for _, bad := range []string{"3", "0", "9", "0 1", "4 5 9", "0 1 2 3 4 5 6 7 8 9"} {
			t.Run(fmt.Sprint(code, "/", bad), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					bad := strings.Fields(bad)
					s := newPublishServer(rejecting(code, bad...))
					s.latency = time.Millisecond
					results := &resultLog{}
					p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1, Timeout: time.Minute, OnResult: results.add})
					publish(t, p, "x", "x")
					synctest.Wait()
					publish(t, p, "c", digits...)
					flush(t, p)
					var accepted []string
					for i, r := range results.all()[1:] {
						data := fmt.Sprint(r.Event.Data)
						if data != digits[i] || (r.Err != nil) != slices.Contains(bad, data) {
							t.Errorf("result %d is that of %s with error %v, want errors of %q only", i, data, r.Err, bad)
						}
						if r.Err == nil {
							accepted = append(accepted, data)
						}
					}
					if want := slices.DeleteFunc(slices.Clone(digits), func(d string) bool { return slices.Contains(bad, d) }); !slices.Equal(accepted, want) {
						t.Errorf("accepted %q, want %q", accepted, want)
					}
				})
			})
		}
	}

	t.Run("PublishMulti", func(t *testing.T) {
		s := newPublishServer(func(r publishRequest) (*http.Response, error) {
			if slices.Contains(r.channels, "c42") {
				return status(400, "", "no\n")
			}
			return nil, nil
		})
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1, OnResult: results.add})
		many := make([]string, 100)
		for i := range many {
			many[i] = fmt.Sprint("c", i)
		}
		if err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e"}); err != nil {
			t.Fatal(err)
		}
		flush(t, p)
		for _, r := range results.all() {
			if (r.Err != nil) != (r.Event.Channel == "c42") {
				t.Errorf("%s has error %v, want one for c42 only", r.Event.Channel, r.Err)
			}
		}
		if n := len(results.all()); n != 100 {
			t.Errorf("%d results, want 100", n)
		}
		if n := len(s.received()); n > 20 {
			t.Errorf("%d requests, want no more than 20", n)
		}
	})
}

// No event is at fault if the key is unknown: the batch is not split.
func TestPublisher_UnknownKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(func(publishRequest) (*http.Response, error) {
			return status(400, "", "Unknown auth_key \"278d425bdf160c739803\"\n")
		})
		s.latency = time.Millisecond
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{OnResult: results.add})
		publish(t, p, "c", "0")
		synctest.Wait()
		publish(t, p, "c", "1", "2", "3")
		flush(t, p)
		if n := len(s.received()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		for _, r := range results.all() {
			if !errors.Is(r.Err, pusher.ErrUnknownKey) {
				t.Errorf("%v has error %v, want %v", r.Event.Data, r.Err, pusher.ErrUnknownKey)
			}
		}
	})
}

// An event that the server always responds to with 500 is isolated and fails once.
func TestPublisher_Timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(rejecting(500, "poison"))
		s.latency = time.Millisecond
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1, Timeout: time.Minute, OnResult: results.add})
		for i := range 2000 {
			if i == 5 {
				publish(t, p, "bad", "poison")
			}
			publish(t, p, fmt.Sprint("c", i%100), fmt.Sprint(i))
		}
		time.Sleep(time.Second)
		publish(t, p, "bad", "behind it")
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
		for _, r := range results.all() {
			switch {
			case r.Event.Channel != "bad" && r.Latency > 2*time.Second:
				t.Errorf("%v took %v, want at most 2s", r.Event.Data, r.Latency)
			case r.Err != nil && r.Event.Data != "poison":
				t.Errorf("%v has error %v", r.Event.Data, r.Err)
			}
		}
		poison := results.of("poison")
		if len(poison) != 1 || !errors.Is(poison[0].Err, pusher.ErrServer) || !errors.Is(poison[0].Err, context.DeadlineExceeded) || poison[0].Latency != time.Minute {
			t.Fatalf("results %+v, want one with %v after a minute", poison, pusher.ErrServer)
		}
		sameError(t, "the result", poison[0].Err, wantError{Op: "Publish", Kind: pusher.ErrServer, Status: 500, Message: "no"})
		sent := 0
		for _, r := range s.received() {
			if slices.Contains(r.data, "poison") {
				sent++
			}
		}
		if want := fmt.Sprintf("in %d attempts", sent); poison[0].Attempts != sent || !strings.Contains(poison[0].Err.Error(), want) {
			t.Errorf("%d attempts and error %v, want %d", poison[0].Attempts, poison[0].Err, sent)
		}
	})
	t.Run("never sent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newPublishServer(nil)
			s.latency = 3 * time.Second
			results := &resultLog{}
			p := newPublisher(t, s.client(t), pusher.PublisherConfig{Timeout: time.Second, OnResult: results.add})
			publish(t, p, "c", "1")
			synctest.Wait()
			publish(t, p, "c", "2")
			flush(t, p)
			r := results.of("2")[0]
			if !errors.Is(r.Err, context.DeadlineExceeded) || kindOf(r.Err) != nil || r.Attempts != 0 {
				t.Errorf("result %+v, want %v and no attempt", r, context.DeadlineExceeded)
			}
		})
	})
}

// Events that the server always responds to with 500 do not keep others from being
// published.
func TestPublisher_FailingEvents(t *testing.T) {
	for _, share := range []int{100, 10, 5, 2} {
		t.Run(fmt.Sprint("1 in ", share), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPublishServer(rejecting(500, "failing"))
				s.latency = 5 * time.Millisecond
				results := &resultLog{}
				client := s.client(t, pusher.WithLogger(slog.New(slog.DiscardHandler)))
				p, err := client.NewPublisher(pusher.PublisherConfig{OnResult: results.add})
				if err != nil {
					t.Fatal(err)
				}
				for i := range 1000 {
					publish(t, p, fmt.Sprint("healthy", i), "healthy")
					if i%(share-1) == 0 {
						publish(t, p, fmt.Sprint("failing", i), "failing")
					}
				}
				time.Sleep(10 * time.Second)
				_ = p.Close(canceledAfter(t, 0))
				all := results.of("healthy")
				last := time.Duration(0)
				for _, r := range all {
					last = max(last, r.Latency)
					if r.Err != nil {
						t.Fatalf("a healthy event failed: %v", r.Err)
					}
				}
				t.Logf("the last healthy event was published after %v", last)
				if len(all) != 1000 {
					t.Errorf("%d healthy events have a result, want 1000", len(all))
				}
			})
		})
	}
}

// A server that resets connections whose request is too large, before its 413 is read,
// does not seem to be down.
func TestPublisher_LargeRequestsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(func(r publishRequest) (*http.Response, error) {
			if len(strings.Join(r.data, "")) > 9000 {
				return nil, errReset
			}
			return nil, nil
		})
		s.latency = time.Millisecond
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{OnResult: results.add})
		for i := range 1000 {
			publish(t, p, fmt.Sprint("c", i), strings.Repeat("x", 4000))
		}
		flush(t, p)
		for _, r := range results.all() {
			if r.Err != nil || r.Latency > 5*time.Second {
				t.Fatalf("result %v after %v, want success within 5s", r.Err, r.Latency)
			}
		}
	})
}

// A RoundTripper that calls runtime.Goexit, as t.FailNow does, fails the events.
func TestPublisher_Goexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(func(publishRequest) (*http.Response, error) {
			runtime.Goexit()
			return nil, nil
		})
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{OnResult: results.add})
		publish(t, p, "c", "a", "b")
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close = %v, want no error", err)
		}
		for _, r := range results.all() {
			sameOp(t, r.Err, "Publish")
		}
		if n := len(results.all()); n != 2 || p.Stats().Failed != 2 {
			t.Errorf("%d results, %d failed, want 2 and 2", n, p.Stats().Failed)
		}
	})
}

// An error that an observer or a callback has received does not change afterwards.
func TestPublisher_Errors_DoNotChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		texts := map[*pusher.Error]string{}
		remember := func(err error) {
			var e *pusher.Error
			if errors.As(err, &e) && texts[e] == "" {
				texts[e] = e.Error()
			}
		}
		observe := func(ctx context.Context, _ pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
			return ctx, func(end pusher.OperationEnd) { remember(end.Err) }
		}
		s := newPublishServer(rejecting(500, "a", "b"))
		client := s.client(t, pusher.WithObserver(observe))
		p, err := client.NewPublisher(pusher.PublisherConfig{
			Timeout:  time.Second,
			OnResult: func(_ context.Context, r pusher.PublishResult) { remember(r.Err) },
		})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, p, "c", "a", "a")
		time.Sleep(2 * time.Second)
		publish(t, p, "c", "b", "b")
		_ = p.Close(canceledAfter(t, 500*time.Millisecond))
		if len(texts) < 5 {
			t.Errorf("%d errors, want several", len(texts))
		}
		for e, text := range texts {
			if e.Error() != text {
				t.Errorf("an error was %q and is now %q", text, e)
			}
		}
	})
}

func TestPublisher_BatchesMissing(t *testing.T) {
	noBatches := func(r publishRequest) (*http.Response, error) {
		if r.resource == "batch_events" {
			return status(404, "", "not found\n")
		}
		return nil, nil
	}
	t.Run("404", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var lines logs
			s := newPublishServer(noBatches)
			s.latency = time.Millisecond
			results := &resultLog{}
			p := newPublisher(t, s.client(t, lines.option()), pusher.PublisherConfig{OnResult: results.add})
			for i := range 1000 {
				publish(t, p, fmt.Sprint("c", i%20), fmt.Sprint(i))
			}
			flush(t, p)
			if stats := p.Stats(); stats.Sent != 1000 || stats.Failed != 0 {
				t.Errorf("Stats() = %+v, want 1000 sent", stats)
			}
			batches := 0
			for _, r := range s.received() {
				if r.resource == "batch_events" {
					batches++
				}
			}
			if batches == 0 || batches > 16 {
				t.Errorf("%d of %d requests were batches, want 1 to 16", batches, len(s.received()))
			}
			if got := lines.lines(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "batch_events") {
				t.Errorf("logged %q, want one line about batch_events", got)
			}
			next := map[string]int{}
			for _, r := range results.all() {
				var number int
				_, _ = fmt.Sscan(fmt.Sprint(r.Event.Data), &number)
				if number < next[r.Event.Channel] {
					t.Errorf("channel %s: %d after %d", r.Event.Channel, number, next[r.Event.Channel])
				}
				next[r.Event.Channel] = number
			}
		})
	})
	// batches publishes n events at the same time, and returns how many of the requests
	// are batches.
	batches := func(t *testing.T, s *publishServer, p *pusher.Publisher, n int) (batches, requests int) {
		before := len(s.received())
		for i := range n {
			publish(t, p, fmt.Sprint("d", i), "a")
		}
		flush(t, p)
		for _, r := range s.received()[before:] {
			requests++
			if r.resource == "batch_events" {
				batches++
			}
		}
		return batches, requests
	}
	t.Run("404 for a moment", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var lines logs
			s := newPublishServer(func(r publishRequest) (*http.Response, error) {
				if r.at < 50*time.Millisecond {
					return status(404, "", "default backend\n")
				}
				return nil, nil
			})
			s.latency = time.Millisecond
			p := newPublisher(t, s.client(t, lines.option()), pusher.PublisherConfig{OnResult: (&resultLog{}).add})
			batches(t, s, p, 100)
			time.Sleep(150 * time.Millisecond)
			if n, all := batches(t, s, p, 100); n < 9 || all > 12 {
				t.Errorf("%d of %d requests were batches, want nearly all of about 11", n, all)
			}
			if got := lines.lines(slog.LevelWarn); len(got) != 2 || !strings.Contains(got[0], "one by one") || !strings.Contains(got[1], "in batches again") {
				t.Errorf("logged %q, want two lines", got)
			}
		})
	})
	t.Run("pauses become longer until a batch is accepted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			missing := true
			s := newPublishServer(func(r publishRequest) (*http.Response, error) {
				if missing {
					return noBatches(r)
				}
				return nil, nil
			})
			s.latency = time.Millisecond
			p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1})
			batches(t, s, p, 5)
			for i := range 14 {
				pause := min(100*time.Millisecond<<i, 5*time.Minute)
				time.Sleep(pause - 50*time.Millisecond)
				if n, _ := batches(t, s, p, 5); n > 0 {
					t.Errorf("a batch was sent before the end of pause %d of %v", i+1, pause)
				}
				time.Sleep(50 * time.Millisecond)
				if n, _ := batches(t, s, p, 5); n == 0 {
					t.Errorf("no batch was sent after pause %d of %v", i+1, pause)
				}
			}
			missing = false
			time.Sleep(5 * time.Minute)
			if n, _ := batches(t, s, p, 100); n < 9 {
				t.Errorf("%d requests were batches, want about 10", n)
			}
			missing = true
			batches(t, s, p, 10)
			time.Sleep(100 * time.Millisecond)
			if n, _ := batches(t, s, p, 10); n == 0 {
				t.Error("no batch was sent, want the pauses to start again")
			}
		})
	})
	t.Run("404 of the app", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newPublishServer(func(publishRequest) (*http.Response, error) { return status(404, "", "no app\n") })
			results := &resultLog{}
			p := newPublisher(t, s.client(t), pusher.PublisherConfig{OnResult: results.add})
			publish(t, p, "c", "0", "1", "2", "3")
			flush(t, p)
			all := results.all()
			for _, r := range all {
				if !errors.Is(r.Err, pusher.ErrNotFound) {
					t.Errorf("%v has error %v, want %v", r.Event.Data, r.Err, pusher.ErrNotFound)
				}
			}
			if len(all) != 4 || len(s.received()) > 5 {
				t.Errorf("%d results and %d requests, want 4 and at most 5", len(all), len(s.received()))
			}
		})
	})
	t.Run("DisableBatches", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newPublishServer(nil)
			s.latency = time.Millisecond
			p := newPublisher(t, s.client(t), pusher.PublisherConfig{DisableBatches: true})
			publish(t, p, "c", strings.Fields("0 1 2 3 4 5 6 7 8 9")...)
			if err := p.PublishMulti(t.Context(), []string{"d", "e", "f"}, pusher.Event{Name: "e"}); err != nil {
				t.Fatal(err)
			}
			flush(t, p)
			for _, r := range s.received() {
				if r.resource != "events" {
					t.Errorf("request to %s, want events only", r.resource)
				}
			}
			if n := len(s.received()); n != 11 || p.Stats().Sent != 13 {
				t.Errorf("%d requests, %d events sent, want 11 and 13", n, p.Stats().Sent)
			}
		})
	})
}

// A throttled request waits for Retry-After. If nothing else is accepted meanwhile,
// neither is anything else sent.
func TestPublisher_RetryAfter(t *testing.T) {
	for _, code := range []int{429, 503} {
		for _, waits := range [][]string{{"3", "2"}, {"2", "3"}} {
			t.Run(fmt.Sprint(code, "/the longer of ", waits), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newPublishServer(failFirst(withStatus(code, waits[0]), withStatus(code, waits[1])))
					s.latency = time.Millisecond
					p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 64, Linger: -1})
					publish(t, p, "a", "a")
					synctest.Wait()
					publish(t, p, "b", "b")
					time.Sleep(time.Second)
					for i := range 64 {
						publish(t, p, fmt.Sprint("c", i), "c")
					}
					flush(t, p)
					requests := s.received()
					if at := requests[2].at; len(requests) < 5 || at < 3*time.Second || at > 3*time.Second+10*time.Millisecond {
						t.Errorf("the third of %d requests was sent at %v, want 3s", len(requests), at)
					}
					if took := time.Since(s.start); took > 4*time.Second {
						t.Errorf("everything was sent after %v, want 4s at most", took)
					}
				})
			})
		}
	}
	t.Run("at most a minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newPublishServer(failFirst(withStatus(429, "86400")))
			p := newPublisher(t, s.client(t), pusher.PublisherConfig{})
			publish(t, p, "c", "a")
			flush(t, p)
			if took := time.Since(s.start); took != time.Minute {
				t.Errorf("the event was sent after %v, want 1m", took)
			}
		})
	})
}

// The rate adapts to a server that allows 200 requests a second.
func TestPublisher_Throttling(t *testing.T) {
	for _, retryAfter := range []string{"", "1"} {
		t.Run("Retry-After "+retryAfter, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const rate = 200
				tokens, filled := float64(rate), time.Now()
				var accepted, rejected int
				s := newPublishServer(func(r publishRequest) (*http.Response, error) {
					tokens = min(rate, tokens+rate*time.Since(filled).Seconds())
					filled = time.Now()
					settled := r.at > 2*time.Second && r.at < 10*time.Second
					if tokens < 1 {
						if settled {
							rejected++
						}
						return status(429, retryAfter, "slow down\n")
					}
					if settled {
						accepted++
					}
					tokens--
					return nil, nil
				})
				s.latency = 10 * time.Millisecond
				p := newPublisher(t, s.client(t), pusher.PublisherConfig{})
				ctx := canceledAfter(t, 11*time.Second)
				for i := 0; ctx.Err() == nil; i++ {
					_ = p.Publish(ctx, pusher.Event{Channel: fmt.Sprint("c", i%1000), Name: "e"})
				}
				_ = p.Close(ctx)
				if used := float64(accepted) / 8 / rate; used < 0.9 {
					t.Errorf("%.0f %% of the rate used, want at least 90 %%", 100*used)
				}
				if share := float64(rejected) / float64(accepted+rejected); share > 0.1 {
					t.Errorf("%.1f %% of requests rejected, want at most 10 %%", 100*share)
				}
			})
		})
	}
}
