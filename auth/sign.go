package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/signing"
)

// signPlain signs a subscription that has no data of its own.
func (a *Authorizer) signPlain(socketID, channel string) string {
	scratch, _ := a.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	message := append((*scratch)[:0], socketID...)
	message = append(message, ':')
	message = append(message, channel...)
	*scratch = slices.Grow(message, a.signatureLength())
	signed := a.sign(*scratch)
	a.scratch.Put(scratch)
	return signed
}

// sign returns KEY:SIGNATURE for the message. It works in the space behind the
// message, if there is any.
func (a *Authorizer) sign(message []byte) string {
	signed := append(message, a.prefix...)
	signed = a.secret.AppendSign(signed, message)
	return string(signed[len(message):])
}

func (a *Authorizer) signatureLength() int { return len(a.prefix) + signing.SignatureLength }

// A statement is the text to sign: a head that says for which connection and
// channel, and the JSON of whom. Both are written to one buffer, so that what is
// signed and what is returned are the same bytes.
type statement struct {
	buffer bytes.Buffer
	head   int
}

func newStatement(head ...string) *statement {
	s := &statement{}
	s.buffer.Grow(512)
	for _, part := range head {
		s.buffer.WriteString(part)
	}
	s.head = s.buffer.Len()
	return s
}

func (s *statement) bytes() []byte { return s.buffer.Bytes() }

func (s *statement) data() string { return string(s.buffer.Bytes()[s.head:]) }

// encode appends the JSON of whom, which may have at most limit bytes.
func (s *statement) encode(whom any, limit int) error {
	encoder := json.NewEncoder(&s.buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(whom); err != nil {
		return err
	}
	s.buffer.Truncate(s.buffer.Len() - len("\n"))

	data := s.buffer.Bytes()[s.head:]
	if len(data) > limit {
		return fmt.Errorf("data has %d bytes of JSON, at most %d are allowed", len(data), limit)
	}
	if !utf8.Valid(data) || hasReplaced(data) {
		return errors.New("data has text that is not valid UTF-8")
	}
	return nil
}

// addWatchlist puts the list at the end of the object that encode wrote. User
// IDs need no escapes.
func (s *statement) addWatchlist(ids []string) {
	if len(ids) == 0 {
		return
	}
	s.buffer.Truncate(s.buffer.Len() - len("}"))
	separator := `,"watchlist":["`
	for _, id := range ids {
		s.buffer.WriteString(separator)
		s.buffer.WriteString(id)
		separator = `","`
	}
	s.buffer.WriteString(`"]}`)
}

// hasReplaced tells whether encoding/json has put U+FFFD in place of bytes that
// are not UTF-8. It writes that one as an escape, a U+FFFD that was in the text
// as itself.
func hasReplaced(data []byte) bool {
	const replacement = `\ufffd`
	for {
		i := bytes.Index(data, []byte(replacement))
		if i < 0 {
			return false
		}
		before := data[:i]
		if (len(before)-len(bytes.TrimRight(before, `\`)))%2 == 0 {
			return true
		}
		data = data[i+len(replacement):] // an escaped backslash, then the letters
	}
}
