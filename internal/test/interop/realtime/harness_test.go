//go:build interop

package realtime_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

const (
	firstMasterKey  = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
	secondMasterKey = "VGhlIDMyIGNoYXJzIGxvbmcgZW5jcnlwdGlvbiBrZXk="

	// settleTime is how long nothing is sent or received before the next step of a
	// scenario. If the logs differ, the scenario is repeated with the longer one: on a
	// busy machine the first may have been too short.
	settleTime     = 40 * time.Millisecond
	longSettleTime = 400 * time.Millisecond
)

// An environment is a server, its app and a proxy.
type environment struct {
	name    string // "pushertest" or "soketi"
	app     pusher.Credentials
	proxy   *proxy
	clients [2]*pusher.Client // with the first and the second master key
	backend *httptest.Server
	driver  *driver

	runs atomic.Int32
	mu   sync.Mutex
	byID map[string]*run
}

func newEnvironment(t testing.TB, name, url string, app pusher.Credentials) *environment {
	t.Helper()
	env := &environment{name: name, app: app, proxy: newProxy(t, url), driver: startDriver(t), byID: map[string]*run{}}
	for i, masterKey := range []string{firstMasterKey, secondMasterKey} {
		client, err := pusher.New(app, pusher.WithBaseURL(url), pusher.WithEncryptionMasterKey(masterKey), pusher.WithLogger(slog.New(slog.DiscardHandler)))
		noError(t, "pusher.New", err)
		env.clients[i] = client
	}
	env.backend = httptest.NewServer(env.handler(t))
	t.Cleanup(env.backend.Close)
	return env
}

func newPushertest(t testing.TB) *environment {
	t.Helper()
	server := pushertest.NewServer()
	t.Cleanup(server.Close)
	app := server.App()
	return newEnvironment(t, "pushertest", server.URL, pusher.Credentials{AppID: app.ID, Key: app.Key, Secret: app.Secret})
}

// handler is the backend of the app. The query has the run and the user. What the name of
// a channel starts with decides what happens.
func (env *environment) handler(t testing.TB) http.Handler {
	authorizer := func(secret, masterKey string) *auth.Authorizer {
		a, err := auth.New(env.app.Key, secret, auth.WithEncryptionMasterKey(masterKey), auth.WithLogger(slog.New(slog.DiscardHandler)))
		noError(t, "auth.New", err)
		return a
	}
	keys := [2]*auth.Authorizer{authorizer(env.app.Secret, firstMasterKey), authorizer(env.app.Secret, secondMasterKey)}
	wrong := authorizer("wrong", firstMasterKey)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		env.mu.Lock()
		run := env.byID[r.URL.Query().Get("run")]
		env.mu.Unlock()
		if run == nil { // has ended
			http.Error(w, "gone", http.StatusGone)
			return
		}
		run.requests.Add(1)
		defer func() {
			run.responded.Store(time.Now().UnixNano())
			run.requests.Add(-1)
		}()
		a := keys[run.key.Load()]
		user := r.URL.Query().Get("user")
		if strings.HasSuffix(r.URL.Path, "/user-auth") {
			if run.wrongUser.Load() {
				a = wrong
			}
			a.UserHandler(func(*http.Request) (*auth.User, error) {
				if run.forbidden.Load() {
					return nil, auth.ErrForbidden
				}
				return &auth.User{ID: user, Info: map[string]string{"name": user}, Watchlist: []string{run.name("alice"), run.name("bob")}}, nil
			}).ServeHTTP(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
		channel := peekChannel(r)
		switch {
		case strings.HasPrefix(channel, "private-failing"):
			http.Error(w, "outage", http.StatusInternalServerError)
			return
		case strings.HasPrefix(channel, "private-invalid"):
			_, _ = io.WriteString(w, "<html>")
			return
		case strings.HasPrefix(channel, "private-encrypted-no-key"):
			_, _ = io.WriteString(w, `{"auth":"key:signature"}`)
			return
		case strings.HasPrefix(channel, "private-wrong-format"):
			_, _ = io.WriteString(w, `{"auth":"nothing"}`)
			return
		case strings.HasPrefix(channel, "private-wrong-key"):
			_, _ = io.WriteString(w, `{"auth":"other:signature"}`)
			return
		case strings.HasPrefix(channel, "private-slow"):
			time.Sleep(10 * settleTime)
		case strings.HasPrefix(channel, "private-wrong-signature"):
			a = wrong
		}
		a.ChannelHandler(func(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
			switch {
			case strings.HasPrefix(channel, "private-forbidden"), run.forbidden.Load():
				return nil, auth.ErrForbidden
			case strings.HasPrefix(channel, "private-with-data"):
				return &auth.Member{PrivateData: map[string]string{"plan": "<pro> & Zoë"}}, nil
			case strings.HasPrefix(channel, "presence-signed-in"):
				return &auth.Member{SignedIn: true}, nil
			}
			return &auth.Member{UserID: user, UserInfo: map[string]string{"name": "Zoë <" + user + ">"}}, nil
		}).ServeHTTP(w, r)
	})
}

