package control_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/control"
	"github.com/openchannels/pusher-go/internal/control/api"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/realtime"
)

func TestHandler_Apps(t *testing.T) {
	s := serve(t, control.Guard{})
	var created api.CreatedApp
	s.must("POST", "/apps", "", &created)
	if created.ID == "" || created.Key == "" || len(created.Secret) < 20 {
		t.Errorf("POST /apps = %+v, want a random ID, key and secret", created)
	}
	if _, err := s.client(created.PusherURL).Trigger(t.Context(), "news", "changed", 1); err != nil {
		t.Errorf("Trigger with the pusher_url of the response: %v", err)
	}
	s.must("POST", "/apps", `{"id":"7","key":"k7","secret":"the-secret-of-app-7"}`, &created)
	host := strings.TrimPrefix(s.URL, "http://")
	want := api.CreatedApp{ID: "7", Key: "k7", Secret: "the-secret-of-app-7", PusherURL: "http://k7:the-secret-of-app-7@" + host + "/apps/7"}
	if created != want {
		t.Errorf("POST /apps = %+v, want %+v", created, want)
	}

	status, text := s.call("GET", "/apps", "")
	if status != http.StatusOK || strings.Contains(text, "secret") || !strings.Contains(text, `{"id":"1","key":"app-key"}`) || !strings.HasSuffix(text, `{"id":"7","key":"k7"}]}`) {
		t.Errorf("GET /apps = %d %s, want the apps in order and no secrets", status, text)
	}
	for _, body := range []string{`{"id":"7"}`, `{"key":"app-key"}`} {
		if status, text := s.call("POST", "/apps", body); status != http.StatusConflict {
			t.Errorf("POST /apps %s = %d %s, want 409", body, status, text)
		}
	}

	ws := dial(t, s, "k7")
	s.must("DELETE", "/apps/7", "", nil)
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != 1001 {
		t.Errorf("the connection ended with %v, want code 1001", err)
	}
	if _, err := s.client(want.PusherURL).Trigger(t.Context(), "news", "changed", 1); !errors.Is(err, pusher.ErrUnknownKey) {
		t.Errorf("Trigger for a deleted app = %v, want an error response", err)
	}
	if status, _ := s.call("DELETE", "/apps/7", ""); status != http.StatusNotFound {
		t.Errorf("DELETE of a deleted app = %d, want 404", status)
	}
	var left api.AppList
	s.must("GET", "/apps", "", &left)
	for _, app := range left.Apps {
		s.must("DELETE", "/apps/"+app.ID, "", nil)
	}
	if _, err := s.client(want.PusherURL).Trigger(t.Context(), "news", "changed", 1); !errors.Is(err, pusher.ErrNotFound) {
		t.Errorf("Trigger on a server without apps = %v, want %v", err, pusher.ErrNotFound)
	}
}

// The test of one app does not see the events and failures of another one.
func TestHandler_AppsAreSeparate(t *testing.T) {
	s := serve(t, control.Guard{})
	var first, second api.CreatedApp
	s.must("POST", "/apps", "{}", &first)
	s.must("POST", "/apps", "{}", &second)
	s.must("POST", "/apps/"+first.ID+"/failures", `{"status":503}`, nil)
	if _, err := s.client(second.PusherURL).Trigger(t.Context(), "news", "changed", 1); err != nil {
		t.Errorf("Trigger = %v, want no failure", err)
	}
	var events api.EventList
	s.must("GET", "/apps/"+first.ID+"/events", "", &events)
	if len(events.Events) != 0 {
		t.Errorf("events of the first app = %+v, want none", events.Events)
	}
}

