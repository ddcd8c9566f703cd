package contract_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Each schema accepts values at the API's limits and rejects values beyond them.
func TestSchemas(t *testing.T) {
	const accepted = ""
	event := `{"name": "foo", "channel": "project-3", "data": "x"}`
	trigger := func(fields string) string { return `{"name": "foo", "data": "x", ` + fields + `}` }
	withName := func(name string) string { return fmt.Sprintf(`{"name": %q, "channel": "a", "data": "x"}`, name) }
	withSocketID := func(id string) string { return trigger(fmt.Sprintf(`"channel": "a", "socket_id": %q`, id)) }
	channels := func(n int) string { return trigger(`"channels": [` + list(`"a"`, n) + `]`) }
	batch := func(n int) string { return `{"batch": [` + list(event, n) + `]}` }
	withChannel := func(channel string) string { return trigger(fmt.Sprintf(`"channel": %q`, channel)) }

	tests := []struct {
		name, schema, value string
		want                string // the keyword that rejects it
	}{
		{"one channel in channels", "TriggerRequest", channels(1), accepted},
		{"a hundred channels", "TriggerRequest", channels(100), accepted},
		{"a hundred and one channels", "TriggerRequest", channels(101), "maxItems"},
		{"no channels", "TriggerRequest", channels(0), "minItems"},
		{"channel instead of channels", "TriggerRequest", withChannel("project-3"), accepted},
		{"both channel and channels", "TriggerRequest", trigger(`"channel": "a", "channels": ["b"]`), "oneOf"},
		{"neither channel nor channels", "TriggerRequest", `{"name": "foo", "data": "x"}`, "required"},
		{"no event name", "TriggerRequest", `{"channel": "a", "data": "x"}`, "required"},
		{"no data", "TriggerRequest", `{"name": "foo", "channel": "a"}`, "required"},
		{"data that is an object", "TriggerRequest", `{"name": "foo", "channel": "a", "data": {"some": "data"}}`, "type"},
		{"an empty event name", "TriggerRequest", withName(""), "minLength"},
		{"an event name of 200 characters", "TriggerRequest", withName(strings.Repeat("é", 200)), accepted},
		{"an event name of 201 characters", "TriggerRequest", withName(strings.Repeat("é", 201)), "maxLength"},
		{"an event name that begins with pusher", "TriggerRequest", withName("pushers"), accepted},
		{"a PHP class as event name", "TriggerRequest", withName(`App\Events\Shipped`), accepted},
		{"the reserved event name pusher", "TriggerRequest", withName("pusher"), "pattern"},
		{"a reserved event name with a colon", "TriggerRequest", withName("pusher:member_added"), "pattern"},
		{"a reserved event name with a hyphen", "TriggerRequest", withName("pusher-notification"), "pattern"},
		{"a channel name with all allowed punctuation", "TriggerRequest", withChannel("foo-bar_1234@=,.;"), accepted},
		{"a channel name of 200 characters", "TriggerRequest", withChannel(strings.Repeat("a", 200)), accepted},
		{"a channel name of 201 characters", "TriggerRequest", withChannel(strings.Repeat("a", 201)), "pattern"},
		{"a channel name with a space", "TriggerRequest", withChannel("my channel"), "pattern"},
		{"a channel name with a trailing line feed", "TriggerRequest", withChannel("a\n"), "pattern"},
		{"an empty channel name", "TriggerRequest", withChannel(""), "pattern"},
		{"a user channel", "TriggerRequest", withChannel("#server-to-user-12345"), accepted},
		{"a user channel without user ID", "TriggerRequest", withChannel("#server-to-user-"), "pattern"},
		{"a user ID of 200 characters", "TriggerRequest", withChannel("#server-to-user-" + strings.Repeat("1", 200)), "pattern"},
		{"a socket ID from production", "TriggerRequest", withSocketID("240621.35780774"), accepted},
		{"a socket ID without a dot", "TriggerRequest", withSocketID("1234"), "pattern"},
		{"a socket ID followed by a channel", "TriggerRequest", withSocketID("1.1:private-a"), "pattern"},
		{"a socket ID with a trailing line feed", "TriggerRequest", withSocketID("1.1\n"), "pattern"},
		{"both attributes", "TriggerRequest", trigger(`"channel": "a", "info": "subscription_count,user_count"`), accepted},
		{"an attribute that is not available to a trigger", "TriggerRequest", trigger(`"channel": "a", "info": "cache"`), "pattern"},
		{"attributes separated by a space", "TriggerRequest", trigger(`"channel": "a", "info": "user_count, subscription_count"`), "pattern"},

		{"a batch of one", "BatchRequest", batch(1), accepted},
		{"a batch of ten", "BatchRequest", batch(10), accepted},
		{"a batch of eleven", "BatchRequest", batch(11), "maxItems"},
		{"an empty batch", "BatchRequest", batch(0), "minItems"},
		{"a batch event with channels instead of channel", "BatchRequest", `{"batch": [{"name": "foo", "channels": ["a"], "data": "x"}]}`, "required"},
		{"a reserved event name in a batch", "BatchRequest", `{"batch": [` + withName("pusher:x") + `]}`, "pattern"},

		{"terminate with an empty object", "TerminateRequest", `{}`, accepted},
		{"terminate with a parameter", "TerminateRequest", `{"now": true}`, "maxProperties"},

		{"a list of channels without the list", "ChannelList", `{}`, "required"},
		{"a negative count", "ChannelCounts", `{"user_count": -1}`, "minimum"},
		{"a channel without occupied", "ChannelInfo", `{"user_count": 1}`, "required"},
		{"a channel with an empty cache", "ChannelInfo", `{"occupied": true, "cache": null}`, accepted},
		{"a channel with a cache that is a string", "ChannelInfo", `{"occupied": true, "cache": "data"}`, "type"},
		{"a user whose ID is a number", "ChannelUserList", `{"users": [{"id": 1}]}`, "type"},

		{"a delivery in Unix milliseconds", "WebhookDelivery", `{"time_ms": 1327078148132, "events": []}`, accepted},
		{"a webhook without its time", "WebhookDelivery", `{"events": []}`, "required"},
		{"an unknown webhook event", "WebhookEvent", `{"name": "watchlist_online", "channel": "a"}`, "const"},
		{"a member without a user ID", "WebhookEvent", `{"name": "member_added", "channel": "presence-a"}`, "required"},
		{"a client event without its sender", "WebhookEvent", `{"name": "client_event", "channel": "private-a", "event": "client-b", "data": "{}"}`, "required"},
		{"a subscription count that is a string", "WebhookEvent", `{"name": "subscription_count", "channel": "a", "subscription_count": "13"}`, "type"},

		{"an authorization without a channel", "ChannelAuthorizationRequest", `{"socket_id": "1.1"}`, "required"},
		{"an authorization with an invalid socket ID", "ChannelAuthorizationRequest", `{"socket_id": "1", "channel_name": "private-a"}`, "pattern"},
		{"a signed-in user without data", "UserAuthentication", `{"auth": "a:b"}`, "required"},
	}

	doc := load(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := validate(t, component(t, doc, tt.schema), json.RawMessage(tt.value))
			switch got := keywords(err); {
			case tt.want == accepted && err != nil:
				t.Errorf("%s rejects %s: %v", tt.schema, tt.value, err)
			case tt.want != accepted && err == nil:
				t.Errorf("%s accepts %s, want it rejected by %s", tt.schema, tt.value, tt.want)
			case tt.want != accepted && !slices.Contains(got, tt.want):
				t.Errorf("%s rejects %s because of %q, want %s", tt.schema, tt.value, got, tt.want)
			}
		})
	}
}

// keywords returns the innermost JSON Schema keywords that reject the value. An error
// of the keyword not has no name.
func keywords(err error) []string {
	var inner []string
	switch err := err.(type) {
	case nil:
		return nil
	case openapi3.MultiError:
		for _, each := range err {
			inner = append(inner, keywords(each)...)
		}
		return inner
	case *openapi3.SchemaError:
		if inner = keywords(err.Origin); inner == nil {
			return []string{cmp.Or(err.SchemaField, "not")}
		}
		return inner
	default:
		return keywords(errors.Unwrap(err))
	}
}

func list(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}
