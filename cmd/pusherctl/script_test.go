package main

import (
	"context"
	"errors"
	"net/url"
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
//	secretless fails if the last output contains the secret of the server
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
			"server": startServer, "triggered": triggered, "secretless": secretless,
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

