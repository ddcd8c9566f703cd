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

// The app of the worked example in Pusher's documentation, and the master key of the
// tests of pusher-http-node.
const (
	appID     = "3"
	key       = "278d425bdf160c739803"
	secret    = "7ad3773142a6692b25b8"
	masterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
)

// A nodeSDK is Pusher's server library for Node.js, configured for one app.
type nodeSDK struct {
	*script
	app map[string]any
}

func newNodeSDK(t *testing.T) *nodeSDK {
	t.Helper()
	return &nodeSDK{startScript(t, "node_sdk.cjs"), map[string]any{
		"appId": appID, "key": key, "secret": secret, "encryptionMasterKeyBase64": masterKey,
	}}
}

// at returns the library configured for another server and app.
func (s *nodeSDK) at(t *testing.T, base string, app pusher.Credentials) *nodeSDK {
	t.Helper()
	parsed, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(parsed.Port())
	if err != nil {
		t.Fatal(err)
	}
	return &nodeSDK{s.script, map[string]any{
		"appId": app.AppID, "key": app.Key, "secret": app.Secret, "encryptionMasterKeyBase64": masterKey,
		"host": parsed.Hostname(), "port": port, "timeout": timeout.Milliseconds(),
	}}
}

// A response is the result of a method of the library that sends a request.
type response struct {
	Status int
	Body   string
}

// callMethod calls a method of the library.
func (s *nodeSDK) callMethod(result any, method string, args ...any) error {
	s.t.Helper()
	return s.call("call", map[string]any{"app": s.app, "method": method, "args": args}, result)
}

// webhook verifies a webhook with the library and returns its content, or nil if the
// library rejects it. The names of headers are in lower case, as they are in Node.js.
func (s *nodeSDK) webhook(header http.Header, body string, tokens any) json.RawMessage {
	s.t.Helper()
	headers := map[string]string{}
	for name := range header {
		headers[strings.ToLower(name)] = header.Get(name)
	}
	var data json.RawMessage
	s.mustCall("webhook", map[string]any{"app": s.app, "headers": headers, "body": body, "tokens": tokens}, &data)
	if string(data) == "null" {
		return nil
	}
	return data
}
