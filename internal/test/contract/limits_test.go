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

// The schemas mean something only if they refuse what the API refuses. Each
func TestTheSchemasDrawTheLimitsOfTheAPI(t *testing.T) {
	const accepted = ""
	event := `{"name": "foo", "channel": "project-3", "data": "x"}`
	trigger := func(fields string) string { return `{"name": "foo", "data": "x", ` + fields + `}` }
	named := func(name string) string { return fmt.Sprintf(`{"name": %q, "channel": "a", "data": "x"}`, name) }
	excluding := func(id string) string { return trigger(fmt.Sprintf(`"channel": "a", "socket_id": %q`, id)) }
	channels := func(n int) string { return trigger(`"channels": [` + list(`"a"`, n) + `]`) }
	batch := func(n int) string { return `{"batch": [` + list(event, n) + `]}` }
	on := func(channel string) string { return trigger(fmt.Sprintf(`"channel": %q`, channel)) }

	tests := []struct {
		name, schema, value string
		want                string // the keyword that refuses it
	}{
		{"one channel in channels", "TriggerRequest", channels(1), accepted},
		{"a hundred channels", "TriggerRequest", channels(100), accepted},
		{"a hundred and one channels", "TriggerRequest", channels(101), "maxItems"},
		{"no channels at all", "TriggerRequest", channels(0), "minItems"},
		{"channel instead of channels", "TriggerRequest", on("project-3"), accepted},
		{"both channel and channels", "TriggerRequest", trigger(`"channel": "a", "channels": ["b"]`), "not"},
		{"neither channel nor channels", "TriggerRequest", `{"name": "foo", "data": "x"}`, "required"},
		{"no event name", "TriggerRequest", `{"channel": "a", "data": "x"}`, "required"},
		{"no data", "TriggerRequest", `{"name": "foo", "channel": "a"}`, "required"},
		{"data that is an object and not its text", "TriggerRequest", `{"name": "foo", "channel": "a", "data": {"some": "data"}}`, "type"},
		{"an empty event name", "TriggerRequest", named(""), "minLength"},
		{"an event name of 200 characters", "TriggerRequest", named(strings.Repeat("é", 200)), accepted},
		{"an event name of 201 characters", "TriggerRequest", named(strings.Repeat("é", 201)), "maxLength"},
		{"a name that only begins like pusher", "TriggerRequest", named("pushers"), accepted},
		{"a PHP class as event name", "TriggerRequest", named(`App\Events\Shipped`), accepted},
		{"the reserved name itself", "TriggerRequest", named("pusher"), "not"},
		{"a reserved name with a colon", "TriggerRequest", named("pusher:member_added"), "not"},
		{"a reserved name with a hyphen, refused by production", "TriggerRequest", named("pusher-notification"), "not"},
		{"a channel name of every allowed kind of character", "TriggerRequest", on("foo-bar_1234@=,.;"), accepted},
		{"a channel name of 200 characters", "TriggerRequest", on(strings.Repeat("a", 200)), accepted},
		{"a channel name of 201 characters", "TriggerRequest", on(strings.Repeat("a", 201)), "pattern"},
		{"a channel name with a space", "TriggerRequest", on("my channel"), "pattern"},
		{"a channel name with a line feed at its end", "TriggerRequest", on("a\n"), "pattern"},
		{"an empty channel name", "TriggerRequest", on(""), "pattern"},
		{"the channel of a user", "TriggerRequest", on("#server-to-user-12345"), accepted},
		{"the channel of no user", "TriggerRequest", on("#server-to-user-"), "pattern"},
		{"a user ID of 200 characters", "TriggerRequest", on("#server-to-user-" + strings.Repeat("1", 200)), "pattern"},
		{"a real socket ID", "TriggerRequest", excluding("240621.35780774"), accepted},
		{"a socket ID without a dot", "TriggerRequest", excluding("1234"), "pattern"},
		{"a socket ID that carries a channel", "TriggerRequest", excluding("1.1:private-a"), "pattern"},
		{"a socket ID with a line feed at its end", "TriggerRequest", excluding("1.1\n"), "pattern"},
		{"both attributes", "TriggerRequest", trigger(`"channel": "a", "info": "subscription_count,user_count"`), accepted},
		{"an attribute that a trigger does not have", "TriggerRequest", trigger(`"channel": "a", "info": "cache"`), "pattern"},
		{"attributes with a space between", "TriggerRequest", trigger(`"channel": "a", "info": "user_count, subscription_count"`), "pattern"},

		{"a batch of one", "BatchRequest", batch(1), accepted},
		{"a batch of ten", "BatchRequest", batch(10), accepted},
		{"a batch of eleven", "BatchRequest", batch(11), "maxItems"},
		{"an empty batch", "BatchRequest", batch(0), "minItems"},
		{"a batch event with channels instead of channel", "BatchRequest", `{"batch": [{"name": "foo", "channels": ["a"], "data": "x"}]}`, "required"},
		{"a reserved name in a batch", "BatchRequest", `{"batch": [` + named("pusher:x") + `]}`, "not"},

		{"ending connections with an empty object", "TerminateRequest", `{}`, accepted},
		{"ending connections with a parameter", "TerminateRequest", `{"now": true}`, "maxProperties"},

		{"a list of channels without the list", "ChannelList", `{}`, "required"},
		{"a count below zero", "ChannelCounts", `{"user_count": -1}`, "minimum"},
		{"a channel that does not say whether it is occupied", "ChannelInfo", `{"user_count": 1}`, "required"},
		{"a channel with a cache that is empty", "ChannelInfo", `{"occupied": true, "cache": null}`, accepted},
		{"a channel with a cache that is a text", "ChannelInfo", `{"occupied": true, "cache": "data"}`, "anyOf"},
		{"a user whose ID is a number", "ChannelUserList", `{"users": [{"id": 1}]}`, "type"},
		{"an attribute that a list of channels does not have", "ChannelListAttribute", `"cache"`, "enum"},
		{"an attribute that a channel does not have", "ChannelAttribute", `"users"`, "enum"},

		{"a delivery in Unix milliseconds", "WebhookDelivery", `{"time_ms": 1327078148132, "events": []}`, accepted},
		{"a delivery without its time", "WebhookDelivery", `{"events": []}`, "required"},
		{"an event that is unknown", "WebhookEvent", `{"name": "watchlist_online", "channel": "a"}`, "const"},
		{"a member without a user ID", "WebhookEvent", `{"name": "member_added", "channel": "presence-a"}`, "required"},
		{"a client event without its sender", "WebhookEvent", `{"name": "client_event", "channel": "private-a", "event": "client-b", "data": "{}"}`, "required"},
		{"a subscription count that is a text", "WebhookEvent", `{"name": "subscription_count", "channel": "a", "subscription_count": "13"}`, "type"},

		{"an authorization without a channel", "ChannelAuthorizationRequest", `{"socket_id": "1.1"}`, "required"},
		{"an authorization for no socket", "ChannelAuthorizationRequest", `{"socket_id": "1", "channel_name": "private-a"}`, "pattern"},
		{"a signed-in user without data", "UserAuthentication", `{"auth": "a:b"}`, "required"},
	}

	doc := load(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := refusal(t, component(t, doc, tt.schema), json.RawMessage(tt.value))
			switch got := keywords(err); {
			case tt.want == accepted && err != nil:
				t.Errorf("%s refuses %s: %v, want it accepted", tt.schema, tt.value, err)
			case tt.want != accepted && err == nil:
				t.Errorf("%s accepts %s, want it refused by %s", tt.schema, tt.value, tt.want)
			case tt.want != accepted && !slices.Contains(got, tt.want):
				t.Errorf("%s refuses %s by %q, want by %s", tt.schema, tt.value, got, tt.want)
			}
		})
	}
}

// keywords lists the innermost keywords of JSON Schema that refused the value.
// What is refused by not, or by a schema that is just false, names no keyword.
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
