//go:build interop

package interop_test

import (
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// A pushertestEnvironment is an environment with access to its pushertest.Server.
type pushertestEnvironment struct {
	*environment
	*pushertest.Server
}

// newPushertest runs a pushertest.Server until the test ends.
func newPushertest(t *testing.T, opts ...pushertest.Option) pushertestEnvironment {
	t.Helper()
	app := pusher.Credentials{AppID: appID, Key: key, Secret: secret}
	backend := newBackend(t, app)
	server := pushertest.NewServer(append(opts,
		pushertest.WithWebhook(backend.URL+"/webhook"),
		pushertest.WithApp(pushertest.App{ID: app.AppID, Key: app.Key, Secret: app.Secret}),
		pushertest.WithTestLog(t),
	)...)
	t.Cleanup(server.Close)
	return pushertestEnvironment{
		&environment{url: server.URL, app: app, client: newClient(t, server.URL, app), backend: backend, pusherJS: startScript(t, "pusherjs.cjs")},
		server,
	}
}
