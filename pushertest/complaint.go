package pushertest

import (
	"fmt"
)

// What Pusher's servers are on record to say in a pusher:error, or as the reason
// of a close.
//
// Source: Pusher Channels docs, WebSocket protocol; reports of the users of
// Pusher's libraries.
const (
	textNotInCluster       = "App key %s not in this cluster. Did you forget to specify the cluster?"
	textNotAuthorized      = "Connection not authorized within timeout"
	textClientEventsOff    = "To send client events, you must enable this feature in the Settings page of your dashboard."
	textDigest             = "Invalid signature: Expected HMAC SHA256 hex digest of %s, but got %s"
	textAuthKey            = "Invalid key in subscription auth data: '%s'"
	textAuthFormat         = "Invalid format: auth must have the format key:signature"
	textNotHash            = "Expected parameter data to be a hash"
	textClientEvent        = "Invalid client event (must contain channel and data)"
	textUnsupported        = "Unsupported event received on socket %s"
	textExisting           = "Existing subscription to channel %s"
	textUserInfo           = "user_info supplied to presence subscription is invalid - if supplied it must be a type of hash"
	textTerminated         = "You got disconnected by the app." // as compatible servers say
	textInvalidVersion     = "Invalid version string format"
	textUnsupportedVersion = "Unsupported protocol version"
	textNoVersion          = "No protocol version supplied"
	textPathNotFound       = "Path not found"
	textNoPong             = "Pong reply not received"
)

// Where their words are not on record, these are said instead.
const (
	textNotJSON          = "Expected a JSON object"
	textBinary           = "Expected a text frame"
	textTooManyChannels  = "At most %d subscriptions are allowed on a connection"
	textNotSignedIn      = "Subscribing to %s needs a connection that is signed in as that user"
	textNoMember         = "Subscribing to a presence channel needs channel_data or a connection that is signed in"
	textChannelData      = "Invalid channel_data: %s"
	textUserData         = "Invalid user_data: %s"
	textMembersFull      = "At most %d members are allowed on a presence channel"
	textSignedInAlready  = "The connection is already signed in as another user"
	textWatchlist        = "Only the first %d users of the watchlist are watched"
	textClientEventPlace = "Client event rejected - only supported on private and presence channels"
	textClientEventFirst = "Client event rejected - you must be subscribed to the channel"
	textClientEventRate  = "Client event rejected - at most %d a second are allowed on a connection"
	textClientEventLarge = "Client event rejected - its data exceeds the allowed maximum (%d bytes)"
	textGoingAway        = "The server is closed"
)

// Codes of a close and of a pusher:error.
//
// Source: Pusher Channels docs, WebSocket protocol, "Error codes".
const (
	codeGoingAway          = 1001 // of the WebSocket protocol
	codeNoApp              = 4001
	codePathNotFound       = 4005
	codeInvalidVersion     = 4006
	codeUnsupportedVersion = 4007
	codeNoVersion          = 4008
	codeUnauthorized       = 4009
	codeNoPong             = 4201
	codeClientEventRate    = 4301
	codeWatchlist          = 4302
)

// A complaint is told to a client in a pusher:error; its connection stays open.
type complaint struct {
	code  int // 0 for null
	text  string
	cause string // stands in for a text that quotes a signature
}

func (c *complaint) Error() string {
	if c.cause != "" {
		return c.cause
	}
	return c.text
}

func complain(format string, args ...any) error {
	return &complaint{text: fmt.Sprintf(format, args...)}
}

func complainCode(code int, format string, args ...any) error {
	return &complaint{code: code, text: fmt.Sprintf(format, args...)}
}

// message returns the pusher:error. Its data is an object, as Pusher's is.
func (c *complaint) message() message {
	var data struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	if data.Message = c.text; c.code != 0 {
		data.Code = &c.code
	}
	return message{Event: eventError, Data: data}
}
