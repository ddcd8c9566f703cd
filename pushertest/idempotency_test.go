package pushertest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// withKey adds an idempotency key to the JSON of an event.
func withKey(key, event string) string {
	return `{"idempotency_key":` + quote(key) + `,` + event[1:]
}

// sendKeyed signs and sends a POST with an idempotency key in the header, unless it is
// empty.
func sendKeyed(t testing.TB, s *pushertest.Server, at time.Time, path, header, body string) (int, string) {
	t.Helper()
	r := newRequest(http.MethodPost, path, body)
	if header != "" {
		r.Header.Set("X-Idempotency-Key", header)
	}
	return send(t, s, sign(t, s, r, at))
}

// Source of the behaviour: Sockudo 5.0.1, crates/sockudo-server/src/http_handler.
func TestWithIdempotencyKeys(t *testing.T) {
	const a, b = `{"name":"a","channel":"c","data":"d"}`, `{"name":"b","channel":"c","data":"d"}`
	const counted = `{"name":"a","channel":"presence-c","data":"d","info":"user_count"}`
	batchOf := func(events ...string) string { return `{"batch":[` + strings.Join(events, ",") + `]}` }
	long := strings.Repeat("k", 128)
	type post struct{ path, header, body, want string }
	tests := []struct {
		name  string
		posts []post
		want  string // names of the delivered events
	}{
		{"no key", []post{{events, "", a, "{}"}, {events, "", a, "{}"}}, "a a"},
		{"known key", []post{{events, "", withKey("1", a), "{}"}, {events, "", withKey("1", a), "{}"}}, "a"},
		{"key of 128 bytes", []post{{events, "", withKey(long, a), "{}"}, {events, "", withKey(long, a), "{}"}}, "a"},
		{"other keys", []post{{events, "", withKey("1", a), "{}"}, {events, "", withKey("2", a), "{}"}}, "a a"},
		{"known key of another event", []post{{events, "", withKey("1", a), "{}"}, {events, "", withKey("1", b), "{}"}}, "a"},
		{"header", []post{{events, "1", a, "{}"}, {events, "1", a, "{}"}, {events, "", withKey("1", a), "{}"}}, "a"},
		{"body takes precedence", []post{{events, "1", withKey("2", a), "{}"}, {events, "1", b, "{}"}, {events, "", withKey("2", a), "{}"}}, "a b"},
		{"first response", []post{
			{events, "", withKey("1", counted), `{"channels":{"presence-c":{"user_count":0}}}`},
			{"", "", "", ""}, // a member is added
			{events, "", withKey("1", counted), `{"channels":{"presence-c":{"user_count":0}}}`},
			{events, "", withKey("2", counted), `{"channels":{"presence-c":{"user_count":1}}}`},
		}, "a a"},
		{"batch skips known keys", []post{
			{batch, "", batchOf(withKey("1", a), b), "{}"},
			{batch, "", batchOf(withKey("1", a), withKey("2", b)), "{}"},
		}, "a b b"},
		{"same key twice in a batch", []post{{batch, "", batchOf(withKey("1", a), withKey("1", b)), "{}"}}, "a"},
		{"batch repeats an event", []post{{events, "", withKey("1", a), "{}"}, {batch, "", batchOf(withKey("1", a), b), "{}"}}, "a b"},
		{"event repeats a batch", []post{
			{batch, "", batchOf(withKey("1", counted)), `{"batch":[{"user_count":0}]}`},
			{"", "", "", ""},
			{events, "", withKey("1", counted), `{"channels":{"presence-c":{"user_count":0}}}`},
		}, "a"},
		{"key of a batch", []post{{batch, "1", batchOf(a, b), "{}"}, {batch, "1", batchOf(a, b), "{}"}, {batch, "2", batchOf(a), "{}"}}, "a b a"},
		{"key of a batch is not that of an event", []post{{batch, "1", batchOf(a), "{}"}, {events, "1", b, "{}"}}, "a b"},
		{"rejected request", []post{
			{events, "", withKey("1", `{"name":"a","channel":"c d","data":"d"}`), "Invalid channel name"},
			{events, "", withKey("1", a), "{}"},
		}, "a"},
		{"empty key", []post{{events, "", withKey("", a), "An idempotency_key has 1 to 128 bytes"}}, ""},
		{"key of 129 bytes", []post{{events, "", withKey(long+"k", a), "An idempotency_key has 1 to 128 bytes"}}, ""},
		{"header of 129 bytes", []post{{events, long + "k", a, "An idempotency_key has 1 to 128 bytes"}}, ""},
		{"key of 129 bytes in a batch", []post{{batch, "", batchOf(a, withKey(long+"k", b)), "An idempotency_key has 1 to 128 bytes"}}, ""},
		{"key is a number", []post{{events, "", `{"idempotency_key":1,"name":"a","channel":"c","data":"d"}`, "Expected idempotency_key parameter to be a string"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, pushertest.WithIdempotencyKeys(true))
			for i, p := range test.posts {
				if p.path == "" {
					setChannel(t, s, "presence-c", pushertest.ChannelState{Users: []string{"1"}})
					continue
				}
				if _, text := sendKeyed(t, s, time.Time{}, p.path, p.header, p.body); text != p.want+"\n" {
					t.Errorf("POST %d = %q, want %q", i+1, text, p.want+"\n")
				}
			}
			checkNames(t, s, test.want)
		})
	}
}

