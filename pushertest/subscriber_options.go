package pushertest

import (
	"encoding/json"
	"fmt"

	"github.com/openchannels/pusher-go/internal/encryption"
)

type subscriberConfig struct {
	member, user   string // JSON, or ""
	masterKey      *encryption.MasterKey
	protocolEvents bool
}

// A SubscribeOption configures a [Subscriber].
type SubscribeOption func(*subscriberConfig) error

// AsMember makes the subscriber a member of a presence channel. Info is encoded as
// JSON. It has to be an object, or nil for none.
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
		c.member = jsonText(data)
		return nil
	}
}

// AsUser signs the subscriber in before it subscribes. On a presence channel without
// [AsMember], the user's ID is the member's ID.
func AsUser(id string) SubscribeOption {
	return func(c *subscriberConfig) error {
		c.user = jsonText(map[string]string{"id": id})
		return nil
	}
}

// Decrypt decrypts the events of an encrypted channel with the app's encryption
// master key, 32 bytes in base64. Data that cannot be decrypted is delivered
// unchanged.
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

// ProtocolEvents makes the subscriber also record the events of the protocol, such as
// pusher_internal:member_added.
func ProtocolEvents() SubscribeOption {
	return func(c *subscriberConfig) error {
		c.protocolEvents = true
		return nil
	}
}
