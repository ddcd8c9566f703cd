//go:build interop

package realtime_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/realtime"
)

// A client is a client of one of the two libraries. Its log has an entry for everything
// that it reports.
type client interface {
	connect()
	subscribe(channel string)
	unsubscribe(channel string)
	send(channel, event string, data any)
	signIn()
	members(channel string)
	flush() // returns when commands and received messages have been handled
	disconnect()
	entries() *eventLog
}

// An eventLog has the entries of one client by channel: "" for the connection, "#user"
// for the signed-in user, "#watchlist" for the users on the watchlist.
type eventLog struct {
	mu      sync.Mutex
	entries map[string][]string
}

func newEventLog() *eventLog { return &eventLog{entries: map[string][]string{}} }

func (l *eventLog) add(channel, entry string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[channel] = append(l.entries[channel], entry)
}

func (l *eventLog) count(channel, entry string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.entries[channel] {
		if e == entry {
			n++
		}
	}
	return n
}

// The settings of a client.
type settings struct {
	name            string // of the client in this run
	base            string // URL of the proxy
	key             string
	authEndpoint    string
	userEndpoint    string
	activityTimeout time.Duration // 0 for the default
}

// normalize returns JSON with sorted keys. Data that is missing, null or "" is the same
// for package realtime.
func normalize(data string) string {
	var value any
	if json.Unmarshal([]byte(data), &value) != nil {
		value = data
	}
	if value == nil || value == "" {
		return ""
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return strings.TrimSpace(text.String())
}

func asCloseError(err error, target *websocket.CloseError) bool { return errors.As(err, target) }

// goClient is a client of package realtime.
type goClient struct {
	t        testing.TB
	settings settings
	log      *eventLog
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu       sync.Mutex
	conn     *realtime.Conn
	channels map[string]context.CancelFunc // of subscriptions that are requested
}

func newGoClient(t testing.TB, s settings) *goClient {
	c := &goClient{t: t, settings: s, log: newEventLog(), channels: map[string]context.CancelFunc{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *goClient) entries() *eventLog { return c.log }

// connect tries again if the first connection fails, as pusher-js does.
func (c *goClient) connect() {
	opts := []realtime.Option{
		realtime.WithAuthEndpoint(c.settings.authEndpoint, nil),
		realtime.WithUserAuthEndpoint(c.settings.userEndpoint, nil),
		realtime.WithBackoff(time.Second, time.Second), // as pusher-js
		realtime.WithLogger(slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))),
		realtime.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}),
	}
	if c.settings.activityTimeout > 0 {
		opts = append(opts, realtime.WithActivityTimeout(c.settings.activityTimeout))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		conn, err := realtime.Connect(c.ctx, c.settings.base+"/"+c.settings.name+"/app/"+c.settings.key, opts...)
		if err == nil {
			c.conn = conn
			break
		}
		var e *realtime.Error
		if errors.As(err, &e) && e.Code >= 4000 {
			c.log.add("", fmt.Sprintf("error %d %s", e.Code, e.Message))
		}
		if errors.Is(err, realtime.ErrRejected) {
			c.log.add("", "disconnected")
		}
		if errors.Is(err, realtime.ErrRejected) || c.ctx.Err() != nil {
			return
		}
	}
	c.wg.Go(func() {
		for event, err := range c.conn.Events(c.ctx) {
			switch {
			case err != nil:
				c.log.add("", "disconnected")
			case event.Kind == realtime.KindConnected:
				c.log.add("", "connected")
			case event.Kind == realtime.KindError && errors.Is(event.Err, realtime.ErrProtocol):
				c.log.add("", "invalid_message")
			case event.Kind == realtime.KindError && !errors.Is(event.Err, realtime.ErrRejected): // pusher-js has an event on the channel
			case event.Kind == realtime.KindError, event.Err.Code >= 4000:
				c.log.add("", fmt.Sprintf("error %d %s", event.Err.Code, event.Err.Message))
			}
		}
	})
}