// peekChannel returns the channel of a request without consuming the body.
func peekChannel(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	for field := range strings.SplitSeq(string(body), "&") {
		if name, ok := strings.CutPrefix(field, "channel_name="); ok {
			return name
		}
	}
	return ""
}

// A run is a scenario that runs with the clients of one library. All names of channels
// and users have the run's suffix, so that runs do not affect each other.
type run struct {
	t          testing.TB
	env        *environment
	suffix     string
	settleTime time.Duration
	library    string // "realtime" or "pusher-js"
	clients    map[string]client
	timeout    time.Duration // activity timeout of new clients, or 0

	key       atomic.Int32 // index of the master key of the backend and the publisher
	forbidden atomic.Bool
	wrongUser atomic.Bool
	requests  atomic.Int32 // to the backend, not yet responded to
	responded atomic.Int64 // when the backend has last responded, in nanoseconds
}

type step func(*run)

// A scenario is a list of steps and the differences that its logs have.
type scenario struct {
	name  string
	steps []step

	// The entries that only one of the libraries has, as "client channel entry", and the
	// reason for them.
	onlyGo, onlyJS []string
	reason         string

	skip string // name of a server that does not support it, or ""
}

func (r *run) name(s string) string {
	if s == "" {
		return ""
	}
	return s + r.suffix
}

// execute returns the log of all clients.
func (env *environment) execute(t testing.TB, library string, s scenario, settle time.Duration) []string {
	id := fmt.Sprintf("-r%d", env.runs.Add(1))
	r := &run{t: t, env: env, suffix: id, settleTime: settle, library: library, clients: map[string]client{}}
	env.mu.Lock()
	env.byID[id] = r
	env.mu.Unlock()
	for _, step := range s.steps {
		step(r)
		r.settle()
	}
	defer func() { // after the logs were read, because clients see others disconnect
		for _, c := range r.clients {
			c.disconnect()
		}
		env.mu.Lock()
		defer env.mu.Unlock()
		delete(env.byID, id)
	}()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(r.clients)) {
		log := r.clients[name].entries()
		log.mu.Lock()
		for _, channel := range slices.Sorted(maps.Keys(log.entries)) {
			for _, entry := range log.entries[channel] {
				line := fmt.Sprintf("%s %s %s", name, channel, entry)
				line = strings.ReplaceAll(line, id, "")
				line = socketID.ReplaceAllString(line, "SOCKET")
				line = strings.ReplaceAll(line, "#server-to-user-"+userOf(name), "#user")
				lines = append(lines, strings.TrimSpace(signature.ReplaceAllString(line, "[REDACTED]")))
			}
		}
		log.mu.Unlock()
	}
	return lines
}

var (
	socketID  = regexp.MustCompile(`\b\d+\.\d+\b`)
	signature = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
)

