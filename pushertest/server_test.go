package pushertest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

var testApp = pushertest.App{ID: "app-1", Key: "key@1", Secret: "hush/hush"}

func TestPusherURLNamesTheApp(t *testing.T) {
	s := pushertest.NewServer(pushertest.WithApp(testApp))
	defer s.Close()
	if !strings.HasPrefix(s.URL, "http://127.0.0.1:") {
		t.Errorf("URL = %q, want one on loopback", s.URL)
	}
	want := "http://key%401:hush%2Fhush@" + strings.TrimPrefix(s.URL, "http://") + "/apps/app-1"
	if got := s.PusherURL(); got != want {
		t.Errorf("PusherURL() = %q, want %q", got, want)
	}
	if got := s.App(); got != testApp {
		t.Errorf("App() = %v, want %v", got, testApp)
	}
	if got := newServer(t).PusherURL(); got != "" {
		t.Errorf("PusherURL() without a listener = %q, want \"\"", got)
	}
}

func TestServerCanBeMountedUnderAPrefix(t *testing.T) {
	s := newServer(t)
	mounted := http.StripPrefix("/pusher", s)
	r := sign(t, s, newRequest(http.MethodPost, "/pusher"+events, docsBody), time.Time{})
	w := newRecorder()
	mounted.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("POST /pusher%s = %d %q, want 200", events, w.Code, w.Body)
	}
	r = sign(t, s, newRequest(http.MethodPost, "/pusher"+events, docsBody), time.Time{})
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "auth_signature=", "auth_signature=0", 1)
	r.RequestURI = r.URL.RequestURI()
	w = newRecorder()
	mounted.ServeHTTP(w, r)
	if want := `HmacSHA256Hex("POST\n/pusher/apps/3/events\n`; w.Code != 401 || !strings.Contains(w.Body.String(), want) {
		t.Errorf("POST with another signature = %d %q, want 401 and a text with %q", w.Code, w.Body, want)
	}
}

func TestBadOptionsAreReportedTogether(t *testing.T) {
	_, err := pushertest.New(
		pushertest.WithApp(pushertest.App{ID: "1", Key: "", Secret: "hush"}),
		pushertest.WithApp(pushertest.App{ID: "a/b", Key: "key", Secret: "hush"}),
		pushertest.WithClock(nil),
		pushertest.WithLogger(nil),
		pushertest.WithMaxEventBytes(0),
	)
	if !errors.Is(err, signing.ErrConfiguration) {
		t.Errorf("New(...) = %v, want signing.ErrConfiguration", err)
	}
	for _, want := range []string{`app ID "a/b"`, "WithClock", "WithLogger", "WithMaxEventBytes(0)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(...) = %v, want an error with %q", err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("NewServer(WithMaxEventBytes(0)) returned, want a panic")
		}
	}()
	pushertest.NewServer(pushertest.WithMaxEventBytes(0))
}

func TestNothingPrintsTheSecret(t *testing.T) {
	s := newServer(t, pushertest.WithApp(testApp))
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("", "app", s.App(), "server", fmt.Sprintf("%+v", s))
	encoded, err := json.Marshal(s.App())
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		fmt.Sprint(s.App()), fmt.Sprintf("%+v", s.App()), fmt.Sprintf("%#v", s.App()), fmt.Sprintf("%q", s.App()), fmt.Sprintf("%d", []any{s.App()}),
		fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%+v", *s),
		string(encoded), logged.String(),
	} {
		if strings.Contains(got, "hush") {
			t.Errorf("%s holds the secret", got)
		}
	}
	if got, want := fmt.Sprint(s.App()), "{ID:app-1 Key:key@1 Secret:[REDACTED]}"; got != want {
		t.Errorf("fmt.Sprint(App) = %q, want %q", got, want)
	}
}

func TestLogHasRefusalsWithoutSignatures(t *testing.T) {
	var logged bytes.Buffer
	s := newServer(t, pushertest.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
	fail(t, s, pushertest.Failure{Status: 503, Match: func(r *http.Request) bool { return r.URL.Path == "/" }})
	s.ServeHTTP(newRecorder(), newRequest(http.MethodGet, "/", ""))
	send(t, s, newRequest(http.MethodGet, channels+"/a%20b", ""))
	r := sign(t, s, newRequest(http.MethodGet, channels, ""), time.Time{})
	r.URL.RawQuery += "0"
	send(t, s, r)
	call(t, s, http.MethodGet, channels+"/c/users", "")

	for _, want := range []string{
		`level=INFO msg="pushertest: failure injected" method=GET path=/ status=503`,
		`level=WARN msg="pushertest: request refused" method=GET path="/apps/3/channels/a b" status=401 reason="signing: missing parameter: auth_key"`,
		`level=WARN msg="pushertest: request refused" method=GET path=/apps/3/channels status=401 reason="signing: invalid signature"`,
		`level=WARN msg="pushertest: request refused" method=GET path=/apps/3/channels/c/users status=400 reason="Users can only be retrieved for presence channels"`,
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log has no\n%s\nbut\n%s", want, logged.String())
		}
	}
	if signature := r.URL.Query().Get("auth_signature"); strings.Contains(logged.String(), signature[:32]) {
		t.Errorf("the log has the signature:\n%s", logged.String())
	}
}

// The bubble fails the test if a goroutine is left behind.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pushertest.NewServer()
		transport := &http.Transport{}
		for range 2 {
			r, err := http.NewRequest(http.MethodPost, s.URL+events, strings.NewReader(docsBody))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			res, err := transport.RoundTrip(sign(t, s, r, time.Time{}))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("POST %s = %d %q, want 200", events, res.StatusCode, text)
			}
		}
		transport.CloseIdleConnections()
		s.Close()
		s.Close()
	})
}

func TestServerServesManyAtOnce(t *testing.T) {
	s := newServer(t)
	const each = 20
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range each {
				call(t, s, http.MethodPost, events, `{"name":"n","channels":["cache-a","presence-b"],"data":"d","info":"user_count"}`)
				call(t, s, http.MethodGet, channels+"/cache-a?info=cache", "")
				set(t, s, "presence-b", pushertest.ChannelState{Users: []string{"1"}})
				call(t, s, http.MethodGet, channels+"/presence-b/users", "")
				s.Events()
			}
		})
	}
	group.Wait()
	if got, want := len(s.Events()), 4*each*2; got != want {
		t.Errorf("len(Events()) = %d, want %d", got, want)
	}
}

func TestServerRefusesABodyThatBreaksOff(t *testing.T) {
	s := newServer(t)
	r := sign(t, s, newRequest(http.MethodPost, events, docsBody), time.Time{})
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{}))
	w := newRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("POST of a broken body = %d %q, want 400", w.Code, w.Body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