func (c *goClient) subscribe(channel string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.channels[channel] != nil || c.conn == nil {
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	c.channels[channel] = cancel
	c.wg.Go(func() {
		ch, err := c.conn.Subscribe(ctx, channel)
		if err == nil {
			c.log.add(channel, "subscribed")
			stop := context.AfterFunc(ctx, ch.Unsubscribe)
			defer stop()
		}
		c.read(ctx, channel, ch, err)
	})
}

// read logs the events of a channel, and why it has ended.
func (c *goClient) read(ctx context.Context, channel string, ch *realtime.Channel, err error) {
	if err == nil {
		for event, e := range ch.Events(ctx) {
			if err = e; err == nil {
				c.logEvent(channel, event)
			}
		}
	}
	var e *realtime.Error
	if err == nil || !errors.As(err, &e) || ctx.Err() != nil {
		return
	}
	switch {
	case errors.Is(err, realtime.ErrForbidden), errors.Is(err, realtime.ErrAuthorization), errors.Is(err, realtime.ErrConfiguration):
		c.log.add(channel, fmt.Sprintf("subscription_error %d", e.Status))
	case errors.Is(err, realtime.ErrRejected) && e.Code > 0 && e.Code < 1000: // of soketi
		c.log.add(channel, fmt.Sprintf("subscription_error %d", e.Code))
	}
}

func (c *goClient) logEvent(channel string, event realtime.Event) {
	data := normalize(event.Data)
	switch event.Kind {
	case realtime.KindGap:
		c.log.add(channel, "subscribed")
	case realtime.KindMessage:
		c.log.add(channel, strings.TrimSpace(fmt.Sprintf("%s %s %s", event.Name, data, event.UserID)))
	case realtime.KindMemberAdded, realtime.KindMemberRemoved:
		c.log.add(channel, strings.TrimSpace(fmt.Sprintf("%s %s %s", event.Name, event.UserID, data)))
	case realtime.KindWatchlist:
		c.log.add("#watchlist", event.Name+" "+data)
	default:
		c.log.add(channel, strings.TrimSpace(event.Name+" "+data))
	}
	if event.Dropped > 0 {
		c.log.add(channel, fmt.Sprint("dropped ", event.Dropped))
	}
}

func (c *goClient) unsubscribe(channel string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.channels[channel]; cancel != nil {
		cancel()
		delete(c.channels, channel)
	}
}

func (c *goClient) channel(name string) *realtime.Channel {
	ctx, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	ch, err := c.conn.Subscribe(ctx, name) // the same Channel
	if err != nil {
		c.t.Errorf("%s: Subscribe(%s): %v", c.settings.name, name, err)
		return nil
	}
	return ch
}

func (c *goClient) send(channel, event string, data any) {
	if ch := c.channel(channel); ch != nil {
		if err := ch.Trigger(c.ctx, event, data); err != nil {
			c.t.Errorf("%s: Trigger(%s, %s): %v", c.settings.name, channel, event, err)
		}
	}
}

func (c *goClient) signIn() {
	c.wg.Go(func() {
		ch, err := c.conn.SignIn(c.ctx, auth.User{})
		if err == nil {
			c.log.add("#user", "subscribed")
		}
		c.read(c.ctx, "#user", ch, err)
	})
}

func (c *goClient) members(channel string) {
	if ch := c.channel(channel); ch != nil {
		members := map[string]json.RawMessage{}
		for _, m := range ch.Members() {
			if m.Info == "" {
				m.Info = "null"
			}
			members[m.ID] = json.RawMessage(m.Info)
		}
		text, _ := json.Marshal(members)
		c.log.add(channel, "members "+normalize(string(text)))
	}
}

func (c *goClient) flush() { time.Sleep(time.Millisecond) }

func (c *goClient) disconnect() {
	c.cancel()
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	c.wg.Wait()
}

// A driver is the process of Node.js with all clients of pusher-js.
type driver struct {
	t     testing.TB
	mu    sync.Mutex
	stdin *json.Encoder
	logs  map[string]*eventLog
	done  map[string]chan string // error of the current command
}

func startDriver(t testing.TB) *driver {
	t.Helper()
	command := exec.CommandContext(t.Context(), "node", "--no-deprecation", "driver.cjs")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdin, err := command.StdinPipe()
	noError(t, "stdin", err)
	stdout, err := command.StdoutPipe()
	noError(t, "stdout", err)
	noError(t, "start node", command.Start())
	d := &driver{t: t, stdin: json.NewEncoder(stdin), logs: map[string]*eventLog{}, done: map[string]chan string{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			d.line(lines.Bytes())
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-ended
		_ = command.Wait()
		if stderr.Len() > 0 {
			t.Errorf("stderr of driver.cjs:\n%s", stderr.String())
		}
	})
	return d
}

type driverLine struct {
	Done, Failed                 string
	Client, Channel, Event, User string
	Data                         json.RawMessage
}

func (d *driver) line(text []byte) {
	var line driverLine
	if err := json.Unmarshal(text, &line); err != nil {
		d.t.Errorf("driver.cjs wrote %q: %v", text, err)
		return
	}
	d.mu.Lock()
	done, log := d.done[line.Done], d.logs[line.Client]
	d.mu.Unlock()
	if line.Done != "" {
		done <- line.Failed
		return
	}
	data := normalize(string(line.Data))
	entry := strings.TrimSpace(line.Event + " " + data)
	switch line.Event {
	case "pusher:subscription_succeeded":
		entry = "subscribed"
	case "pusher:subscription_error", "pusher:signin_error":
		var e struct{ Status int }
		_ = json.Unmarshal(line.Data, &e)
		entry = fmt.Sprintf("subscription_error %d", e.Status)
	case "pusher:member_added", "pusher:member_removed":
		var member struct {
			ID   string
			Info json.RawMessage
		}
		_ = json.Unmarshal(line.Data, &member)
		entry = strings.TrimSpace(line.Event + " " + member.ID + " " + normalize(string(member.Info)))
	case "error":
		var e struct {
			Code    int
			Message string
		}
		_ = json.Unmarshal(line.Data, &e)
		if e.Code > 0 && e.Code < 4000 { // a close code of the WebSocket protocol
			return
		}
		entry = fmt.Sprintf("error %d %s", e.Code, e.Message)
	}
	if line.User != "" {
		entry += " " + line.User
	}
	log.add(line.Channel, entry)
}

// jsClient is a client of pusher-js.
type jsClient struct {
	*driver
	settings settings
	log      *eventLog
	done     chan string
}

func newJSClient(d *driver, s settings) *jsClient {
	c := &jsClient{driver: d, settings: s, log: newEventLog(), done: make(chan string, 1)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logs[s.name], d.done[s.name] = c.log, c.done
	return c
}

func (c *jsClient) call(command string, args map[string]any) {
	if args == nil {
		args = map[string]any{}
	}
	args["command"], args["client"] = command, c.settings.name
	c.mu.Lock()
	err := c.stdin.Encode(args)
	c.mu.Unlock()
	if err != nil {
		c.t.Errorf("%s: %s: %v", c.settings.name, command, err)
		return
	}
	select {
	case failed := <-c.done:
		if failed != "" {
			c.t.Errorf("%s: %s: %s", c.settings.name, command, failed)
		}
	case <-time.After(20 * time.Second):
		c.t.Errorf("%s: no response to %s", c.settings.name, command)
	}
}

func (c *jsClient) entries() *eventLog { return c.log }

func (c *jsClient) connect() {
	base, err := url.Parse(c.settings.base)
	noError(c.t, "parse URL", err)
	port, err := strconv.Atoi(base.Port())
	noError(c.t, "parse port", err)
	options := map[string]any{
		"cluster": "", "wsHost": base.Hostname(), "wsPort": port, "wsPath": "/" + c.settings.name, "forceTLS": false, "enabledTransports": []string{"ws"},
		"channelAuthorization": map[string]string{"transport": "ajax", "endpoint": c.settings.authEndpoint},
		"userAuthentication":   map[string]string{"transport": "ajax", "endpoint": c.settings.userEndpoint},
	}
	if c.settings.activityTimeout > 0 {
		options["activityTimeout"] = c.settings.activityTimeout.Milliseconds()
	}
	c.call("connect", map[string]any{"key": c.settings.key, "options": options})
}

func (c *jsClient) subscribe(channel string) {
	c.call("subscribe", map[string]any{"channel": channel})
}

func (c *jsClient) unsubscribe(channel string) {
	c.call("unsubscribe", map[string]any{"channel": channel})
}

func (c *jsClient) send(channel, event string, data any) {
	c.call("send", map[string]any{"channel": channel, "event": event, "data": data})
}

func (c *jsClient) signIn()                { c.call("signIn", nil) }
func (c *jsClient) members(channel string) { c.call("members", map[string]any{"channel": channel}) }
func (c *jsClient) flush()                 { c.call("flush", nil) }
func (c *jsClient) disconnect()            { c.call("disconnect", nil) }

func noError(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
