//go:build interop

package interop_test

import (
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// A pushertestWorld is a world whose server can be made to fail.
type pushertestWorld struct {
	*world
	*pushertest.Server
}

// newPushertest runs this module's own server until the test ends.
func newPushertest(t *testing.T) *world {
	t.Helper()
	return openPushertest(t).world
}

func openPushertest(t *testing.T, opts ...pushertest.Option) pushertestWorld {
	t.Helper()
	w := &world{server: "pushertest", app: pusher.Credentials{AppID: appID, Key: key, Secret: secret}}
	w.backend = newBackend(t, w.app)
	server := pushertest.NewServer(append(opts,
		pushertest.WithWebhook(w.backend.URL+"/webhook"),
		pushertest.WithApp(pushertest.App{ID: w.app.AppID, Key: w.app.Key, Secret: w.app.Secret}),
		pushertest.WithTestLog(t),
	)...)
	t.Cleanup(server.Close)
	w.url, w.client, w.js = server.URL, newClient(t, server.URL, w.app), start(t, "pusherjs.cjs")
	return pushertestWorld{w, server}
}