func TestHandler_Events(t *testing.T) {
	s := serve(t, control.Guard{})
	client := s.client(s.pusherURL())
	list := func(query string) []string {
		var list api.EventList
		s.must("GET", "/apps/1/events"+query, "", &list)
		names := []string{}
		for _, event := range list.Events {
			names = append(names, event.Channel+" "+event.Name+" "+event.Data)
		}
		return names
	}
	check := func(query string, want ...string) {
		t.Helper()
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("GET events%s = %q, want %q", query, got, want)
		}
	}
	check("")
	check("?wait=0.01")

	waited := make(chan []string)
	go func() { waited <- list("?channel=orders&count=2&wait=20") }()
	must(t)(client.TriggerMulti(t.Context(), []string{"orders", "blog"}, "created", 1))
	must(t)(client.Trigger(t.Context(), "orders", "paid", 2, pusher.ExcludeSocket("1.2")))
	if got, want := <-waited, []string{"orders created 1", "orders paid 2"}; !slices.Equal(got, want) {
		t.Errorf("waiting for 2 events on orders = %q, want %q", got, want)
	}
	must(t)(nil, client.SendToUser(t.Context(), "ada", "hello", 3))

	check("", "orders created 1", "blog created 1", "orders paid 2", "#server-to-user-ada hello 3")
	check("?name=created", "orders created 1", "blog created 1")
	check("?channel=orders&name=paid&wait=20", "orders paid 2")
	var all api.EventList
	s.must("GET", "/apps/1/events?count=4&wait=20", "", &all)
	if e := all.Events[2]; e.SocketID != "1.2" || time.Since(e.Time) > time.Hour {
		t.Errorf("event = %+v, want the socket ID 1.2 and the time", e)
	}
	if e := all.Events[3]; e.UserID != "ada" {
		t.Errorf("event = %+v, want the user ada", e)
	}
	s.must("POST", "/apps/1/reset", "", nil)
	check("")
}

// An event of the control API is subject to what the Pusher API checks and simulates.
func TestHandler_Trigger(t *testing.T) {
	s := serve(t, control.Guard{})
	const event = `{"name":"created","channels":["orders","blog"],"data":"{}","socket_id":"1.2"}`
	s.must("POST", "/apps/1/events", event, nil)
	var list api.EventList
	s.must("GET", "/apps/1/events", "", &list)
	if len(list.Events) != 2 || list.Events[1].Channel != "blog" || list.Events[1].SocketID != "1.2" || list.Events[1].Data != "{}" {
		t.Errorf("events = %+v, want one for each channel", list.Events)
	}
	for body, want := range map[string]string{
		`{"name":"n","channels":["a b"],"data":""}`:                                       `400 {"error":"Invalid channel name"}`,
		`{"name":"pusher:n","channels":["a"],"data":""}`:                                  `400 {"error":"`,
		`{"name":"n","channels":["a"],"data":"` + strings.Repeat("x", 10241) + `"}`:       `413 {"error":"The data content of this event exceeds the allowed maximum (10240 bytes)`,
		`{"name":"n","channels":[],"data":""}`:                                            `400 {"error":"`,
		`{"name":"n","channels":["private-encrypted-a","private-encrypted-b"],"data":""}`: `400 {"error":"`,
	} {
		status, text := s.call("POST", "/apps/1/events", body)
		if !strings.HasPrefix(fmt.Sprint(status, " ", text), want) {
			t.Errorf("POST events %.80s = %d %s, want %s", body, status, text, want)
		}
	}
	s.must("POST", "/apps/1/failures", `{"status":503,"body":"Service unavailable\n"}`, nil)
	if status, text := s.call("POST", "/apps/1/events", event); status != 503 || text != `{"error":"Service unavailable"}` {
		t.Errorf("POST events with a failure = %d %s, want 503 and its body", status, text)
	}
}

