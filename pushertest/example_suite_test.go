package pushertest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

// This file is an example of a team's tests: those of a shop whose customers watch
// their orders.

// A publisher publishes events. *pusher.Client implements it.
type publisher interface {
	Trigger(ctx context.Context, channel, event string, data any, opts ...pusher.TriggerOption) (*pusher.TriggerResult, error)
}

// A shop is the code under test.
type shop struct {
	publisher publisher
	watched   chan string // channels that customers watch
}

func (s *shop) ship(w http.ResponseWriter, r *http.Request) {
	order := map[string]string{"order": r.PathValue("order")}
	if _, err := s.publisher.Trigger(r.Context(), "private-orders-"+r.PathValue("customer"), "shipped", order); err != nil {
		http.Error(w, "not published", http.StatusBadGateway)
	}
}

// authorize lets customers watch their own orders only.
func (s *shop) authorize(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
	session, err := r.Cookie("customer")
	if err != nil || request.Channel != "private-orders-"+session.Value {
		return nil, auth.ErrForbidden
	}
	return nil, nil
}

func (s *shop) receive(_ context.Context, hook *webhook.Webhook) error {
	for _, event := range hook.Events {
		if occupied, ok := event.(webhook.ChannelOccupied); ok {
			s.watched <- occupied.Channel
		}
	}
	return nil
}

func (s *shop) handler(client *pusher.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /customers/{customer}/orders/{order}/ship", s.ship)
	mux.Handle("POST /pusher/auth", client.Authorizer().ChannelHandler(s.authorize))
	mux.Handle("POST /webhook", client.WebhookVerifier().Handler(s.receive))
	return mux
}

// A mockPublisher records channels, for tests of the handler alone.
type mockPublisher struct {
	channels []string
	err      error
}

func (m *mockPublisher) Trigger(_ context.Context, channel, _ string, _ any, _ ...pusher.TriggerOption) (*pusher.TriggerResult, error) {
	m.channels = append(m.channels, channel)
	return &pusher.TriggerResult{}, m.err
}

func TestShop_Ship(t *testing.T) {
	tests := []struct {
		name       string
		err        error
		wantStatus int
	}{
		{"published", nil, http.StatusOK},
		{"rate limited", &pusher.Error{Status: http.StatusTooManyRequests}, http.StatusBadGateway},
		{"unreachable", pusher.ErrTransport, http.StatusBadGateway},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mock := &mockPublisher{err: tt.err}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.SetPathValue("customer", "ada")
			w := httptest.NewRecorder()
			(&shop{publisher: mock}).ship(w, r)
			if w.Code != tt.wantStatus || !slices.Equal(mock.channels, []string{"private-orders-ada"}) {
				t.Errorf("got status %d and events on %q, want %d and one for ada", w.Code, mock.channels, tt.wantStatus)
			}
		})
	}
}

// startShop starts the app with a real client, and its Pusher server.
func startShop(t *testing.T) (*shop, http.Handler, *pushertest.Server) {
	t.Helper()
	server := pushertest.NewServer(pushertest.WithTestLog(t))
	t.Cleanup(server.Close)
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{publisher: client, watched: make(chan string, 100)}
	app := s.handler(client)
	listener := httptest.NewServer(app)
	t.Cleanup(listener.Close)
	if err := server.SetWebhook(listener.URL + "/webhook"); err != nil {
		t.Fatal(err)
	}
	return s, app, server
}

func TestShop(t *testing.T) {
	s, app, server := startShop(t)
	ada := pushertest.WithRequestHeader(http.Header{"Cookie": {"customer=ada"}})
	ship := func() int {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/customers/ada/orders/7/ship", nil))
		return w.Code
	}

	t.Run("customer watches an order", func(t *testing.T) {
		t.Cleanup(server.Reset)
		browser, err := server.Subscribe(t.Context(), "private-orders-ada", pushertest.WithAuthorizer(app), ada)
		if err != nil {
			t.Fatal(err)
		}
		if got := <-s.watched; got != "private-orders-ada" {
			t.Errorf("the shop knows of watched %q, want private-orders-ada", got)
		}
		if status := ship(); status != http.StatusOK {
			t.Errorf("got status %d, want 200", status)
		}
		event, err := browser.Next(t.Context())
		if err != nil || event.Name != "shipped" || !strings.Contains(event.Data, `"7"`) {
			t.Errorf("received %+v, %v, want order 7 shipped", event, err)
		}
	})
	t.Run("orders of another customer", func(t *testing.T) {
		_, err := server.Subscribe(t.Context(), "private-orders-grace", pushertest.WithAuthorizer(app), ada)
		var rejected *pushertest.AuthorizationError
		if !errors.As(err, &rejected) || rejected.Status != http.StatusForbidden {
			t.Errorf("got %v, want status 403", err)
		}
	})
	t.Run("app is over its quota", func(t *testing.T) {
		if err := server.FailContext(t.Context(), pushertest.Failure{Status: http.StatusForbidden}); err != nil {
			t.Fatal(err)
		}
		if status := ship(); status != http.StatusBadGateway || len(server.Events()) != 0 {
			t.Errorf("got status %d and events %v, want 502 and none", status, server.Events())
		}
	})
	t.Run("works again", func(t *testing.T) {
		t.Cleanup(server.Reset)
		if status := ship(); status != http.StatusOK || len(server.Events()) != 1 {
			t.Errorf("got status %d and events %v, want 200 and one", status, server.Events())
		}
	})
}

// The app need not listen: its handler is enough.
func Example_suite() {
	ctx := context.Background()
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	app := (&shop{publisher: client}).handler(client)

	browser, err := server.Subscribe(ctx, "private-orders-ada",
		pushertest.WithAuthorizer(app),
		pushertest.WithRequestHeader(http.Header{"Cookie": {"customer=ada"}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/customers/ada/orders/7/ship", nil))

	event, err := browser.Next(ctx)
	fmt.Println(event.Channel, event.Name, event.Data, err)
	// Output: private-orders-ada shipped {"order":"7"} <nil>
}
