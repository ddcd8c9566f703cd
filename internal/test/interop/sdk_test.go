//go:build interop

package interop_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// The app of the worked example in Pusher's documentation, and a master key that
// the tests of pusher-http-node use.
const (
	appID     = "3"
	key       = "278d425bdf160c739803"
	secret    = "7ad3773142a6692b25b8"
	masterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
)

// sdk is Pusher's server library for Node.js, set up for one app.
type sdk struct {
	*script
	app map[string]any
}

func newSDK(t *testing.T) *sdk {
	t.Helper()
	return &sdk{start(t, "sdk.cjs"), map[string]any{
		"appId": appID, "key": key, "secret": secret, "encryptionMasterKeyBase64": masterKey,
	}}
}

// at is the same library talking to another server.
func (s *sdk) at(t *testing.T, base string, app pusher.Credentials) *sdk {
	t.Helper()
	parsed, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(parsed.Port())
	if err != nil {
		t.Fatal(err)
	}
	return &sdk{s.script, map[string]any{
		"appId": app.AppID, "key": app.Key, "secret": app.Secret, "encryptionMasterKeyBase64": masterKey,
		"host": parsed.Hostname(), "port": port, "timeout": patience.Milliseconds(),
	}}
}

// A response is what the library's methods that send a request come back with.
type response struct {
	Status int
	Body   string
}

// do calls a method of the library.
func (s *sdk) do(result any, method string, args ...any) error {
	s.t.Helper()
	return s.call("call", map[string]any{"app": s.app, "method": method, "args": args}, result)
}

// webhook is the library's verdict on a delivery: nil, or what it holds. The
// library takes lower-case names of headers, as Node.js has them.
func (s *sdk) webhook(header http.Header, body string, tokens any) json.RawMessage {
	s.t.Helper()
	headers := map[string]string{}
	for name := range header {
		headers[strings.ToLower(name)] = header.Get(name)
	}
	var data json.RawMessage
	s.must("webhook", map[string]any{"app": s.app, "headers": headers, "body": body, "tokens": tokens}, &data)
	if string(data) == "null" {
		return nil
	}
	return data
}
