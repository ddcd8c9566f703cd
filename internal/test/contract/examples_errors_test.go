package contract_test

import (
	"slices"
	"strings"
	"testing"
)

// Texts that Pusher's servers have sent, from the acceptance tests and issue trackers
// of its libraries. Those with status 401 and no value are from pusher-signature,
// lib/pusher/signature.rb.
var recordedErrors = []struct {
	response, text, source string
}{
	{"BadRequest", "Unknown auth_key", "pusher-http-php#118"},
	{"BadRequest", "Missing required parameter: channel", "pusher-http-swift, EventTriggerTests.swift"},
	{"BadRequest", "Expected name parameter to be a string", "pusher-js#727"},
	{"BadRequest", "Invalid channel name", "codefirst/AsakusaSatellite#13"},
	{"BadRequest", "The 'pusher' namespace is reserved for internal usage", "pusher-http-ruby#142"},
	{"BadRequest", "Batch too large (11 > 10)", "pusher-http-swift, EventTriggerTests.swift"},
	{"BadRequest", "info should be a comma separated list of attributes", "pusher-http-dotnet, ChannelState.cs"},
	{"BadRequest", "Cannot retrieve the user count unless the channel is a presence channel", "pusher-http-swift, AppStateQueryTests.swift"},
	{"BadRequest", "Cannot retrieve the subscription count because subscription counting is not enabled", "pusher-http-ruby#193"},
	{"BadRequest", "user_count may only be requested for presence channels - please supply filter_by_prefix begining with presence-", "pusher-http-swift, AppStateQueryTests.swift"},
	{"BadRequest", "Users can only be retrieved for presence channels", "pusher-http-swift, AppStateQueryTests.swift"},
	{"BadRequest", "The following query string parameters are extraneous: info", "pusher-http-node#18"},
	{"Unauthorized", `Invalid signature: you should have sent HmacSHA256Hex("POST\n/apps/`, "pusher-http-go#91"},
	{"Unauthorized", "Timestamp expired: Given timestamp (", "pusher-http-ruby#49"},
	{"Unauthorized", "Missing parameter: auth_key", "pusher-signature"},
	{"Unauthorized", "Version required", "pusher-signature"},
	{"Unauthorized", "Version not supported", "pusher-signature"},
	{"Unauthorized", "Timestamp required", "pusher-signature"},
	{"NotFound", "404 NOT FOUND", "pusher-js#592"},
	{"TooLarge", "The data content of this event exceeds the allowed maximum (10240 bytes). ", "codestudiohq/laravel-totem#303"},
}

// The document has each recorded text as a named example and in the table of errors.
func TestExamples_RecordedErrors(t *testing.T) {
	doc := load(t)
	for _, tt := range recordedErrors {
		t.Run(tt.text, func(t *testing.T) {
			response := doc.Components.Responses[tt.response]
			if response == nil {
				t.Fatalf("components.responses has no %s", tt.response)
			}
			var texts []string
			for _, example := range response.Value.Content["text/plain"].Examples {
				text, _ := example.Value.Value.(string)
				texts = append(texts, text)
			}
			if !slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(text, tt.text) }) {
				t.Errorf("no example of %s begins with %q (source: %s)", tt.response, tt.text, tt.source)
			}
			if !strings.Contains(doc.Info.Description, "`"+strings.TrimSpace(tt.text)) {
				t.Errorf("the table of errors in info.description does not have %q", tt.text)
			}
		})
	}
}

// Every other example of an error response names its server, or is marked as
// invented.
func TestExamples_InventedErrors(t *testing.T) {
	servers := []string{"soketi", "Sockudo", "Laravel Reverb", "invented"}
	for name, response := range load(t).Components.Responses {
		for mediaType, media := range response.Value.Content {
			for key, example := range media.Examples {
				text, _ := example.Value.Value.(string)
				recorded := slices.ContainsFunc(recordedErrors, func(e struct{ response, text, source string }) bool {
					return e.response == name && strings.HasPrefix(text, e.text)
				})
				named := slices.ContainsFunc(servers, func(server string) bool { return strings.Contains(example.Value.Summary, server) })
				if !recorded && !named {
					t.Errorf("%s %s: example %s is not a recorded text: name the server in its summary, or mark it as invented", name, mediaType, key)
				}
			}
		}
	}
}
