//go:build interop

package realtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A proxy relays WebSockets between clients and a server. It records which messages and
// close codes of the protocol it has seen, and can interfere.
type proxy struct {
	*httptest.Server
	upstream string // ws URL of the server

	mu    sync.Mutex
	seen  map[string]bool // see messageKind
	links map[string]*link
}

// A link is the state of one client's connections. The first segment of the path is the
// client's name.
type link struct {
	client, server *websocket.Conn // nil while there is no connection
	opened         int             // number of connections
	pending        int             // subscriptions and sign-ins without a response
	refusals       []refusal       // of the next connections
	last           time.Time       // of the last message
}

// A refusal is a close frame that a new connection gets.
type refusal struct {
	code   int
	reason string
}

func newProxy(t testing.TB, server string) *proxy {
	p := &proxy{upstream: "ws" + strings.TrimPrefix(server, "http"), seen: map[string]bool{}, links: map[string]*link{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(func() {
		p.mu.Lock()
		for _, l := range p.links {
			l.drop()
		}
		p.mu.Unlock()
		p.Close()
	})
	return p
}

func (p *proxy) link(client string) *link {
	l := p.links[client]
	if l == nil {
		l = &link{last: time.Now()}
		p.links[client] = l
	}
	return l
}

func (l *link) drop() {
	if l.client != nil {
		client, server := l.client, l.server
		l.client, l.server, l.pending = nil, nil, 0
		go func() { _ = client.CloseNow(); _ = server.CloseNow() }()
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	ctx := context.Background()
	client, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = client.CloseNow() }()
	client.SetReadLimit(-1)
	p.mu.Lock()
	l := p.link(name)
	l.opened++
	l.last = time.Now()
	var refused *refusal
	if len(l.refusals) > 0 {
		refused, l.refusals = &l.refusals[0], l.refusals[1:]
	}
	p.mu.Unlock()
	if refused != nil {
		p.close(client, refused.code, refused.reason)
		return
	}
	server, _, err := websocket.Dial(ctx, p.upstream+"/"+path+"?"+r.URL.RawQuery, nil)
	if err != nil {
		return
	}
	defer func() { _ = server.CloseNow() }()
	server.SetReadLimit(-1)
	p.mu.Lock()
	l.client, l.server, l.pending = client, server, 0
	p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.relay(l, client, server, client, false)
	}()
	p.relay(l, client, client, server, true)
	<-done
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.client == client {
		l.client, l.server, l.pending = nil, nil, 0
	}
	l.last = time.Now()
}

// relay copies messages until one side ends, and then closes the other one in the same
// way, unless closeClient does that.
func (p *proxy) relay(l *link, client, from, to *websocket.Conn, fromClient bool) {
	for {
		kind, message, err := from.Read(context.Background())
		p.mu.Lock()
		current := l.client == client
		p.mu.Unlock()
		if err != nil && !current {
			return
		}
		if err != nil {
			if code := websocket.CloseStatus(err); code > 0 && code != websocket.StatusNoStatusRcvd {
				var closed websocket.CloseError
				_ = asCloseError(err, &closed)
				if fromClient {
					_ = to.Close(code, closed.Reason)
				} else {
					p.close(to, int(code), closed.Reason)
				}
			}
			_ = to.CloseNow()
			return
		}
		p.mu.Lock()
		l.last = time.Now()
		p.record(l, message, fromClient)
		p.mu.Unlock()
		if to.Write(context.Background(), kind, message) != nil {
			_ = from.CloseNow()
			return
		}
	}
}

func (p *proxy) record(l *link, text []byte, fromClient bool) {
	var m struct{ Event, Channel string }
	if json.Unmarshal(text, &m) != nil {
		return
	}
	p.seen[messageKind(m.Event, m.Channel, fromClient)] = true
	switch m.Event {
	case "pusher:subscribe", "pusher:signin":
		l.pending++
	case "pusher_internal:subscription_succeeded", "pusher:signin_success", "pusher:subscription_error", "pusher:error":
		l.pending = max(0, l.pending-1)
	}
	if m.Event == "pusher:error" {
		var e struct{ Data struct{ Code int } }
		if json.Unmarshal(text, &e) == nil && e.Data.Code != 0 {
			p.seen[fmt.Sprint("error ", e.Data.Code)] = true
		}
	}
}

// messageKind returns an entry of protocolMessages.
func messageKind(event, channel string, fromClient bool) string {
	direction := "server: "
	if fromClient {
		direction = "client: "
	}
	switch {
	case strings.HasPrefix(event, "client-"):
		event = "client event"
	case !strings.HasPrefix(event, "pusher"):
		event = "event"
	case event == "pusher_internal:subscription_succeeded" && strings.HasPrefix(channel, "presence-"):
		event += " (presence)"
	}
	return direction + event
}

// close closes a client's connection with a code.
func (p *proxy) close(client *websocket.Conn, code int, reason string) {
	p.mu.Lock()
	p.seen[fmt.Sprint("close ", code)] = true
	p.mu.Unlock()
	_ = client.Close(websocket.StatusCode(code), reason)
}

// inject sends a message to a client as if the server had sent it.
func (p *proxy) inject(client, message string) error {
	p.mu.Lock()
	l := p.link(client)
	ws := l.client
	l.last = time.Now()
	p.record(l, []byte(message), false)
	p.mu.Unlock()
	if ws == nil {
		return fmt.Errorf("%s is not connected", client)
	}
	return ws.Write(context.Background(), websocket.MessageText, []byte(message))
}

// closeClient closes the connections of a client and to the server, that of the client
// with a close frame if code is not 0.
func (p *proxy) closeClient(client string, code int, reason string) {
	p.mu.Lock()
	l := p.link(client)
	ws, server := l.client, l.server
	l.client, l.server, l.pending = nil, nil, 0
	p.mu.Unlock()
	if ws == nil {
		return
	}
	// The server notices first, so that the order of what other clients see is the same
	// in each run.
	_ = server.Close(websocket.StatusNormalClosure, "")
	time.Sleep(settleTime / 2)
	if code != 0 {
		p.close(ws, code, reason)
	}
	_ = ws.CloseNow()
}

func (p *proxy) refuse(client string, r refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.link(client)
	l.refusals = append(l.refusals, r)
}

// quiet returns how long a client has not sent or received anything, or 0 while it waits
// for a response.
func (p *proxy) quiet(client string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.link(client)
	if l.pending > 0 {
		return 0
	}
	return time.Since(l.last)
}