// settle waits until nothing happens any more.
func (r *run) settle() {
	began := time.Now()
	deadline := began.Add(5 * time.Second)
	for time.Now().Before(deadline) {
		for _, c := range r.clients {
			c.flush()
		}
		wait := r.settleTime - time.Since(began) // what the step has started may not be visible yet
		wait = max(wait, r.settleTime-time.Since(time.Unix(0, r.responded.Load())))
		for name := range r.clients {
			wait = max(wait, r.settleTime-r.env.proxy.quiet(r.name(name)))
		}
		if wait <= 0 && r.requests.Load() == 0 {
			for _, c := range r.clients {
				c.flush()
			}
			return
		}
		time.Sleep(max(wait/2, time.Millisecond))
	}
}

// compare runs a scenario with both libraries and compares the logs.
func (env *environment) compare(t *testing.T, s scenario) {
	t.Helper()
	if s.skip == env.name {
		return
	}
	var problem string
	for _, settle := range []time.Duration{settleTime, longSettleTime} {
		js := env.execute(t, "pusher-js", s, settle)
		got := env.execute(t, "realtime", s, settle)
		onlyJS, onlyGo := difference(js, got)
		if slices.Equal(onlyJS, sorted(s.onlyJS)) && slices.Equal(onlyGo, sorted(s.onlyGo)) && slices.Equal(without(js, slices.Concat(onlyJS, onlyGo)), without(got, slices.Concat(onlyJS, onlyGo))) {
			return
		}
		if len(js) == 0 {
			problem = "pusher-js has logged nothing"
			continue
		}
		problem = fmt.Sprintf("the logs differ\nonly pusher-js:\n\t%s\nonly realtime:\n\t%s\npusher-js:\n\t%s\nrealtime:\n\t%s",
			strings.Join(onlyJS, "\n\t"), strings.Join(onlyGo, "\n\t"), strings.Join(js, "\n\t"), strings.Join(got, "\n\t"))
	}
	t.Error(problem)
}

// without returns lines without those that are among the others.
func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) })
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// difference returns the lines, sorted, that only one of the lists has.
func difference(a, b []string) (onlyA, onlyB []string) {
	count := map[string]int{}
	for _, line := range a {
		count[line]++
	}
	for _, line := range b {
		count[line]--
	}
	for _, line := range slices.Sorted(maps.Keys(count)) {
		for range count[line] {
			onlyA = append(onlyA, line)
		}
		for range -count[line] {
			onlyB = append(onlyB, line)
		}
	}
	return onlyA, onlyB
}

// The steps.

func (r *run) client(name string) client {
	c, ok := r.clients[name]
	if !ok {
		r.t.Fatalf("%s was not created", name)
	}
	return c
}

// create makes clients without waiting until they are connected.
func create(names ...string) step {
	return func(r *run) {
		for _, name := range names {
			s := settings{
				name: r.name(name), base: r.env.proxy.URL, key: r.env.app.Key, activityTimeout: r.timeout,
				authEndpoint: fmt.Sprintf("%s/auth?run=%s&user=%s", r.env.backend.URL, r.suffix, r.name(userOf(name))),
				userEndpoint: fmt.Sprintf("%s/user-auth?run=%s&user=%s", r.env.backend.URL, r.suffix, r.name(userOf(name))),
			}
			if strings.HasPrefix(name, "unknown") {
				s.key = "unknown-key"
			}
			if r.library == "realtime" {
				r.clients[name] = newGoClient(r.t, s)
			} else {
				r.clients[name] = newJSClient(r.env.driver, s)
			}
			r.clients[name].connect()
		}
	}
}

// userOf returns the user of a client: alice2 is another client of alice.
func userOf(name string) string { return strings.TrimRight(name, "0123456789") }

// connect makes clients and waits until they are connected.
func connect(names ...string) step {
	return func(r *run) {
		create(names...)(r)
		for _, name := range names {
			r.await(name, "", "connected", 1)
		}
	}
}

