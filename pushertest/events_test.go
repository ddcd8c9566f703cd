package pushertest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// checkEvents compares all but the times.
func checkEvents(t testing.TB, s *pushertest.Server, want ...pushertest.Event) {
	t.Helper()
	got := s.Events()
	for i := range got {
		got[i].Time = time.Time{}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Events() =\n%+v, want\n%+v", got, want)
	}
}

func named(name string) func(pushertest.Event) bool {
	return func(e pushertest.Event) bool { return e.Name == name }
}

func TestServer_Events(t *testing.T) {
	s := newServer(t)
	for _, post := range [][2]string{
		{events, `{"name":"a","channels":["c1","c2","c1"],"data":"1","socket_id":"1.2"}`},
		{batch, `{"batch":[{"name":"b","channel":"c1","data":"2","info":"user_count"},{"name":"b","channel":"c1","data":"2"}]}`},
		{events, `{"name":"c","channel":"#server-to-user-7","data":"3"}`},
	} {
		if status, text := call(t, s, http.MethodPost, post[0], post[1]); status != 200 {
			t.Fatalf("POST %s %s = %d %q, want 200", post[0], post[1], status, text)
		}
	}
	checkEvents(t, s,
		pushertest.Event{Channel: "c1", Name: "a", Data: "1", SocketID: "1.2"},
		pushertest.Event{Channel: "c2", Name: "a", Data: "1", SocketID: "1.2"},
		pushertest.Event{Channel: "c1", Name: "b", Data: "2", Info: "user_count"},
		pushertest.Event{Channel: "c1", Name: "b", Data: "2"},
		pushertest.Event{Channel: "#server-to-user-7", Name: "c", Data: "3"},
	)
}

func TestWithMaxEvents(t *testing.T) {
	s := newServer(t, pushertest.WithMaxEvents(3))
	first := func(pushertest.Event) bool { return true }
	for i := range 10 {
		trigger(t, s, fmt.Sprintf(`{"name":"n%d","channels":["a","b"],"data":"d"}`, i))
		call(t, s, http.MethodPost, fmt.Sprintf("/apps/3/users/%d/terminate_connections", i), "{}")
	}
	checkEvents(t, s,
		pushertest.Event{Channel: "b", Name: "n8", Data: "d"},
		pushertest.Event{Channel: "a", Name: "n9", Data: "d"},
		pushertest.Event{Channel: "b", Name: "n9", Data: "d"},
	)
	if got, err := s.WaitForEvent(t.Context(), first); err != nil || got.Name != "n8" {
		t.Errorf("WaitForEvent(...) = %+v, %v, want the oldest event", got, err)
	}
	if got, want := s.Terminated(), []string{"7", "8", "9"}; !slices.Equal(got, want) {
		t.Errorf("Terminated() = %q, want %q", got, want)
	}
}

// WaitForEvent sees every event even if more are triggered than are kept.
func TestWithMaxEvents_WaitForEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, pushertest.WithMaxEvents(1))
		var seen []string
		done := make(chan error)
		go func() {
			_, err := s.WaitForEvent(t.Context(), func(e pushertest.Event) bool {
				seen = append(seen, e.Name)
				return e.Name == "n4"
			})
			done <- err
		}()
		for i := range 5 {
			synctest.Wait()
			trigger(t, s, fmt.Sprintf(`{"name":"n%d","channel":"c","data":"d"}`, i))
		}
		if err := <-done; err != nil {
			t.Errorf("WaitForEvent(...) = %v, want nil", err)
		}
		if want := []string{"n0", "n1", "n2", "n3", "n4"}; !slices.Equal(seen, want) {
			t.Errorf("match was called for %q, want %q", seen, want)
		}
	})
}

// The connection that is excluded, and one that is closed, do not count.
func TestServer_Events_Connections(t *testing.T) {
	s := newServer(t)
	var last *pushertest.Subscriber
	for range 3 {
		last = join(t, s, "c")
	}
	trigger(t, s, `{"name":"all","channel":"c","data":"d"}`)
	trigger(t, s, `{"name":"others","channel":"c","data":"d","socket_id":"`+last.SocketID()+`"}`)
	last.Close()
	trigger(t, s, `{"name":"closed","channels":["c","empty"],"data":"d"}`)
	checkEvents(t, s,
		pushertest.Event{Channel: "c", Name: "all", Data: "d", Connections: 3},
		pushertest.Event{Channel: "c", Name: "others", Data: "d", SocketID: last.SocketID(), Connections: 2},
		pushertest.Event{Channel: "c", Name: "closed", Data: "d", Connections: 2},
		pushertest.Event{Channel: "empty", Name: "closed", Data: "d"},
	)
}

func TestServer_Events_Time(t *testing.T) {
	want := time.Unix(docsTimestamp, 0)
	s := newServer(t, pushertest.WithClock(func() time.Time { return want }))
	send(t, s, newRequest(http.MethodPost, events+docsAuth+"&auth_signature="+docsSignature, docsBody))
	if got := s.Events(); len(got) != 1 || !got[0].Time.Equal(want) {
		t.Errorf("Events() = %+v, want one at %v", got, want)
	}
}

func TestServer_WaitForEvent_Recorded(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"a", "b"} {
		call(t, s, http.MethodPost, events, `{"name":"`+name+`","channel":"c","data":"d"}`)
	}
	s.Close()
	for _, test := range []struct {
		name  string
		match func(pushertest.Event) bool
		want  string
	}{
		{"by name", named("b"), "b"},
		{"any", nil, "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := s.WaitForEvent(t.Context(), test.match); err != nil || got.Name != test.want {
				t.Errorf("WaitForEvent(...) = %+v, %v, want event %q", got, err, test.want)
			}
		})
	}
}

func TestServer_WaitForEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		seen := 0
		found := make(chan pushertest.Event)
		go func() {
			event, err := s.WaitForEvent(t.Context(), func(e pushertest.Event) bool {
				seen++
				return e.Name == "b"
			})
			if err != nil {
				t.Errorf("WaitForEvent(...) = %v, want nil", err)
			}
			found <- event
		}()
		for _, name := range []string{"a", "a", "b"} {
			synctest.Wait()
			call(t, s, http.MethodPost, events, `{"name":"`+name+`","channel":"c","data":"d"}`)
		}
		if got := <-found; got.Name != "b" || seen != 3 {
			t.Errorf("WaitForEvent(...) = %+v after %d events, want event b after 3", got, seen)
		}
	})
}

func TestServer_WaitForEvent_Ends(t *testing.T) {
	cause := errors.New("enough")
	tests := []struct {
		name string
		end  func(*pushertest.Server, context.CancelCauseFunc)
		want error
	}{
		{"context canceled", func(_ *pushertest.Server, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
		{"server closed", func(s *pushertest.Server, _ context.CancelCauseFunc) { s.Close() }, http.ErrServerClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				ended := make(chan error)
				go func() {
					_, err := s.WaitForEvent(ctx, nil)
					ended <- err
				}()
				synctest.Wait()
				test.end(s, cancel)
				if err := <-ended; !errors.Is(err, test.want) {
					t.Errorf("WaitForEvent(...) = %v, want %v", err, test.want)
				}
			})
		})
	}
}
