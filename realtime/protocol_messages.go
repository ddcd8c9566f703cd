package realtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/internal/redact"
)

// The events of the protocol itself.
//
// Source: Pusher Channels docs, "Pusher Channels Protocol"; and pusher-js.
const (
	eventEstablished       = "pusher:connection_established"
	eventError             = "pusher:error"
	eventPing              = "pusher:ping"
	eventPong              = "pusher:pong"
	eventSubscribe         = "pusher:subscribe"
	eventUnsubscribe       = "pusher:unsubscribe"
	eventSignin            = "pusher:signin"
	eventSignedIn          = "pusher:signin_success"
	eventCacheMiss         = "pusher:cache_miss"
	eventSubscriptionError = "pusher:subscription_error" // of soketi
	eventSubscribed        = "pusher_internal:subscription_succeeded"
	eventMemberAdded       = "pusher_internal:member_added"
	eventMemberRemoved     = "pusher_internal:member_removed"
	eventCount             = "pusher_internal:subscription_count"
	eventWatchlist         = "pusher_internal:watchlist_events"

	publicPrefix      = "pusher:"
	internalPrefix    = "pusher_internal:"
	clientEventPrefix = "client-"
)

// The codes that this package treats specially. closeAction has the ranges of others.
const (
	codeNoPong          = 4201
	codeClientEventRate = 4301
	codeWatchlist       = 4302
)

// closeAction returns whether a connection that was closed with this code is never
// opened again, or is opened again at once. Otherwise it is opened after a backoff.
//
// Source: Pusher Channels docs, "Error codes"; from 4300 on, pusher-js.
func closeAction(code int) (forGood, atOnce bool) {
	switch {
	case code >= 4000 && code < 4100, code >= 4300:
		return true, false
	case code >= 4200:
		return false, true
	}
	return false, false
}

// A message is what the server sends.
type message struct {
	Event   string `json:"event"`
	Channel string `json:"channel"`
	Data    text   `json:"data"`
	UserID  text   `json:"user_id"`
}

func decodeMessage(frame []byte) (message, error) {
	var m message
	if err := json.Unmarshal(frame, &m); err != nil {
		return message{}, err
	}
	if m.Event == "" {
		return message{}, errors.New("the message has no event")
	}
	return m, nil
}

// decode decodes data that is an object, either itself or in a string.
func (m *message) decode(v any) error { return json.Unmarshal([]byte(m.Data), v) }

// A text is the content of a JSON string, or any other JSON as it was sent. Servers
// send data in both forms, and IDs as strings or numbers.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(value []byte) error {
	switch {
	case value[0] != '"':
		if *t = text(value); *t == "null" {
			*t = ""
		}
		return nil
	case bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value):
		*t = text(value[1 : len(value)-1])
		return nil
	}
	return json.Unmarshal(value, (*string)(t))
}

// encodeMessage returns the JSON of a message to the server. It returns an error only
// if data cannot be encoded.
func encodeMessage(event, channel string, data any) ([]byte, error) {
	return encodeJSON(struct {
		Event   string `json:"event"`
		Channel string `json:"channel,omitempty"`
		Data    any    `json:"data"`
	}{event, channel, data})
}

// encodeJSON returns the JSON of v without the escapes for HTML.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

type subscribeData struct {
	Channel     string `json:"channel"`
	Auth        string `json:"auth"`
	ChannelData string `json:"channel_data,omitempty"`
}

type unsubscribeData struct {
	Channel string `json:"channel"`
}

type signinData struct {
	Auth     string `json:"auth"`
	UserData string `json:"user_data"`
}

type establishedData struct {
	SocketID        string  `json:"socket_id"`
	ActivityTimeout float64 `json:"activity_timeout"` // seconds
}

// decodeUserID returns the ID of the user who was signed in. The data is an object
// whose user_data is JSON in a string, or, as some servers send it, an object.
func decodeUserID(m message) (string, error) {
	var data struct {
		UserData text `json:"user_data"`
	}
	if err := m.decode(&data); err != nil {
		return "", err
	}
	var user struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(data.UserData), &user); err != nil {
		return "", err
	}
	if user.ID == "" {
		return "", errors.New("user_data has no id")
	}
	return user.ID, nil
}

type memberData struct {
	UserID   text `json:"user_id"`
	UserInfo text `json:"user_info"`
}

// decodeMembers returns the info of the members of a presence channel by their IDs.
func decodeMembers(m message) (map[string]string, error) {
	var data struct {
		Presence struct {
			Hash json.RawMessage `json:"hash"`
		} `json:"presence"`
	}
	if err := m.decode(&data); err != nil {
		return nil, err
	}
	members := make(map[string]string)
	hash := data.Presence.Hash
	if len(hash) == 0 || hash[0] != '{' {
		return members, nil // PHP encodes an empty object as an empty array
	}
	var infos map[string]text
	if err := json.Unmarshal(hash, &infos); err != nil {
		return nil, err
	}
	for id, info := range infos {
		members[id] = string(info)
	}
	return members, nil
}

type watchlistData struct {
	Events []struct {
		Name    string   `json:"name"`
		UserIDs []string `json:"user_ids"`
	} `json:"events"`
}

// decodeError returns the error of pusher:error, or of pusher:subscription_error.
func decodeError(m message) *Error {
	var data struct {
		Code    text `json:"code"`
		Status  text `json:"status"` // soketi's name of the code
		Message text `json:"message"`
		Error   text `json:"error"` // soketi's name of the message
	}
	if m.decode(&data) != nil {
		data.Message = m.Data
	}
	e := &Error{Kind: ErrRejected, Channel: m.Channel, Message: line(string(data.Message + data.Error))}
	for _, r := range string(data.Code + data.Status) {
		if r < '0' || r > '9' || e.Code > 99_999 {
			e.Code = 0
			break
		}
		e.Code = 10*e.Code + int(r-'0')
	}
	return e
}

// line returns text from outside in a form that fits an error and a log line. Servers
// quote signatures that they reject.
func line(s string) string { return redact.Line(s, 1024) }

func isProtocolEvent(name string) bool {
	return strings.HasPrefix(name, publicPrefix) || strings.HasPrefix(name, internalPrefix)
}
