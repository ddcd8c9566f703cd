//go:build interop

package webhookredis_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/openchannels/pusher-go/examples/webhookredis"
	"github.com/openchannels/pusher-go/webhook"
)

const (
	// An instance that is killed leaves a claim with this lease, which scales time by 30:
	// the handler's lease is a minute. So its webhook must be applied within 10 seconds
	// instead of the five minutes for which Pusher sends a webhook again.
	scaledLease = 2 * time.Second
	scaledLimit = 10 * time.Second

	outage      = 10 * time.Second // not scaled
	limit       = 5 * time.Minute
	resendDelay = 250 * time.Millisecond
)

const (
	key    = "key"
	secret = "secret"
)

// Environment variables of an instance.
const (
	applyURL    = "WEBHOOKREDIS_APPLY_URL"    // its function posts the ID of each webhook to this URL
	redisSocket = "WEBHOOKREDIS_REDIS_SOCKET" // path
	lossy       = "WEBHOOKREDIS_LOSSY"        // "yes" to lose every second response
	scaled      = "WEBHOOKREDIS_SCALED"       // "yes" to claim with scaledLease
)

// TestMain runs an instance of the app if a test has started it as a process.
func TestMain(m *testing.M) {
	if os.Getenv(applyURL) != "" {
		log.Fatal(runInstance())
	}
	os.Exit(m.Run())
}

// runInstance receives webhooks until the process is killed. It prints its URL.
func runInstance() error {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Getenv(redisSocket), ContextTimeoutEnabled: true})
	var store webhook.DuplicateStore = webhookredis.NewStore(client, "webhook:")
	if os.Getenv(scaled) != "" {
		store = scaledStore{store}
	}
	verifier, err := webhook.New(key, secret, webhook.WithDuplicateStore(store))
	if err != nil {
		return err
	}
	handler := verifier.Handler(func(ctx context.Context, hook *webhook.Webhook) error {
		resp, err := http.Post(os.Getenv(applyURL), "text/plain", strings.NewReader(hook.ID))
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	if os.Getenv(lossy) != "" {
		handler = loseResponses(handler)
	}
	server := httptest.NewServer(handler)
	fmt.Println(server.URL)
	_, err = io.Copy(io.Discard, os.Stdin) // until the test ends, however it ends
	return err
}

type scaledStore struct{ webhook.DuplicateStore }

func (s scaledStore) Begin(ctx context.Context, id string, _ time.Duration) (string, webhook.ClaimState, error) {
	return s.DuplicateStore.Begin(ctx, id, scaledLease)
}

// loseResponses closes the connection of every second request after it was handled.
func loseResponses(next http.Handler) http.Handler {
	var requests atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%2 == 1 {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

type instance struct {
	url     string
	process *exec.Cmd
}

func (i *instance) kill() {
	i.process.Process.Kill()
	i.process.Wait()
}

// An app is two instances that share Redis, and what they have applied.
type app struct {
	instances [2]*instance

	mu      sync.Mutex
	applied map[string]int      // by ID
	apply   func(*http.Request) // called before a webhook counts as applied
}

func newApp(t *testing.T, server *redisServer, env ...string) *app {
	t.Helper()
	a := &app{applied: map[string]int{}, apply: func(*http.Request) {}}
	effects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		a.apply(r)
		if r.Context().Err() != nil {
			return // the instance was killed
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.applied[string(id)]++
	}))
	t.Cleanup(effects.Close)
	for i := range a.instances {
		process := exec.Command(os.Args[0])
		process.Env = append(append(os.Environ(), applyURL+"="+effects.URL, redisSocket+"="+server.socket()), env...)
		process.Stderr = t.Output()
		stdout, err := process.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := process.StdinPipe(); err != nil { // Wait closes it
			t.Fatal(err)
		}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		a.instances[i] = &instance{process: process}
		t.Cleanup(a.instances[i].kill)
		if _, err := fmt.Fscan(stdout, &a.instances[i].url); err != nil {
			t.Fatalf("instance %d did not print its URL: %v", i, err)
		}
	}
	return a
}

// send posts webhook n to one instance after the other until a response is 200, as Pusher
// does through a load balancer. It returns the status of each attempt, 0 for none.
func (a *app) send(ctx context.Context, n int) (statuses []int, err error) {
	body := fmt.Appendf(nil, `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"channel-%d"}]}`, n)
	client := &http.Client{Timeout: 4 * time.Second}
	for attempt := n; ; attempt++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.instances[attempt%2].url, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header = webhook.SignedHeader(key, secret, body)
		status := 0
		if resp, err := client.Do(req); err == nil {
			status = resp.StatusCode
			resp.Body.Close()
		}
		statuses = append(statuses, status)
		if status == http.StatusOK {
			return statuses, nil
		}
		select {
		case <-ctx.Done():
			return statuses, fmt.Errorf("webhook %d was not accepted; statuses %d: %w", n, statuses, ctx.Err())
		case <-time.After(resendDelay):
		}
	}
}

