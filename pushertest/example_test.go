package pushertest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// dialApp connects as pusher-js does.
func dialApp(s *pushertest.Server) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(context.Background(), s.URL+"/app/"+s.App().Key+"?protocol=7", nil)
	if err != nil {
		return nil, err
	}
	_, _, err = ws.Read(context.Background()) // the greeting
	return ws, err
}

func ExampleServer_CloseConnections() {
	s := pushertest.NewServer()
	defer s.Close()
	ws, err := dialApp(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.CloseConnections(4200, "Please reconnect"); err != nil {
		fmt.Println(err)
	}
	_, _, err = ws.Read(context.Background())
	fmt.Println(websocket.CloseStatus(err))
	// Output: StatusCode(4200)
}

// newClient stands for the code under test: any client of the HTTP API.
func newClient(url string, app pushertest.App) *gen.ClientWithResponses {
	signer, err := signing.New(app.Key, app.Secret)
	if err != nil {
		panic(err)
	}
	client, err := gen.NewClientWithResponses(url, gen.WithRequestEditorFn(signer.Edit))
	if err != nil {
		panic(err)
	}
	return client
}

func greet(s *pushertest.Server) (*gen.TriggerEventResponse, error) {
	return newClient(s.URL, s.App()).TriggerEventWithResponse(context.Background(), s.App().ID, gen.TriggerRequest{
		Name:     "greeting",
		Channels: []string{"lobby"},
		Data:     `{"text":"hello"}`,
	})
}

func Example() {
	s := pushertest.NewServer()
	defer s.Close()

	res, err := greet(s) // the code under test
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Status())
	for _, event := range s.Events() {
		fmt.Println(event.Channel, event.Name, event.Data)
	}
	// Output:
	// 200 OK
	// lobby greeting {"text":"hello"}
}

func ExampleNewServer() {
	s := pushertest.NewServer(pushertest.WithApp(pushertest.App{ID: "1", Key: "key", Secret: "secret"}))
	defer s.Close()

	res, err := http.Get(s.URL + "/apps/1/channels") // not signed
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	fmt.Println(res.Status)
	// Output: 401 Unauthorized
}

func ExampleNew() {
	s, err := pushertest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	mux := http.NewServeMux()
	mux.Handle("/apps/", s)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/apps/3/channels", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 401 Missing parameter: auth_key
}

func ExampleServer_PusherURL() {
	s := pushertest.NewServer(pushertest.WithApp(pushertest.App{ID: "1", Key: "key", Secret: "secret"}))
	defer s.Close()

	fmt.Println(strings.Replace(s.PusherURL(), strings.TrimPrefix(s.URL, "http://127.0.0.1:"), "PORT", 1))
	// Output: http://key:secret@127.0.0.1:PORT/apps/1
}

func ExampleServer_WaitForEvent() {
	s := pushertest.NewServer()
	defer s.Close()

	go func() { _, _ = greet(s) }() // the code under test works in the background

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	event, err := s.WaitForEvent(ctx, func(e pushertest.Event) bool { return e.Name == "greeting" })
	fmt.Println(event.Channel, err)
	// Output: lobby <nil>
}

func ExampleServer_SetChannel() {
	s := pushertest.NewServer()
	defer s.Close()
	if err := s.SetChannel("presence-room", pushertest.ChannelState{Users: []string{"ada", "grace"}}); err != nil {
		fmt.Println(err)
		return
	}

	res, err := newClient(s.URL, s.App()).ListChannelUsersWithResponse(context.Background(), s.App().ID, "presence-room")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.JSON200.Users)
	// Output: [{ada} {grace}]
}

func ExampleServer_Channels() {
	s := pushertest.NewServer()
	defer s.Close()
	if _, err := s.Subscribe(context.Background(), "presence-room", pushertest.AsMember("ada", nil)); err != nil {
		fmt.Println(err)
		return
	}

	for name, channel := range s.Channels() {
		fmt.Println(name, channel.Subscriptions, channel.Users)
	}
	// Output: presence-room 1 [ada]
}

func ExampleServer_Connections() {
	s := pushertest.NewServer()
	defer s.Close()
	if _, err := s.Subscribe(context.Background(), "lobby", pushertest.AsUser("ada")); err != nil {
		fmt.Println(err)
		return
	}

	for _, connection := range s.Connections() {
		fmt.Println(connection.UserID, connection.Channels)
	}
	// Output: ada [lobby]
}

func ExampleServer_Terminated() {
	s := pushertest.NewServer()
	defer s.Close()

	_, err := newClient(s.URL, s.App()).TerminateUserConnectionsWithResponse(context.Background(), s.App().ID, "ada", gen.TerminateRequest{})
	fmt.Println(s.Terminated(), err)
	// Output: [ada] <nil>
}

func ExampleServer_Fail() {
	s := pushertest.NewServer()
	defer s.Close()
	err := s.Fail(pushertest.Failure{
		Status: http.StatusServiceUnavailable,
		Body:   "Service unavailable\n",
		Header: http.Header{"Retry-After": {"1"}},
		Match:  func(r *http.Request) bool { return r.Method == http.MethodPost },
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	for range 2 {
		res, err := greet(s)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(res.Status())
	}
	// Output:
	// 503 Service Unavailable
	// 200 OK
}

func ExampleServer_FailContext() {
	s := pushertest.NewServer()
	defer s.Close()

	ctx, cancel := context.WithCancel(context.Background()) // t.Context() in a test
	defer cancel()
	err := s.FailContext(ctx, pushertest.Failure{Status: http.StatusServiceUnavailable})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		res, err := greet(s)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(res.Status())
		cancel()
	}
	// Output:
	// 503 Service Unavailable
	// 200 OK
	// 200 OK
}

func ExampleServer_Reset() {
	s := pushertest.NewServer()
	defer s.Close()
	if _, err := greet(s); err != nil {
		fmt.Println(err)
		return
	}
	s.Reset() // with t.Cleanup, if tests share a server
	fmt.Println(len(s.Events()))
	// Output: 0
}

func ExampleServer_Delay() {
	s := pushertest.NewServer()
	defer s.Close()
	s.Delay(time.Hour)

	client := http.Client{Timeout: 10 * time.Millisecond}
	res, err := client.Get(s.URL)
	if err == nil {
		_ = res.Body.Close()
	}
	fmt.Println(os.IsTimeout(err))
	// Output: true
}

func ExampleServer_DropConnections() {
	s := pushertest.NewServer()
	defer s.Close()

	underWay := make(chan struct{})
	err := s.Fail(pushertest.Failure{Match: func(r *http.Request) bool {
		close(underWay)
		<-r.Context().Done()
		return true
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		<-underWay
		s.DropConnections()
	}()
	_, err = greet(s)
	fmt.Println(err != nil)
	// Output: true
}

func ExampleServer_PusherURLAt() {
	s, err := pushertest.New(pushertest.WithApp(pushertest.App{ID: "1", Key: "key", Secret: "secret"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	mux := http.NewServeMux()
	mux.Handle("/pusher/", http.StripPrefix("/pusher", s))
	// Serve mux at http://localhost:8080.
	fmt.Println(s.PusherURLAt("http://localhost:8080/pusher"))
	// Output: http://key:secret@localhost:8080/pusher/apps/1 <nil>
}

func ExampleServer_Serve() {
	s, err := pushertest.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	time.AfterFunc(10*time.Millisecond, s.Close) // usually on a signal

	fmt.Println(s.Serve(listener))
	// Output: http: Server closed
}