// await waits until a client's log has an entry n times.
func (r *run) await(name, channel, entry string, n int) {
	log := r.client(name).entries()
	for deadline := time.Now().Add(20 * time.Second); log.count(channel, entry) < n; {
		if time.Now().After(deadline) {
			r.t.Errorf("%s: %s has not logged %q on %q %d times", r.library, name, entry, channel, n)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func subscribe(name string, channels ...string) step {
	return func(r *run) {
		for _, channel := range channels {
			r.client(name).subscribe(r.name(channel))
		}
	}
}

func unsubscribe(name string, channels ...string) step {
	return func(r *run) {
		for _, channel := range channels {
			r.client(name).unsubscribe(r.name(channel))
		}
	}
}

func send(name, channel, event string, data any) step {
	return func(r *run) { r.client(name).send(r.name(channel), event, data) }
}

func signIn(name string) step { return func(r *run) { r.client(name).signIn() } }

func members(name, channel string) step {
	return func(r *run) { r.client(name).members(r.name(channel)) }
}

func disconnect(name string) step { return func(r *run) { r.client(name).disconnect() } }

// publish publishes an event with data as it is.
func publish(channel, event, data string) step {
	return func(r *run) {
		_, err := r.env.clients[r.key.Load()].Trigger(r.ctx(), r.name(channel), event, data)
		if err != nil {
			r.t.Errorf("Trigger(%s, %s): %v", channel, event, err)
		}
	}
}

func (r *run) ctx() context.Context { return context.Background() }

func sendToUser(user, event, data string) step {
	return func(r *run) {
		if err := r.env.clients[0].SendToUser(r.ctx(), r.name(user), event, data); err != nil {
			r.t.Errorf("SendToUser(%s): %v", user, err)
		}
	}
}

func terminate(user string) step {
	return func(r *run) {
		if err := r.env.clients[0].TerminateUserConnections(r.ctx(), r.name(user)); err != nil {
			r.t.Errorf("TerminateUserConnections(%s): %v", user, err)
		}
	}
}

// inject sends a client a message as if the server had sent it. CHANNEL: in front of a name
// adds the suffix of the run.
func inject(name string, messages ...string) step {
	return func(r *run) {
		for _, message := range messages {
			message = injected.ReplaceAllString(message, "${1}"+r.suffix)
			if err := r.env.proxy.inject(r.name(name), message); err != nil {
				r.t.Errorf("inject: %v", err)
			}
		}
	}
}

var injected = regexp.MustCompile(`CHANNEL:([a-z-]+)`)

// closeWith closes the connection of a client, and waits until it is connected again.
func closeWith(code int, reason string, names ...string) step {
	return func(r *run) {
		for _, name := range names {
			n := r.client(name).entries().count("", "connected")
			r.env.proxy.closeClient(r.name(name), code, reason)
			r.await(name, "", "connected", n+1)
			r.settle()
		}
	}
}

// closeForGood closes the connection of a client, and waits until it has given up.
func closeForGood(code int, reason, name string) step {
	return func(r *run) {
		r.env.proxy.closeClient(r.name(name), code, reason)
		r.await(name, "", "disconnected", 1)
	}
}

func cut(names ...string) step { return closeWith(0, "", names...) }

// refuse closes the next connection of a client with a code.
func refuse(name string, code int, reason string) step {
	return func(r *run) { r.env.proxy.refuse(r.name(name), refusal{code, reason}) }
}

// awaitLog waits until a client has logged something.
func awaitLog(name, channel, entry string, n int) step {
	return func(r *run) { r.await(name, r.name(channel), entry, n) }
}

// restart closes all connections as a server that is restarted does. The first client is
// back too early.
func restart(names ...string) step {
	return func(r *run) {
		r.env.proxy.refuse(r.name(names[0]), refusal{4100, "Restarting"})
		closeWith(1001, "restart", names...)(r)
	}
}

func replaceKey(index int32) step         { return func(r *run) { r.key.Store(index) } }
func forbid(forbidden bool) step          { return func(r *run) { r.forbidden.Store(forbidden) } }
func signUsersWrong(wrong bool) step      { return func(r *run) { r.wrongUser.Store(wrong) } }
func activity(timeout time.Duration) step { return func(r *run) { r.timeout = timeout } }
func wait(d time.Duration) step           { return func(*run) { time.Sleep(d) } }

// together runs steps without settling in between.
func together(steps ...step) step {
	return func(r *run) {
		for _, step := range steps {
			step(r)
		}
	}
}
