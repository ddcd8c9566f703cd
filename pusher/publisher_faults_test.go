package pusher_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

var (
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

// status answers so; with a Retry-After unless that is empty.
func status(code int, retryAfter string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		header := http.Header{}
		if retryAfter != "" {
			header.Set("Retry-After", retryAfter)
		}
		return response(code, "no\n", header), nil
	}
}

func fails(err error) func() (*http.Response, error) {
	return func() (*http.Response, error) { return nil, err }
}

// first gives the answers one after the other, and accepts what comes after them.
func first(answers ...func() (*http.Response, error)) func(parcel) (*http.Response, error) {
	return func(parcel) (*http.Response, error) {
		if len(answers) == 0 {
			return nil, nil
		}
		next := answers[0]
		answers = answers[1:]
		return next()
	}
}

func TestWhatIsSentAgain(t *testing.T) {
	tests := []struct {
		name    string
		failure func() (*http.Response, error)
		// The error of the report, nil if the event was sent again.
		atLeastOnce, atMostOnce error
	}{
		{"no connection", fails(errDial), nil, nil},
		{"a connection that broke", fails(errReset), nil, pusher.ErrHTTP},
		{"429", status(429, ""), nil, nil},
		{"500", status(500, ""), nil, pusher.ErrServer},
		{"502", status(502, ""), nil, pusher.ErrServer},
		{"503", status(503, ""), nil, pusher.ErrServer},
		{"400", status(400, ""), pusher.ErrInvalid, pusher.ErrInvalid},
		{"401", status(401, ""), pusher.ErrAuthentication, pusher.ErrAuthentication},
		{"403", status(403, ""), pusher.ErrForbidden, pusher.ErrForbidden},
		{"404", status(404, ""), pusher.ErrNotFound, pusher.ErrNotFound},
		{"407", status(407, ""), pusher.ErrHTTP, pusher.ErrHTTP},
		{"413", status(413, ""), pusher.ErrTooLarge, pusher.ErrTooLarge},
		{"301", status(301, ""), pusher.ErrServer, pusher.ErrServer},
	}
	for _, tt := range tests {
		for mode, want := range map[string]error{"at least once": tt.atLeastOnce, "at most once": tt.atMostOnce} {
			t.Run(tt.name+", "+mode, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWire(first(tt.failure, tt.failure))
					reports := &notebook{}
					opts := []pusher.PublisherOption{reports.option()}
					if mode == "at most once" {
						opts = append(opts, pusher.AtMostOnce())
					}
					p := newPublisher(t, overWire(t, w), opts...)
					publish(t, p, "c", "a")
					flush(t, p)

					all := reports.all()
					if len(all) != 1 || !errors.Is(all[0].Err, want) || (want == nil) != (all[0].Err == nil) {
						t.Fatalf("the reports are %+v, want one with error %v", all, want)
					}
					requests, repeats := 3, int64(2)
					if want != nil {
						requests, repeats = 1, 0
						var e *pusher.Error
						if !errors.As(all[0].Err, &e) || e.Op != "Publish" {
							t.Errorf("the report's error is %#v, want an *Error of Publish", all[0].Err)
						}
					}
					stats := p.Stats()
					if n := len(w.parcels()); n != requests || stats.Retried != repeats {
						t.Errorf("%d requests, %d of them counted as repeats, want %d and %d", n, stats.Retried, requests, repeats)
					}
				})
			})
		}
	}
}

// Neighbours of an event that the server refuses arrive, in order.
func TestARefusedBatchIsDividedUntilTheCulpritIsAlone(t *testing.T) {
	for _, code := range []int{400, 413, 422} {
		for _, culprits := range []string{"3", "0", "9", "0 1", "4 5 9", "0 1 2 3 4 5 6 7 8 9"} {
			t.Run(fmt.Sprint(code, " for ", culprits), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					bad := strings.Fields(culprits)
					isBad := func(data string) bool { return slices.Contains(bad, data) }
					var accepted []string
					w := newWire(nil)
					w.answer = func(p parcel) (*http.Response, error) {
						if slices.ContainsFunc(p.data, isBad) {
							return response(code, "no\n", nil), nil
						}
						accepted = append(accepted, p.data...)
						return nil, nil
					}
					reports := &notebook{}
					p := newPublisher(t, overWire(t, w), pusher.Lanes(1), reports.option())
					publish(t, p, "c", "x")
					publish(t, p, "c", strings.Fields("0 1 2 3 4 5 6 7 8 9")...)
					flush(t, p)

					want := slices.DeleteFunc(strings.Fields("x 0 1 2 3 4 5 6 7 8 9"), isBad)
					if !slices.Equal(accepted, want) {
						t.Errorf("the server accepted %q, want %q", accepted, want)
					}
					for i, report := range reports.all()[1:] {
						data := fmt.Sprint(report.Event.Data)
						if data != fmt.Sprint(i) || (report.Err != nil) != isBad(data) {
							t.Errorf("report %d is of event %s with error %v, want errors for %q only", i, data, report.Err, bad)
						}
					}
				})
			})
		}
	}
}

