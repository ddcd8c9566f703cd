package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openchannels/pusher-go/pushertest"
)

const (
	scriptSecret = "the-secret-of-scripts"
	waitTime     = 20 * time.Second
)

// servers has the *pushertest.Server of each running script.
var servers sync.Map

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pusherctl": main})
}

// TestScripts runs the scripts in testdata/script against the program. Besides the
// commands of testscript they have:
//
//	server     starts a server and sets its settings in the environment
//	triggered  CHANNEL EVENT DATA: fails unless the server got this event, and waits for it
//	occupy     CHANNEL [USER]: subscribes to the channel until the script ends
//	send       CHANNEL EVENT DATA: sends a client event from another subscriber
//	secretless fails if the last output contains the secret of the server
//	drop       closes all WebSockets of the server
//	fetch      METHOD URL FORM ORIGIN [HEADER]: sends a request as a page of this origin
//	           does, and prints the status code, two headers of CORS and the body; a form
//	           that begins with { is sent as JSON
//	expect     FILE REGEXP [VARIABLE]: waits until the file matches, and sets a variable
//	           to the first submatch
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "HOME="+env.WorkDir, "XDG_CACHE_HOME="+env.WorkDir+"/cache", "NO_PROXY=127.0.0.1,localhost")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server": startServer, "occupy": occupy, "send": send, "drop": drop, "triggered": triggered, "secretless": secretless, "expect": expect, "fetch": fetch,
		},
	})
}

func startServer(ts *testscript.TestScript, _ bool, _ []string) {
	server := pushertest.NewServer(pushertest.WithApp(pushertest.App{ID: "77", Key: "the-key", Secret: scriptSecret}))
	ts.Defer(server.Close)
	u, err := url.Parse(server.URL)
	ts.Check(err)
	ts.Setenv("PUSHER_URL", server.PusherURL())
	ts.Setenv("URL", server.URL)
	ts.Setenv("HOST", u.Hostname())
	ts.Setenv("PORT", u.Port())
	servers.Store(ts, server)
}

func triggered(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: triggered CHANNEL EVENT DATA")
	}
	found, _ := servers.Load(ts)
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	server := found.(*pushertest.Server)
	_, err := server.WaitForEvent(ctx, func(event pushertest.Event) bool {
		return event.Channel == args[0] && event.Name == args[1] && event.Data == args[2]
	})
	if errors.Is(err, context.DeadlineExceeded) {
		ts.Fatalf("no event %q, got %+v", args, server.Events())
	}
	ts.Check(err)
}

func secretless(ts *testscript.TestScript, _ bool, _ []string) {
	for _, name := range []string{"stdout", "stderr"} {
		if strings.Contains(ts.ReadFile(name), scriptSecret) {
			ts.Fatalf("%s contains the secret", name)
		}
	}
}

func occupy(ts *testscript.TestScript, _ bool, args []string) {
	var opts []pushertest.SubscribeOption
	if len(args) == 2 && args[1] != "" {
		opts = append(opts, pushertest.AsMember(args[1], nil))
	}
	found, _ := servers.Load(ts)
	subscriber, err := found.(*pushertest.Server).Subscribe(context.Background(), args[0], opts...)
	ts.Check(err)
	ts.Defer(subscriber.Close)
}

func send(ts *testscript.TestScript, _ bool, args []string) {
	found, _ := servers.Load(ts)
	subscriber, err := found.(*pushertest.Server).Subscribe(context.Background(), args[0], pushertest.AsMember("sender", nil))
	ts.Check(err)
	ts.Defer(subscriber.Close)
	ts.Check(subscriber.Send(args[1], args[2]))
}

func drop(ts *testscript.TestScript, _ bool, _ []string) {
	found, _ := servers.Load(ts)
	ts.Check(found.(*pushertest.Server).CloseConnections(4200, "reconnect"))
}

func expect(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: expect FILE REGEXP [VARIABLE]")
	}
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var text []byte
	for deadline := time.Now().Add(waitTime); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		text, _ = os.ReadFile(ts.MkAbs(args[0]))
		found := want.FindSubmatch(text)
		if found == nil {
			continue
		}
		if len(args) == 3 {
			ts.Setenv(args[2], string(found[1]))
		}
		return
	}
	ts.Fatalf("%s has no match of %s:\n%s", args[0], args[1], text)
}

func fetch(ts *testscript.TestScript, _ bool, args []string) {
	request, err := http.NewRequest(args[0], args[1], strings.NewReader(args[2]))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(args[2], "{") {
		request.Header.Set("Content-Type", "application/json")
	}
	if len(args) == 5 {
		name, value, _ := strings.Cut(args[4], ": ")
		request.Header.Set(name, value)
		request.Host = request.Header.Get("Host")
	}
	if args[3] != "" {
		request.Header.Set("Origin", args[3])
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	header := response.Header
	_, err = fmt.Fprintf(ts.Stdout(), "%d %s %s %s", response.StatusCode, header.Get("Access-Control-Allow-Origin"), header.Get("Access-Control-Allow-Credentials"), body)
	ts.Check(err)
}
