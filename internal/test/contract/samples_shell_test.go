//go:build interop

package contract_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"testing"
)

// The samples need bash, curl and openssl.
func TestCodeSamples_Shell(t *testing.T) {
	doc := load(t)
	samples := codeSamples(t, doc, "Shell")
	server, address := newSampleServer(t)
	app := server.App()
	hook := newWebhookRequest(doc, app.Key, app.Secret, deliveries["member_added"])
	environment := append(os.Environ(),
		"PUSHER_APP_ID="+app.ID, "PUSHER_KEY="+app.Key, "PUSHER_SECRET="+app.Secret, "PUSHER_API="+address,
		"socket_id=1234.1234", "channel_name=private-foobar",
		"body="+deliveries["member_added"], "signature="+hook.Header.Get("X-Pusher-Signature"))
	run := func(operation string, environment []string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", samples[operation])
		cmd.Env = environment
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	want := map[string]string{
		"triggerEvent":             `{"channels":{"presence-desk-4":{"user_count":2},"project-3":{}}}`,
		"triggerBatch":             `{}`,
		"listChannels":             `{"channels":{"presence-desk-4":{"user_count":2},"presence-foobar":{"user_count":1}}}`,
		"getChannel":               `{"occupied":true,"user_count":1}`,
		"listChannelUsers":         `{"users":[{"id":"ada"}]}`,
		"terminateUserConnections": `{}`,
		"authorizeChannel":         `{"auth":"` + privateAuth + `"}`,
		"authenticateUser":         `{"auth":"` + userAuth + `","user_data":"{\"id\":\"12345\"}"}`,
		"receiveWebhook":           ``,
	}
	compareNames(t, samples, want, "operation %q is not in this test's table", "operation %q has no sample")
	for operation, want := range want {
		t.Run(operation, func(t *testing.T) {
			got, err := run(operation, environment)
			if err != nil {
				t.Fatalf("%v: %s", err, got)
			}
			if got != want && !reflect.DeepEqual(asJSON(t, json.RawMessage(got)), asJSON(t, json.RawMessage(want))) {
				t.Errorf("the sample prints %s, want %s", got, want)
			}
		})
	}
	checkSampleEvents(t, server)

	t.Run("receiveWebhook with a wrong signature", func(t *testing.T) {
		got, err := run("receiveWebhook", append(environment, "body={}"))
		if want := "invalid signature\n"; err == nil || got != want {
			t.Errorf("the sample prints %q with error %v, want %q and a status other than 0", got, err, want)
		}
	})
}
