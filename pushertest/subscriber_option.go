package pushertest

import (
	"encoding/json"
	"fmt"

	"github.com/openchannels/pusher-go/internal/encryption"
)

type subscriberConfig struct {
	member, user   string // JSON
	masterKey      *encryption.MasterKey
	protocolEvents bool
}

// A SubscribeOption changes what [Server.Subscribe] does.
type SubscribeOption func(*subscriberConfig) error

// AsMember has the subscriber be a member of a presence channel. Info is encoded as
// JSON and has to be an object, or nil for none.
func AsMember(id string, info any) SubscribeOption {
	return func(c *subscriberConfig) error {
		raw, err := json.Marshal(info)
		if err != nil {
			return fmt.Errorf("pushertest: AsMember: %w", err)
		}
		data := memberData{UserID: id}
		if info != nil {
			data.Info = raw
		}
		c.member = quoted(data)
		return nil
	}
}

// AsUser has the subscriber sign in before it subscribes. On a presence channel
// without [AsMember] it is a member under the same ID.
func AsUser(id string) SubscribeOption {
	return func(c *subscriberConfig) error {
		c.user = quoted(map[string]string{"id": id})
		return nil
	}
}

// Decrypt has the events of an encrypted channel decrypted with the app's master
// key, 32 bytes in base64. One that it does not open stays as it is.
func Decrypt(masterKey string) SubscribeOption {
	return func(c *subscriberConfig) error {
		key, err := encryption.ParseMasterKey(masterKey)
		if err != nil {
			return fmt.Errorf("pushertest: Decrypt: %w", err)
		}
		c.masterKey = key
		return nil
	}
}

// ProtocolEvents has the subscriber also record the protocol's own events, such as
// pusher_internal:member_added. The default is to leave them out.
func ProtocolEvents() SubscribeOption {
	return func(c *subscriberConfig) error {
		c.protocolEvents = true
		return nil
	}
}