func TestARefusedEventForManyChannelsIsDividedToo(t *testing.T) {
	w := newWire(func(p parcel) (*http.Response, error) {
		if slices.Contains(p.channels, "c42") {
			return response(400, "no\n", nil), nil
		}
		return nil, nil
	})
	reports := &notebook{}
	p := newPublisher(t, overWire(t, w), pusher.Lanes(1), reports.option())
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprint("c", i)
	}
	if err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e"}); err != nil {
		t.Fatal(err)
	}
	flush(t, p)
	for i, report := range reports.all() {
		if report.Event.Channel != many[i] || (report.Err != nil) != (i == 42) {
			t.Errorf("report %d is of %s with error %v, want an error for c42 only", i, report.Event.Channel, report.Err)
		}
	}
	if n := len(w.parcels()); n > 20 {
		t.Errorf("%d requests, want no more than 20", n)
	}
}

func TestAServerThatAsksToBeLeftAloneStopsAllLanes(t *testing.T) {
	for _, code := range []int{429, 503} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(first(status(code, "3")))
				p := newPublisher(t, overWire(t, w), pusher.Lanes(64))
				publish(t, p, "c", "a")
				time.Sleep(time.Second)
				for i := range 64 {
					publish(t, p, fmt.Sprint("c", i), "b")
				}
				flush(t, p)
				_, at := w.times()
				if at[0] != 0 || at[1] != 3*time.Second {
					t.Errorf("requests left at %v, want the first at 0 and the second at 3s", at)
				}
				// The first pause of WithRetry, 100 ms, stands between the next two; then
				// the server accepts them, and the gaps shrink by an eighth each time.
				for i := 2; i < len(at); i++ {
					gap, before := at[i]-at[i-1], 100*time.Millisecond
					if i > 2 {
						before = at[i-1] - at[i-2]
					}
					if gap > before {
						t.Errorf("request %d left %v after the one before, want at most %v", i, gap, before)
					}
				}
				if took := at[len(at)-1]; took < 3200*time.Millisecond || took > 4*time.Second {
					t.Errorf("the last request left at %v, want between 3.2s and 4s", took)
				}
			})
		})
	}
}

func TestRepeatedRefusalsSlowAllLanesDownMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answers []func() (*http.Response, error)
		for range 10 {
			answers = append(answers, status(503, ""))
		}
		w := newWire(first(answers...))
		p := newPublisher(t, overWire(t, w))
		publish(t, p, "c", "a")
		flush(t, p)
		_, at := w.times()
		var gaps []time.Duration
		for i := range at[1:] {
			gaps = append(gaps, at[i+1]-at[i])
		}
		const ms = time.Millisecond
		want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 2000 * ms, 2000 * ms, 2000 * ms, 2000 * ms, 2000 * ms}
		if !slices.Equal(gaps, want) {
			t.Errorf("the pauses were %v, want %v", gaps, want)
		}
	})
}

func TestAnOutageIsLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answers []func() (*http.Response, error)
		for range 20 {
			answers = append(answers, fails(errDial))
		}
		var lines logs
		p := newPublisher(t, overWire(t, newWire(first(answers...)), lines.option()))
		publish(t, p, "c", "a")
		flush(t, p)
		warnings := lines.lines(slog.LevelWarn)
		if len(warnings) != 5 || !strings.Contains(warnings[4], "try=16") || len(lines.lines(slog.LevelError)) != 0 {
			t.Errorf("20 failures were logged as %q, want lines for tries 1, 2, 4, 8 and 16, at level warn", warnings)
		}
	})
}

func TestALostEventThatNobodyHearsOfIsLogged(t *testing.T) {
	var lines logs
	p := newPublisher(t, overWire(t, newWire(first(status(403, ""))), lines.option()))
	if err := p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Data: "private words"}); err != nil {
		t.Fatal(err)
	}
	flush(t, p)
	got := lines.lines(slog.LevelError)
	if len(got) != 1 || !strings.Contains(got[0], "channel=c") || !strings.Contains(got[0], "status 403") || strings.Contains(got[0], "private words") {
		t.Errorf("logged %q, want one line with the channel and the reason, and without the data", got)
	}
}
