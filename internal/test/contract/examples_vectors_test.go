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

// The worked examples in the introduction: the string to sign has the MD5 of the body,
// and the request line has the signature.
//
// Sources: Pusher HTTP API reference, "Worked authentication example"; for the query,
// createSignedQueryString of the npm package pusher 5.3.4 at the same time.
func TestExamples_WorkedSignatures(t *testing.T) {
	tests := []struct {
		heading, want string
		hasBody       bool
	}{
		{"Worked example", "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c", true},
		{"Worked example of a query", "d3c8f69278989f1042ba048fbdfec5fecc23cb8c566d438c1d31e4e87b1a31a4", false},
	}
	description := load(t).Info.Description
	for _, tt := range tests {
		t.Run(tt.heading, func(t *testing.T) {
			blocks := codeBlocks(section(t, description, "### "+tt.heading))
			if tt.hasBody && len(blocks) > 0 {
				sum := md5.Sum([]byte(blocks[0]))
				blocks = blocks[1:]
				if want := "body_md5=" + hex.EncodeToString(sum[:]); len(blocks) > 0 && !strings.HasSuffix(blocks[0], want) {
					t.Errorf("string to sign %q does not end with %s", blocks[0], want)
				}
			}
			if len(blocks) != 2 {
				t.Fatalf("the example has the blocks %q, want a string to sign and a request line", blocks)
			}
			stringToSign, requestLine := blocks[0], blocks[1]
			mac := hmac.New(sha256.New, []byte("7ad3773142a6692b25b8"))
			mac.Write([]byte(stringToSign))
			if signature := hex.EncodeToString(mac.Sum(nil)); signature != tt.want {
				t.Errorf("the signature of the string to sign is %s, want %s", signature, tt.want)
			}
			lines := strings.Split(stringToSign, "\n")
			want := lines[0] + " " + strings.Join(lines[1:], "?") + "&auth_signature=" + tt.want + " HTTP/1.1"
			if requestLine != want {
				t.Errorf("request line is %s, want %s", requestLine, want)
			}
		})
	}
}

// section returns the text between a heading of a Markdown text and the next heading of
// the same or a higher level.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, after, found := strings.Cut("\n"+text, "\n"+heading+"\n")
	if !found {
		t.Fatalf("the text has no heading %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	end := len(after)
	for marks := level; marks != "#"; marks = marks[1:] {
		if i := strings.Index(after, "\n"+marks+" "); i >= 0 {
			end = min(end, i)
		}
	}
	return after[:end]
}

// codeBlocks returns the texts between the fences, without the language.
func codeBlocks(text string) []string {
	var blocks []string
	for i, part := range strings.Split(text, "```") {
		if i%2 == 1 {
			_, block, _ := strings.Cut(part, "\n")
			blocks = append(blocks, strings.TrimSuffix(block, "\n"))
		}
	}
	return blocks
}