func TestHandler_Failures(t *testing.T) {
	s := serve(t, control.Guard{})
	client := s.client(s.pusherURL())
	publish := func() error {
		_, err := client.Trigger(t.Context(), "news", "changed", 1)
		return err
	}
	s.must("POST", "/apps/1/failures", `{"status":429,"body":"slow down","headers":{"Retry-After":"2"},"times":2,"path":"/events"}`, nil)
	if _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); err != nil {
		t.Errorf("Channels = %v, want a failure of /events only", err)
	}
	for range 2 {
		var apiErr *pusher.Error
		if err := publish(); !errors.As(err, &apiErr) || apiErr.Status != 429 || apiErr.RetryAfter != 2*time.Second {
			t.Errorf("Trigger = %v, want status 429 and Retry-After 2 s", err)
		}
	}
	if err := publish(); err != nil {
		t.Errorf("Trigger after the failures = %v", err)
	}
	s.must("POST", "/apps/1/failures", `{}`, nil)
	if err := publish(); !errors.Is(err, pusher.ErrTransport) {
		t.Errorf("Trigger = %v, want a closed connection", err)
	}
	s.must("POST", "/apps/1/failures", `{"close_code":4004,"body":"Account over quota"}`, nil)
	ws := dial(t, s, "app-key") // reads pusher:error
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != 4004 {
		t.Errorf("the connection ended with %v, want code 4004", err)
	}
	s.must("POST", "/apps/1/failures", `{"status":503,"times":1000}`, nil)
	s.must("PUT", "/apps/1/delay", `{"milliseconds":600000}`, nil)
	s.must("POST", "/apps/1/reset", "", nil)
	if err := publish(); err != nil {
		t.Errorf("Trigger after reset = %v", err)
	}
}