// checkApplied fails the test unless each of n webhooks was applied once.
func (a *app) checkApplied(t *testing.T, n int) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.applied) != n {
		t.Errorf("%d webhooks were applied, want %d", len(a.applied), n)
	}
	for id, times := range a.applied {
		if times != 1 {
			t.Errorf("webhook %s was applied %d times, want once", id, times)
		}
	}
}

// Every second response is lost, and each webhook arrives at both instances at once.
func TestInstances_ResponsesLost(t *testing.T) {
	t.Parallel()
	const webhooks = 200
	a := newApp(t, newRedis(t), lossy+"=yes")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var (
		wg   sync.WaitGroup
		lost atomic.Int32
	)
	for n := range webhooks {
		for range 2 {
			wg.Go(func() {
				statuses, err := a.send(ctx, n)
				if err != nil {
					t.Error(err)
				}
				for _, status := range statuses {
					if status == 0 {
						lost.Add(1)
					}
				}
			})
		}
	}
	wg.Wait()
	a.checkApplied(t, webhooks)
	if lost.Load() < webhooks {
		t.Errorf("%d responses were lost, want at least %d", lost.Load(), webhooks)
	}
	t.Logf("%d webhooks, each sent twice: %d responses lost", webhooks, lost.Load())
}

// One instance is killed after it has claimed the webhook, before its function has had
// an effect. The other instance handles the webhook when the lease has ended.
func TestInstances_KilledBetweenBeginAndEnd(t *testing.T) {
	t.Parallel()
	a := newApp(t, newRedis(t), scaled+"=yes")
	var once sync.Once
	var killed time.Time
	a.apply = func(r *http.Request) {
		once.Do(func() {
			a.instances[0].kill()
			killed = time.Now()
			<-r.Context().Done()
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	statuses, err := a.send(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(killed)
	a.checkApplied(t, 1)
	if took > scaledLimit {
		t.Errorf("the webhook was applied %v after the instance was killed, want at most %v", took, scaledLimit)
	}
	if statuses[1] != http.StatusServiceUnavailable {
		t.Errorf("the other instance responded %d while the claim was alive, want 503; all statuses: %d", statuses[1], statuses)
	}
	t.Logf("applied %v after the instance was killed, lease %v", took.Round(time.Millisecond), scaledLease)
}

// Webhooks arrive before, during and after an outage of Redis.
func TestInstances_RedisAway(t *testing.T) {
	t.Parallel()
	const webhooks = 60
	server := newRedis(t)
	a := newApp(t, server)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var (
		wg       sync.WaitGroup
		rejected atomic.Int32
	)
	start := func(from, to int) {
		for n := from; n < to; n++ {
			wg.Go(func() {
				statuses, err := a.send(ctx, n)
				if err != nil {
					t.Error(err)
				}
				if statuses[0] != http.StatusOK {
					rejected.Add(1)
				}
			})
		}
	}
	start(0, webhooks/3)
	wg.Wait()
	server.kill()
	start(webhooks/3, webhooks*2/3)
	time.Sleep(outage)
	a.checkApplied(t, webhooks/3)
	server.start(t)
	back := time.Now()
	start(webhooks*2/3, webhooks)
	start(0, webhooks/3) // handled before the outage
	wg.Wait()
	took := time.Since(back)
	a.checkApplied(t, webhooks)
	if took > limit {
		t.Errorf("all webhooks were applied %v after Redis was back, want at most %v", took, limit)
	}
	if rejected.Load() < webhooks/3 {
		t.Errorf("%d webhooks were rejected at first, want at least those %d of the outage", rejected.Load(), webhooks/3)
	}
	t.Logf("outage %v: all applied %v after its end, %d were rejected at first", outage, took.Round(time.Millisecond), rejected.Load())
}
