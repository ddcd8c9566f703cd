package pushertest

import (
	"net/url"
	"slices"
	"strings"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// The attributes that info asks for.
const (
	userCount         = string(gen.ChannelAttributeUserCount)
	subscriptionCount = string(gen.ChannelAttributeSubscriptionCount)
	cache             = string(gen.ChannelAttributeCache)
)

// rules are those that Pusher refuses to have broken in words of its own. They go
// before the document's, and pass over what only the document forbids.
type rules struct {
	maxEventBytes        int
	subscriptionCounting bool
}

func (l rules) check(operation, channel string, query url.Values, params map[string]any) error {
	switch operation {
	case "TriggerEvent":
		return l.trigger(params)
	case "TriggerBatch":
		return l.batch(params)
	case "ListChannels":
		return l.list(query)
	case "GetChannel":
		return l.channel(channel, query)
	case "ListChannelUsers":
		return l.users(channel)
	case "TerminateUserConnections":
		return nil
	}
	return badRequest(textNoRules, operation)
}

func (l rules) trigger(params map[string]any) error {
	if err := l.event(params); err != nil {
		return err
	}
	list, hasList := params["channels"]
	_, hasOne := params["channel"]
	switch {
	case hasList && hasOne:
		return badRequest(textBothChannels)
	case hasOne:
		return l.target(params)
	case !hasList:
		return badRequest(textMissing, "channels")
	}
	channels, _ := list.([]any)
	encrypted := false
	for _, value := range channels {
		channel, ok := value.(string)
		if ok && !isTarget(channel) {
			return badRequest(textChannelName)
		}
		encrypted = encrypted || protocol.IsEncrypted(channel)
	}
	// Pusher's docs rule this out and its libraries prevent it. Whether the server
	// refuses is not known; here it does, so that the mistake shows.
	if encrypted && len(channels) > 1 {
		return badRequest(textEncrypted)
	}
	return nil
}

func (l rules) batch(params map[string]any) error {
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
		if err := l.event(event); err != nil {
			return err
		}
		if err := l.target(event); err != nil {
			return err
		}
	}
	return nil
}

// event checks what both a trigger and an event of a batch have.
func (l rules) event(params map[string]any) error {
	if err := checkSpelling(params, "name", "data", "channel", "channels", "socket_id", "info"); err != nil {
		return err
	}
	name, err := stringOf(params, "name")
	if err != nil {
		return err
	}
	if protocol.IsReserved(name) {
		return badRequest(textReserved)
	}
	if err := protocol.CheckEventName(name); err != nil {
		return badRequest("%v", err)
	}
	data, err := stringOf(params, "data")
	if err != nil {
		return err
	}
	if len(data) > l.maxEventBytes {
		return tooLarge(textDataTooLarge, int64(l.maxEventBytes))
	}
	if _, ok := params["info"]; !ok {
		return nil
	}
	info, err := stringOf(params, "info")
	if err != nil {
		return err
	}
	return checkInfo(info, userCount, subscriptionCount)
}

// target checks the single channel of an event.
func (l rules) target(params map[string]any) error {
	channel, err := stringOf(params, "channel")
	if err == nil && !isTarget(channel) {
		err = badRequest(textChannelName)
	}
	return err
}

// isTarget tells whether events can be triggered on the channel: one that an app
// may name, or a user's.
func isTarget(channel string) bool {
	if userID, ok := strings.CutPrefix(channel, protocol.UserChannelPrefix); ok {
		return protocol.CheckUserID(userID) == nil
	}
	return protocol.CheckChannel(channel) == nil
}

func (l rules) list(query url.Values) error {
	if !query.Has("info") {
		return nil
	}
	if err := checkInfo(query.Get("info"), userCount); err != nil {
		return err
	}
	if !protocol.IsPresence(query.Get("filter_by_prefix")) {
		return badRequest(textUserCounts)
	}
	return nil
}

func (l rules) channel(name string, query url.Values) error {
	if protocol.CheckChannel(name) != nil {
		return badRequest(textChannelName)
	}
	if !query.Has("info") {
		return nil
	}
	info := query.Get("info")
	if err := checkInfo(info, userCount, subscriptionCount, cache); err != nil {
		return err
	}
	asked := strings.Split(info, ",")
	switch {
	case slices.Contains(asked, userCount) && !protocol.IsPresence(name):
		return badRequest(textUserCount)
	case slices.Contains(asked, subscriptionCount) && !l.subscriptionCounting:
		return badRequest(textSubscriptionCount)
	case slices.Contains(asked, cache) && !protocol.IsCache(name):
		return badRequest(textCache)
	}
	return nil
}

func (l rules) users(channel string) error {
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

// checkSpelling refuses what encoding/json would take for one of names, such as
// "Name": the generated server would read what has not been checked.
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

func stringOf(params map[string]any, name string) (string, error) {
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
