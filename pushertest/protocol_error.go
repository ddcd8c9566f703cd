package pushertest

import "fmt"

// Texts that Pusher's servers are known to send in a pusher:error or as the reason of
// a close frame.
//
// Source: Pusher Channels docs, WebSocket protocol; issue trackers of Pusher's
// libraries.
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
	textTerminated         = "You got disconnected by the app." // sent by compatible servers
	textInvalidVersion     = "Invalid version string format"
	textUnsupportedVersion = "Unsupported protocol version"
	textNoVersion          = "No protocol version supplied"
	textPathNotFound       = "Path not found"
	textNoPong             = "Pong reply not received"
)

// Texts of this package, for errors whose text on Pusher is not known.
const (
	textNotJSON            = "Expected a JSON object"
	textNotText            = "Expected a text frame"
	textNotUTF8            = "Expected valid UTF-8"
	textTooManyChannels    = "At most %d subscriptions are allowed on a connection"
	textNotSignedIn        = "Subscribing to %s needs a connection that is signed in as that user"
	textNoMember           = "Subscribing to a presence channel needs channel_data or a connection that is signed in"
	textMember             = "Invalid member: %v"
	textChannelData        = "Invalid channel_data: %v"
	textUserData           = "Invalid user_data: %v"
	textMembersFull        = "At most %d members are allowed on a presence channel"
	textSignedInAlready    = "The connection is already signed in as another user"
	textWatchlist          = "Only the first %d users of the watchlist are watched"
	textClientEventChannel = "Client event rejected - only supported on private and presence channels"
	textNotSubscribed      = "Client event rejected - you must be subscribed to the channel"
	textClientEventRate    = "Client event rejected - at most %d a second are allowed on a connection"
	textClientEventLarge   = "Client event rejected - its data exceeds the allowed maximum (%d bytes)"
	textClientEventName    = "Client event rejected - %v"
	textGoingAway          = "The server is closed"
)

// Codes of close frames and of pusher:error. The codes below 4000 are those of the
// WebSocket protocol.
//
// Source: RFC 6455, section 7.4.1; Pusher Channels docs, WebSocket protocol, "Error
// codes".
const (
	codeGoingAway          = 1001
	codeProtocolError      = 1002
	codeUnsupportedData    = 1003
	codeInvalidPayload     = 1007
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

// A protocolError is sent to a client as a pusher:error.
type protocolError struct {
	code int // 0 is sent as null
	text string
	log  string // if not "", logged instead of text, which quotes a signature
}

func (e *protocolError) Error() string {
	if e.log != "" {
		return e.log
	}
	return e.text
}

func protocolErrorf(format string, args ...any) error {
	return &protocolError{text: fmt.Sprintf(format, args...)}
}

func protocolErrorCode(code int, format string, args ...any) error {
	return &protocolError{code: code, text: fmt.Sprintf(format, args...)}
}

// message returns the pusher:error. Its data is an object, as on Pusher.
func (e *protocolError) message() message {
	var data struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	if data.Message = e.text; e.code != 0 {
		data.Code = &e.code
	}
	return message{Event: eventError, Data: data}
}