func checkNames(t *testing.T, s *pushertest.Server, want string) {
	t.Helper()
	var names []string
	for _, event := range s.Events() {
		names = append(names, event.Name)
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

func TestWithIdempotencyKeys_Expire(t *testing.T) {
	clock := newClock(time.Unix(docsTimestamp, 0))
	s := newServer(t, pushertest.WithIdempotencyKeys(true), pushertest.WithClock(clock.Now))
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{0, "n"}, {120*time.Second - 1, "n"}, {1, "n n"}, {119 * time.Second, "n n"}, {time.Second, "n n n"},
	} {
		clock.add(test.after)
		sendKeyed(t, s, clock.Now(), events, "1", `{"name":"n","channel":"c","data":"d"}`)
		checkNames(t, s, test.want)
	}
	s.Reset()
	sendKeyed(t, s, clock.Now(), events, "1", `{"name":"after Reset","channel":"c","data":"d"}`)
	checkNames(t, s, "after Reset")
}

// Keys are ignored without the option, even invalid ones.
func TestWithIdempotencyKeys_Disabled(t *testing.T) {
	s := newServer(t)
	for _, body := range []string{
		`{"idempotency_key":"1","name":"n","channel":"c","data":"d"}`,
		`{"idempotency_key":"1","name":"n","channel":"c","data":"d"}`,
		`{"idempotency_key":{},"name":"n","channel":"c","data":"d"}`,
	} {
		r := newRequest(http.MethodPost, events, body)
		r.Header.Set("X-Idempotency-Key", "1")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, sign(t, s, r, time.Time{}))
		if w.Code != 200 {
			t.Errorf("POST %s = %d %q, want 200", body, w.Code, w.Body)
		}
	}
	checkNames(t, s, "n n n")
}

func TestWithIdempotencyKeys_Concurrent(t *testing.T) {
	s := newServer(t, pushertest.WithIdempotencyKeys(true))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			sendKeyed(t, s, time.Time{}, events, "", withKey("1", `{"name":"n","channel":"c","data":"d"}`))
			sendKeyed(t, s, time.Time{}, batch, "", `{"batch":[`+withKey("1", `{"name":"n","channel":"c","data":"d"}`)+`]}`)
		})
	}
	group.Wait()
	checkNames(t, s, "n")
}

// One in 20 responses is lost after the request was processed, and the client sends the
// request again. PUSHERTEST_EVENTS and PUSHERTEST_SEED set the number of events and the
// seed.
func TestWithIdempotencyKeys_LostResponses(t *testing.T) {
	total, seed := 10_000, rand.Uint64()
	if text := os.Getenv("PUSHERTEST_EVENTS"); text != "" {
		total = must(strconv.Atoi(text))
	}
	if text := os.Getenv("PUSHERTEST_SEED"); text != "" {
		seed = must(strconv.ParseUint(text, 10, 64))
	}
	t.Logf("%d events, seed %d", total, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newServer(t, pushertest.WithIdempotencyKeys(true))
	sub := join(t, s, "c")

	// post sends a request until its response is not lost.
	lost := 0
	post := func(path, body string) {
		for {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, sign(t, s, newRequest(http.MethodPost, path, body), time.Time{}))
			if w.Code != 200 {
				t.Fatalf("POST %s = %d %q, want 200", path, w.Code, w.Body)
			}
			if random.IntN(20) > 0 {
				return
			}
			lost++
		}
	}
	for n := 0; n < total; {
		var list []string
		for range min(1+random.IntN(10), total-n) {
			list = append(list, withKey(fmt.Sprintf("key-%d", n), fmt.Sprintf(`{"name":"n","channel":"c","data":"%d"}`, n)))
			n++
		}
		if len(list) == 1 {
			post(events, list[0])
		} else {
			post(batch, `{"batch":[`+strings.Join(list, ",")+`]}`)
		}
	}

	deliveries := sub.Events()
	if len(deliveries) != total || lost == 0 {
		t.Errorf("%d deliveries with %d lost responses, want %d with some", len(deliveries), lost, total)
	}
	for i, delivery := range deliveries {
		if delivery.Data != strconv.Itoa(i) {
			t.Fatalf("delivery %d is event %s, want events in order", i, delivery.Data)
		}
	}
}
