package contract_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Whoever builds a client from the document tries it against these examples, so
// they are the ones whose signatures are published.
func TestExamplesAreThoseOfTheDocumentation(t *testing.T) {
	doc := load(t)
	trigger := doc.Paths.Value("/apps/{app_id}/events").Post
	channel := doc.Paths.Value("/apps/{app_id}/channels/{channel_name}").Get
	users := doc.Paths.Value("/apps/{app_id}/channels/{channel_name}/users").Get
	authorize := doc.Webhooks["channelAuthorization"].Post
	authenticate := doc.Webhooks["userAuthentication"].Post

	tests := []struct {
		name  string
		media *openapi3.MediaType
		want  string
	}{
		{"POST event, HTTP API reference, Worked authentication example", trigger.RequestBody.Value.Content["application/json"],
			`{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`},
		{"POST event with info, HTTP API reference", answer(trigger),
			`{"channels":{"presence-foobar":{"user_count":42,"subscription_count":51},"presence-another":{"user_count":123,"subscription_count":140},"another":{"subscription_count":13}}}`},
		{"GET channel, HTTP API reference, an occupied cache channel", answer(channel),
			`{"occupied":true,"cache":{"data":"event data","ttl":60}}`},
		{"GET users, HTTP API reference", answer(users), `{"users":[{"id":"1"},{"id":"2"}]}`},
		{"private channel, Authentication signatures", answer(authorize),
			`{"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}`},
		{"user, Authentication signatures", answer(authenticate),
			`{"auth":"278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba","user_data":"{\"id\":\"12345\"}"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := asJSON(t, json.RawMessage(tt.want))
			examples := together(tt.media.Example, tt.media.Examples)
			for _, example := range examples {
				if reflect.DeepEqual(asJSON(t, example), want) {
					return
				}
			}
			t.Errorf("the examples are %v, want %s among them", examples, tt.want)
		})
	}
}

// The documentation prints the signature of one name beside the text of
// another. The document has the text, so its signature is computed here, from
// the documentation's key, secret and rule and not by this module.
func TestThePresenceExampleIsSigned(t *testing.T) {
	presence, _ := answer(load(t).Webhooks["channelAuthorization"].Post).Examples["presence"].Value.Value.(map[string]any)
	channelData, _ := presence["channel_data"].(string)
	mac := hmac.New(sha256.New, []byte("7ad3773142a6692b25b8"))
	mac.Write([]byte("1234.1234:presence-foobar:" + channelData))
	if want := "278d425bdf160c739803:" + hex.EncodeToString(mac.Sum(nil)); presence["auth"] != want {
		t.Errorf("auth of %s is %v, want %s", channelData, presence["auth"], want)
	}
}

func answer(op *openapi3.Operation) *openapi3.MediaType {
	return op.Responses.Value("200").Value.Content["application/json"]
}
