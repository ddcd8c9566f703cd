package pushertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The events of the protocol itself.
//
// Source: Pusher Channels docs, WebSocket protocol.
const (
	eventEstablished   = "pusher:connection_established"
	eventError         = "pusher:error"
	eventPing          = "pusher:ping"
	eventPong          = "pusher:pong"
	eventSubscribe     = "pusher:subscribe"
	eventUnsubscribe   = "pusher:unsubscribe"
	eventSignin        = "pusher:signin"
	eventSignedIn      = "pusher:signin_success"
	eventCacheMiss     = "pusher:cache_miss"
	eventSubscribed    = "pusher_internal:subscription_succeeded"
	eventMemberAdded   = "pusher_internal:member_added"
	eventMemberRemoved = "pusher_internal:member_removed"
	eventCount         = "pusher_internal:subscription_count"
	eventWatchlist     = "pusher_internal:watchlist_events"
	clientEventPrefix  = "client-"
)

// A message is what the server sends. Like Pusher, it sends data as a string even
// if it is JSON, except in errors and in client events, which are relayed unchanged.
//
// Source: Pusher Channels docs, WebSocket protocol.
type message struct {
	Event   string `json:"event"`
	Channel string `json:"channel,omitempty"`
	Data    any    `json:"data,omitempty"`
	UserID  string `json:"user_id,omitempty"`
}

// encode returns the JSON of m. A message to many clients is encoded once.
func (m message) encode() []byte { return encodeJSON(m) }

var (
	ping = message{Event: eventPing, Data: "{}"}.encode()
	pong = message{Event: eventPong, Data: "{}"}.encode()
)

// jsonText returns the JSON of v, to be sent as a string.
func jsonText(v any) string { return string(encodeJSON(v)) }

// encodeJSON returns the JSON of v without the escapes for HTML. All types it is
// called with can be encoded.
func encodeJSON(v any) []byte {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Errorf("pushertest: encoding %T: %w", v, err))
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// decodeObject decodes a JSON object into fields, by property name. Unlike a struct's
// tags, the names are case-sensitive: "Channel" is not "channel". Properties that are
// missing or null leave their field unchanged, other properties are ignored.
func decodeObject(data []byte, fields map[string]any) error {
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(data, &properties); err != nil {
		return err
	}
	if properties == nil {
		return errors.New("null is not an object")
	}
	for name, field := range fields {
		value, ok := properties[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, field); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// stringOrJSON returns the text of a JSON string, and any other JSON unchanged.
func stringOrJSON(data json.RawMessage) string {
	var text string
	if json.Unmarshal(data, &text) != nil {
		return string(data)
	}
	return text
}
