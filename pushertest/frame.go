package pushertest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// A frame is a whole WebSocket frame as a server sends it. A server's frames are
// not masked, so that all subscribers of a channel are sent the same bytes.
type frame []byte

const (
	finalText = 0x81
	finalPing = 0x89
	// longestHeader is that of a frame with a length of 64 bits.
	longestHeader = 10
)

// pingFrame is the ping of the WebSocket protocol, which every client answers by
// itself.
var pingFrame = frame{finalPing, 0}

// A message is what a server sends. Source: Pusher Channels docs, WebSocket
// protocol; the server tries to send data as a string, even where it is JSON.
type message struct {
	Event   string `json:"event"`
	Channel string `json:"channel,omitempty"`
	Data    any    `json:"data,omitempty"`
	UserID  string `json:"user_id,omitempty"`
}

// frame encodes m.
func (m message) frame() frame {
	buf := bytes.NewBuffer(make([]byte, longestHeader, 256))
	encode(buf, m)
	all := buf.Bytes()
	all = all[:len(all)-1] // the encoder's line feed
	header := appendHeader(nil, len(all)-longestHeader)
	start := longestHeader - len(header)
	copy(all[start:], header)
	return all[start:]
}

func appendHeader(dst []byte, length int) []byte {
	switch {
	case length < 126:
		return append(dst, finalText, byte(length))
	case length <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, finalText, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(dst, finalText, 127), uint64(length))
}

// text returns the frame's payload.
func (f frame) text() []byte {
	switch f[1] {
	case 126:
		return f[4:]
	case 127:
		return f[longestHeader:]
	}
	return f[2:]
}

// quoted returns the JSON text of v, to be sent as a string.
func quoted(v any) string {
	var buf bytes.Buffer
	encode(&buf, v)
	return string(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

func encode(buf *bytes.Buffer, v any) {
	encoder := json.NewEncoder(buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Errorf("pushertest: %T cannot be encoded: %w", v, err)) // all are this package's own
	}
}
