package pushertest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestZeroValues(t *testing.T) {
	ctx := context.Background()
	for name, s := range map[string]*pushertest.Server{"nil server": nil, "zero server": {}} {
		t.Run(name, func(t *testing.T) {
			_, subscribeErr := s.Subscribe(ctx, "c")
			_, waitErr := s.WaitForEvent(ctx, nil)
			_, urlErr := s.PusherURLAt("http://localhost")
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			for method, err := range map[string]error{
				"Subscribe":        subscribeErr,
				"WaitForEvent":     waitErr,
				"PusherURLAt":      urlErr,
				"SetChannel":       s.SetChannel("c", pushertest.ChannelState{}),
				"Fail":             s.Fail(pushertest.Failure{}),
				"CloseConnections": s.CloseConnections(4200, ""),
				"FailContext":      s.FailContext(ctx, pushertest.Failure{}),
				"SetWebhook":       s.SetWebhook(),
				"Serve":            s.Serve(listener),
			} {
				if !errors.Is(err, pushertest.ErrConfiguration) {
					t.Errorf("%s = %v, want %v", method, err, pushertest.ErrConfiguration)
				}
			}
			s.Delay(time.Second)
			s.DropConnections()
			s.Reset()
			if s.Events() != nil || s.Terminated() != nil || s.Connections() != nil || s.Channels() != nil || s.App() != (pushertest.App{}) {
				t.Error("the server has events, terminated users, connections, channels or an app")
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/apps/3/channels", nil))
			if w.Code != http.StatusInternalServerError {
				t.Errorf("ServeHTTP responded with %d, want 500", w.Code)
			}
			s.Close()
		})
	}
	for name, sub := range map[string]*pushertest.Subscriber{"nil subscriber": nil, "zero subscriber": {}} {
		t.Run(name, func(t *testing.T) {
			if _, err := sub.Next(ctx); !errors.Is(err, pushertest.ErrConfiguration) {
				t.Errorf("Next = %v, want %v", err, pushertest.ErrConfiguration)
			}
			if err := sub.Send("client-e", ""); !errors.Is(err, pushertest.ErrConfiguration) {
				t.Errorf("Send = %v, want %v", err, pushertest.ErrConfiguration)
			}
			if sub.SocketID() != "" || sub.Events() != nil {
				t.Error("the subscriber has a socket ID or events")
			}
			sub.Close()
		})
	}
}
