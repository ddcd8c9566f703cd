package webhook

import (
	"errors"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// decrypt decrypts the client events of encrypted channels in place. Other events of
// encrypted channels have no data.
func (v *Verifier) decrypt(events []Event) {
	for i := range events {
		event, ok := events[i].(ClientEvent)
		if !ok || event.Data == "" || !protocol.IsEncrypted(event.Channel) {
			continue
		}
		if data, err := v.open(event.Channel, event.Data); err != nil {
			event.Err = newError(ErrDecrypt, err)
		} else {
			event.Data = data
		}
		events[i] = event
	}
}

// open tries the current master key first, then the previous ones.
func (v *Verifier) open(channel, data string) (string, error) {
	err := errors.New("no encryption master key is configured, see WithEncryptionMasterKey")
	for _, key := range v.masterKeys {
		var opened []byte
		if opened, err = key.Decrypt(channel, []byte(data)); err == nil {
			return string(opened), nil
		}
	}
	return "", err
}
