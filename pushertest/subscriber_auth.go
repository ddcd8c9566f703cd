package pushertest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// signIn signs the subscriber in if an option requires it.
func (sub *Subscriber) signIn(ctx context.Context) error {
	var auth, user string
	switch cfg := &sub.config; {
	case cfg.authenticator != nil:
		form := url.Values{"socket_id": {sub.client.socketID}}
		fields := map[string]any{"auth": &auth, "user_data": &user}
		if _, err := cfg.authenticator.post(ctx, form, cfg.header, fields); err != nil {
			return err
		}
	case cfg.user != "":
		auth, user = sub.sign("::user::"+cfg.user), cfg.user
	default:
		return nil
	}
	return sub.request(eventSignin, map[string]string{"auth": auth, "user_data": user})
}

// authorization returns the data of pusher:subscribe, with the authorization that the
// channel needs.
func (sub *Subscriber) authorization(ctx context.Context) (map[string]string, error) {
	data := map[string]string{"channel": sub.channel}
	if !protocol.IsPresence(sub.channel) && !protocol.IsPrivate(sub.channel) {
		return data, nil
	}
	if sub.config.authorizer != nil {
		return data, sub.requestAuthorization(ctx, data)
	}
	text := ":" + sub.channel
	if member := sub.config.member; member != "" && protocol.IsPresence(sub.channel) {
		data["channel_data"] = member
		text += ":" + member
	}
	data["auth"] = sub.sign(text)
	return data, nil
}

// requestAuthorization adds the app's authorization to data. On an encrypted channel it
// also sets the key with which events are decrypted.
func (sub *Subscriber) requestAuthorization(ctx context.Context, data map[string]string) error {
	var auth, channelData, secret string
	form := url.Values{"socket_id": {sub.client.socketID}, "channel_name": {sub.channel}}
	fields := map[string]any{"auth": &auth, "channel_data": &channelData, "shared_secret": &secret}
	body, err := sub.config.authorizer.post(ctx, form, sub.config.header, fields)
	if err != nil {
		return err
	}
	data["auth"] = auth
	if channelData != "" {
		data["channel_data"] = channelData
	}
	if !protocol.IsEncrypted(sub.channel) {
		return nil
	}
	key, err := encryption.ParseSharedSecret(secret)
	if err != nil {
		return &AuthorizationError{http.StatusOK, body, err.Error()}
	}
	sub.config.decrypt = func(_ string, data []byte) ([]byte, error) { return key.Decrypt(data) }
	return nil
}

func (sub *Subscriber) request(event string, data map[string]string) error {
	_, err := sub.state.receive(sub.client, encodeJSON(map[string]any{"event": event, "data": data}))
	return err
}

func (sub *Subscriber) sign(text string) string {
	return sub.state.app.Key + ":" + sub.state.secret.Sign([]byte(sub.client.socketID+text))
}
