package pushertest

import (
	"net/url"
	"slices"
	"strings"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// The attributes of a channel.
const (
	attributeUserCount         = string(gen.ChannelAttributeUserCount)
	attributeSubscriptionCount = string(gen.ChannelAttributeSubscriptionCount)
	attributeCache             = string(gen.ChannelAttributeCache)
)

// rules are the checks that Pusher reports with texts of its own. They run before the
// request is validated against the OpenAPI document, and ignore values that only the
// document rejects.
type rules struct {
	maxEventBytes        int
	subscriptionCounting bool
}

func (r rules) check(operation, channel string, query url.Values, params map[string]any) error {
	switch operation {
	case "TriggerEvent":
		return r.trigger(params)
	case "TriggerBatch":
		return r.batch(params)
	case "ListChannels":
		return r.list(query)
	case "GetChannel":
		return r.channel(channel, query)
	case "ListChannelUsers":
		return r.users(channel)
	case "TerminateUserConnections":
		return nil
	}
	return badRequest(textUnknownOp, operation)
}

func (r rules) trigger(params map[string]any) error {
	if err := r.event(params); err != nil {
		return err
	}
	list, hasList := params["channels"]
	_, hasOne := params["channel"]
	switch {
	case hasList && hasOne:
		return badRequest(textBothChannels)
	case hasOne:
		return r.target(params)
	case !hasList:
		return badRequest(textMissing, "channels")
	}
	channels, _ := list.([]any)
	encrypted := false
	for _, value := range channels {
		channel, ok := value.(string)
		if ok && protocol.CheckTarget(channel) != nil {
			return badRequest(textChannelName)
		}
		encrypted = encrypted || protocol.IsEncrypted(channel)
	}
	// Pusher's docs rule this out and its libraries prevent it. Whether Pusher
	// rejects it is not known. This server does, so that the mistake is noticed.
	if encrypted && len(channels) > 1 {
		return badRequest(textEncrypted)
	}
	if encrypted {
		return checkEncrypted(params)
	}
	return nil
}

func (r rules) batch(params map[string]any) error {
	if err := checkSpelling(params, "batch"); err != nil {
		return err
	}
	value, ok := params["batch"]
	if !ok {
		return badRequest(textMissing, "batch")
	}
	events, _ := value.([]any)
	if len(events) > protocol.MaxBatch {
		return badRequest(textBatchTooLarge, len(events), protocol.MaxBatch)
	}
	for _, value := range events {
		event, ok := value.(map[string]any)
		if !ok {
			continue
		}
		if err := r.event(event); err != nil {
			return err
		}
		if err := r.target(event); err != nil {
			return err
		}
	}
	return nil
}

// event checks the parameters that a trigger and an event of a batch have in common.
func (r rules) event(params map[string]any) error {
	if err := checkSpelling(params, "name", "data", "channel", "channels", "socket_id", "info"); err != nil {
		return err
	}
	name, err := stringParam(params, "name")
	if err != nil {
		return err
	}
	if protocol.IsReserved(name) {
		return badRequest(textReserved)
	}
	if err := protocol.CheckEventName(name); err != nil {
		return badRequest("%v", err)
	}
	data, err := stringParam(params, "data")
	if err != nil {
		return err
	}
	if len(data) > r.maxEventBytes {
		return tooLarge(textDataTooLarge, int64(r.maxEventBytes))
	}
	if _, ok := params["info"]; !ok {
		return nil
	}
	info, err := stringParam(params, "info")
	if err != nil {
		return err
	}
	return checkInfo(info, attributeUserCount, attributeSubscriptionCount)
}

// target checks the single channel of an event.
func (r rules) target(params map[string]any) error {
	channel, err := stringParam(params, "channel")
	if err != nil {
		return err
	}
	if protocol.CheckTarget(channel) != nil {
		return badRequest(textChannelName)
	}
	if protocol.IsEncrypted(channel) {
		return checkEncrypted(params)
	}
	return nil
}

// checkEncrypted checks that the data of an event is {"nonce":…,"ciphertext":…}.
// Pusher cannot decrypt it and is not known to check it. This server does, so that
// plain text on an encrypted channel is noticed.
func checkEncrypted(params map[string]any) error {
	const nonceSize, overhead = 24, 16 // of NaCl's secretbox
	data, err := stringParam(params, "data")
	if err != nil {
		return err
	}
	var nonce, ciphertext []byte
	err = decodeObject([]byte(data), map[string]any{"nonce": &nonce, "ciphertext": &ciphertext})
	if err != nil || len(nonce) != nonceSize || len(ciphertext) < overhead {
		return badRequest(textNotEncrypted)
	}
	return nil
}

func (r rules) list(query url.Values) error {
	if !query.Has("info") {
		return nil
	}
	if err := checkInfo(query.Get("info"), attributeUserCount); err != nil {
		return err
	}
	if !protocol.IsPresence(query.Get("filter_by_prefix")) {
		return badRequest(textUserCounts)
	}
	return nil
}

func (r rules) channel(name string, query url.Values) error {
	if protocol.CheckChannel(name) != nil {
		return badRequest(textChannelName)
	}
	if !query.Has("info") {
		return nil
	}
	info := query.Get("info")
	if err := checkInfo(info, attributeUserCount, attributeSubscriptionCount, attributeCache); err != nil {
		return err
	}
	attributes := strings.Split(info, ",")
	switch {
	case slices.Contains(attributes, attributeUserCount) && !protocol.IsPresence(name):
		return badRequest(textUserCount)
	case slices.Contains(attributes, attributeSubscriptionCount) && !r.subscriptionCounting:
		return badRequest(textSubscriptionCount)
	case slices.Contains(attributes, attributeCache) && !protocol.IsCache(name):
		return badRequest(textCacheAttribute)
	}
	return nil
}

func (r rules) users(channel string) error {
	if protocol.CheckChannel(channel) != nil {
		return badRequest(textChannelName)
	}
	if !protocol.IsPresence(channel) {
		return badRequest(textUsers)
	}
	return nil
}

func checkInfo(info string, allowed ...string) error {
	for attribute := range strings.SplitSeq(info, ",") {
		if !slices.Contains(allowed, attribute) {
			return badRequest(textInfo)
		}
	}
	return nil
}

// checkSpelling rejects names that differ only in case, such as "Name". The generated
// server decodes them with encoding/json, which ignores case, so they would not have
// been checked.
func checkSpelling(params map[string]any, names ...string) error {
	for key := range params {
		for _, name := range names {
			if key != name && strings.EqualFold(key, name) {
				return badRequest(textSpelling, name, key)
			}
		}
	}
	return nil
}

// stringParam returns a required parameter, which has to be a string.
func stringParam(params map[string]any, name string) (string, error) {
	value, ok := params[name]
	if !ok {
		return "", badRequest(textMissing, name)
	}
	text, ok := value.(string)
	if !ok {
		return "", badRequest(textNotString, name)
	}
	return text, nil
}
