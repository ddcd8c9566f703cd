package contract_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Authors of other clients test them with these examples, so the document has those
// whose signatures are published.
func TestExamples_PublishedVectors(t *testing.T) {
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
		{"POST event with info, HTTP API reference", successBody(trigger),
			`{"channels":{"presence-foobar":{"user_count":42,"subscription_count":51},"presence-another":{"user_count":123,"subscription_count":140},"another":{"subscription_count":13}}}`},
		{"GET channel, HTTP API reference, an occupied cache channel", successBody(channel),
			`{"occupied":true,"cache":{"data":"event data","ttl":60}}`},
		{"GET users, HTTP API reference", successBody(users), `{"users":[{"id":"1"},{"id":"2"}]}`},
		{"private channel, Authentication signatures", successBody(authorize),
			`{"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}`},
		{"user, Authentication signatures", successBody(authenticate),
			`{"auth":"278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba","user_data":"{\"id\":\"12345\"}"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := asJSON(t, json.RawMessage(tt.want))
			examples := allExamples(tt.media.Example, tt.media.Examples)
			for _, example := range examples {
				if reflect.DeepEqual(asJSON(t, example), want) {
					return
				}
			}
			t.Errorf("examples are %v, want one of them to be %s", examples, tt.want)
		})
	}
}

// Pusher's documentation shows the signature of one user name next to the text of
// another. The document has the text, so the test computes the signature itself,
// with the documentation's key and secret and without this module's code.
func TestExamples_PresenceSignature(t *testing.T) {
	presence, _ := successBody(load(t).Webhooks["channelAuthorization"].Post).Examples["presence"].Value.Value.(map[string]any)
	channelData, _ := presence["channel_data"].(string)
	mac := hmac.New(sha256.New, []byte("7ad3773142a6692b25b8"))
	mac.Write([]byte("1234.1234:presence-foobar:" + channelData))
	if want := "278d425bdf160c739803:" + hex.EncodeToString(mac.Sum(nil)); presence["auth"] != want {
		t.Errorf("auth of channel_data %s is %v, want %s", channelData, presence["auth"], want)
	}
}

func successBody(op *openapi3.Operation) *openapi3.MediaType {
	return op.Responses.Value("200").Value.Content["application/json"]
}

// The worked example in the introduction: its string to sign has the MD5 of its body,
// and its request line has the signature.
//
// Source: Pusher HTTP API reference, "Worked authentication example".
func TestExamples_WorkedSignature(t *testing.T) {
	_, example, ok := strings.Cut(load(t).Info.Description, "### Worked example\n")
	if !ok {
		t.Fatal(`info.description has no heading "Worked example"`)
	}
	var blocks []string // between the fences, without the language
	for i, part := range strings.Split(example, "```") {
		if i%2 == 1 {
			_, block, _ := strings.Cut(part, "\n")
			blocks = append(blocks, strings.TrimSuffix(block, "\n"))
		}
	}
	if len(blocks) < 3 {
		t.Fatalf("the worked example has the blocks %q, want a body, a string to sign and a request line", blocks)
	}
	body, stringToSign, requestLine := blocks[0], blocks[1], blocks[2]

	sum := md5.Sum([]byte(body))
	if want := "body_md5=" + hex.EncodeToString(sum[:]); !strings.HasSuffix(stringToSign, want) {
		t.Errorf("string to sign %q does not end with %s", stringToSign, want)
	}
	mac := hmac.New(sha256.New, []byte("7ad3773142a6692b25b8"))
	mac.Write([]byte(stringToSign))
	signature := hex.EncodeToString(mac.Sum(nil))
	if want := "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"; signature != want {
		t.Errorf("the signature of the string to sign is %s, want %s", signature, want)
	}
	lines := strings.Split(stringToSign, "\n")
	want := lines[0] + " " + strings.Join(lines[1:], "?") + "&auth_signature=" + signature + " HTTP/1.1"
	if requestLine != want {
		t.Errorf("request line is %s, want %s", requestLine, want)
	}
}
