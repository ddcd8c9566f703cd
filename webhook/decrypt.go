package webhook

import (
	"errors"
	"fmt"

	"github.com/openchannels/pusher-go/internal/protocol"
)

var errNoMasterKey = errors.New("no encryption master key is configured")

// decrypt opens the client events of encrypted channels in place. The other
// events of such channels carry no data, so there is nothing to decrypt.
func (v *Verifier) decrypt(events []Event) {
	for i := range events {
		event, ok := events[i].(ClientEvent)
		if ok && event.Data != "" && protocol.IsEncrypted(event.Channel) {
			events[i] = v.decrypted(event)
		}
	}
}

func (v *Verifier) decrypted(event ClientEvent) ClientEvent {
	if v.masterKey == nil {
		event.Err = fmt.Errorf("%w: %w", ErrDecrypt, errNoMasterKey)
		return event
	}
	data, err := v.masterKey.Decrypt(event.Channel, []byte(event.Data))
	if err != nil {
		event.Err = fmt.Errorf("%w: %w", ErrDecrypt, err)
		return event
	}
	event.Data = string(data)
	return event
}