func TestHandler_ConnectionsAndChannels(t *testing.T) {
	s := serve(t, control.Guard{})
	client := s.client(s.pusherURL())
	conn, err := realtime.Connect(t.Context(), strings.Replace(s.URL, "http", "ws", 1)+"/app/app-key", realtime.WithAuthorizer(client.Authorizer()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	must(t)(conn.Subscribe(t.Context(), "news"))
	must(t)(conn.Subscribe(t.Context(), "presence-lobby", realtime.WithMember(auth.Member{UserID: "ada"})))
	must(t)(client.Trigger(t.Context(), "cache-prices", "price", 5))

	var connections api.ConnectionList
	s.must("GET", "/apps/1/connections", "", &connections)
	if connections.Total != 1 || len(connections.Connections) != 1 {
		t.Fatalf("connections = %+v, want one", connections)
	}
	if c := connections.Connections[0]; c.SocketID == "" || c.Client == "" || !slices.Equal(c.Channels, []string{"news", "presence-lobby"}) || time.Since(c.Opened) > time.Hour {
		t.Errorf("connection = %+v, want its channels, client and time", c)
	}
	for query, want := range map[string]api.ChannelList{
		"": {Total: 3, Channels: []api.Channel{
			{Name: "cache-prices", Cached: api.CachedEvent{Name: "price", Data: "5"}},
			{Name: "news", Subscriptions: 1},
			{Name: "presence-lobby", Subscriptions: 1, Users: []string{"ada"}},
		}},
		"?prefix=news": {Total: 1, Channels: []api.Channel{{Name: "news", Subscriptions: 1}}},
		"?limit=1":     {Total: 3, Channels: []api.Channel{{Name: "cache-prices", Cached: api.CachedEvent{Name: "price", Data: "5"}}}},
	} {
		var got api.ChannelList
		s.must("GET", "/apps/1/channels"+query, "", &got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("GET channels%s = %+v, want %+v", query, got, want)
		}
	}
}

func TestHandler_Disconnect(t *testing.T) {
	for body, want := range map[string]websocket.StatusCode{
		`{"code":4200,"reason":"Please reconnect"}`: 4200,
		`{}`: -1, // no close frame
		"":   -1,
	} {
		s := serve(t, control.Guard{})
		ws := dial(t, s, "app-key")
		s.must("POST", "/apps/1/disconnect", body, nil)
		if _, _, err := ws.Read(t.Context()); err == nil || websocket.CloseStatus(err) != want {
			t.Errorf("after POST disconnect %s the connection ended with %v, want code %d", body, err, want)
		}
	}
}

func TestHandler_Document(t *testing.T) {
	s := serve(t, control.Guard{})
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if status, text := s.call("GET", "/openapi.yaml", ""); status != http.StatusOK || text != strings.TrimSpace(string(want)) {
		t.Errorf("GET /control/openapi.yaml = %d, %d bytes, want openapi.yaml", status, len(text))
	}
}

func TestHandler_Invalid(t *testing.T) {
	s := serve(t, control.Guard{})
	if status, _ := s.call("HEAD", "/apps/1/stream", ""); status != http.StatusNotFound {
		t.Errorf("HEAD stream = %d, want 404", status)
	}
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/apps/9/events", "", 404, `there is no app \"9\"`},
		{"GET", "/apps/9/stream", "", 404, `there is no app \"9\"`},
		{"GET", "/nothing", "", 404, "no such method and path"},
		{"PATCH", "/apps", "", 404, "no such method and path"},
		{"GET", "/apps/1/events?wait=61", "", 400, "wait: number must be at most 60"},
		{"GET", "/apps/1/events?wait=NaN", "", 400, "wait"},
		{"GET", "/apps/1/events?count=0", "", 400, "count: number must be at least 1"},
		{"GET", "/apps/1/events?count=x", "", 400, "count"},
		{"GET", "/apps/1/events?chanel=news", "", 400, `unknown parameter: \"chanel\"`},
		{"GET", "/apps/1/events?a=%zz", "", 400, "invalid URL escape"},
		{"GET", "/apps/1/channels?limit=0", "", 400, "limit: number must be at least 1"},
		{"GET", "/apps/1/connections?limit=10001", "", 400, "limit: number must be at most 10000"},
		{"POST", "/apps", `{"ID":"7"}`, 400, "body: property \\\"ID\\\" is unsupported"},
		{"POST", "/apps", `{"id":"a/b"}`, 400, "app ID is not a URL path segment"},
		{"POST", "/apps", `{"key":"a b"}`, 400, "the key contains a space"},
		{"POST", "/apps", `{"id":7}`, 400, "body.id: value must be a string"},
		{"POST", "/apps/1/failures", "", 400, "body"},
		{"POST", "/apps/1/failures", "{", 400, "body"},
		{"POST", "/apps/1/failures", "null", 400, "body"},
		{"POST", "/apps/1/failures", `{"status":199}`, 400, "body.status: number must be at least 200"},
		{"POST", "/apps/1/failures", `{"times":0}`, 400, "body.times: number must be at least 1"},
		{"POST", "/apps/1/failures", `{"close_code":1005}`, 400, "code is not allowed in a close frame: 1005"},
		{"POST", "/apps/1/failures", `{"close_code":4000,"status":500}`, 400, "both status and close_code are set"},
		{"POST", "/apps/1/disconnect", `{"code":4000,"reason":"` + strings.Repeat("x", 124) + `"}`, 400, "reason is longer than 123 bytes"},
		{"PUT", "/apps/1/delay", `{"milliseconds":-1}`, 400, "body.milliseconds: number must be at least 0"},
		{"PUT", "/apps/1/delay", `{}`, 400, "milliseconds"},
		{"POST", "/apps/1/events", `{"name":"n","data":""}`, 400, "channels"},
		{"POST", "/apps/1/failures", `{"body":"` + strings.Repeat("x", 1<<20) + `"}`, 400, "request body too large"},
	} {
		status, text := s.call(test.method, test.path, test.body)
		if status != test.status || !strings.HasPrefix(text, `{"error":"`) || !strings.Contains(text, test.want) {
			t.Errorf("%s %s %.60s = %d %s, want %d and %q", test.method, test.path, test.body, status, text, test.status, test.want)
		}
	}
}

// must returns a function that fails the test if a call returned an error.
func must(t testing.TB) func(_ any, err error) {
	t.Helper()
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}
