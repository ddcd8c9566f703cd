package pusher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/openchannels/pusher-go/gen"
)

// An operation is what a request asks for, as far as its answer needs mending.
type operation int

const (
	otherQuery operation = iota
	otherPost
	triggerEvent
	triggerBatch
	terminateConnections
	listChannels
	getChannel
	listChannelUsers
)

// identify finds the operation by its path, so that requests made with the
// generated client are treated like those of the client's own methods.
func identify(method, path, prefix string) operation {
	rest, _ := strings.CutPrefix(strings.TrimPrefix(path, prefix), "/apps/")
	_, resource, _ := strings.Cut(rest, "/")
	kind, name, named := strings.Cut(resource, "/")
	name, part, _ := strings.Cut(name, "/")
	if method != http.MethodGet {
		switch {
		case resource == "events":
			return triggerEvent
		case resource == "batch_events":
			return triggerBatch
		case kind == "users" && part == "terminate_connections":
			return terminateConnections
		}
		return otherPost
	}
	switch {
	case kind != "channels":
	case !named:
		return listChannels
	case name != "" && part == "":
		return getChannel
	case part == "users":
		return listChannelUsers
	}
	return otherQuery
}

// publishes tells whether a 2xx status alone says that all is done.
func (op operation) publishes() bool {
	return op == otherPost || op == triggerEvent || op == triggerBatch || op == terminateConnections
}

// maxAnswerBytes is how much of the answer is read.
func (op operation) maxAnswerBytes() int {
	if op.publishes() && op != otherPost {
		return maxReceiptBytes
	}
	return maxAnswerBytes
}

// mend brings the body of an accepted answer back to what the document says. A
// body that needs no mending comes back as it is, with all its fields.
func (op operation) mend(body []byte) ([]byte, error) {
	switch op {
	case triggerEvent:
		return mendResult[gen.TriggerResult](body), nil
	case triggerBatch:
		return mendResult[gen.BatchResult](body), nil
	case terminateConnections:
		return mendResult[gen.TerminateResult](body), nil
	case otherPost:
		return mendResult[json.RawMessage](body), nil
	case listChannels:
		return mendChannels(body)
	case getChannel:
		return mendChannel(body)
	case listChannelUsers:
		return mendUsers(body)
	}
	if !json.Valid(body) {
		return nil, errors.New("it is not JSON")
	}
	return body, nil
}

// mendResult makes do with any body of an accepted publish: what does not decode,
// such as "batch": {} of a PHP server, tells nothing.
func mendResult[T any](body []byte) []byte {
	if json.Unmarshal(body, new(T)) != nil {
		return emptyObject
	}
	return body
}

// mendChannels reads the empty lists of servers whose language has no other empty
// object, for all channels (PHP) and for one (Poxa).
func mendChannels(body []byte) ([]byte, error) {
	var list gen.ChannelList
	misfit := json.Unmarshal(body, &list)
	if misfit == nil && list.Channels != nil {
		return body, nil
	}
	answer, err := objectWith(body, "channels")
	if err != nil {
		return nil, err
	}
	channels := map[string]json.RawMessage{}
	if !isEmptyList(answer["channels"]) && json.Unmarshal(answer["channels"], &channels) != nil {
		return nil, misfit
	}
	for name, counts := range channels {
		if isEmptyList(counts) {
			channels[name] = emptyObject
		}
	}
	if answer["channels"], err = json.Marshal(channels); err != nil {
		return nil, err
	}
	if body, err = json.Marshal(answer); err != nil {
		return nil, err
	}
	return body, json.Unmarshal(body, new(gen.ChannelList))
}

// mendChannel reads the data of a cached event given as an object.
func mendChannel(body []byte) ([]byte, error) {
	answer, err := objectWith(body, "occupied")
	if err != nil {
		return nil, err
	}
	if string(answer["occupied"]) == "null" {
		return nil, errors.New("it does not tell whether the channel is occupied")
	}
	cache, err := mendCache(answer["cache"])
	if err != nil {
		return nil, err
	}
	if cache != nil {
		answer["cache"] = cache
		if body, err = json.Marshal(answer); err != nil {
			return nil, err
		}
	}
	return body, json.Unmarshal(body, new(gen.ChannelInfo))
}

// mendCache returns nil for a cached event that needs no mending.
func mendCache(raw json.RawMessage) (json.RawMessage, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	var cache map[string]json.RawMessage
	if json.Unmarshal(raw, &cache) != nil {
		return nil, errors.New("its cache is no object")
	}
	data := cache["data"]
	switch {
	case data == nil:
		return nil, errors.New("its cache has no data")
	case data[0] == '"':
		return nil, nil
	}
	text, err := json.Marshal(string(data))
	if err != nil {
		return nil, err
	}
	cache["data"] = text
	return json.Marshal(cache)
}

// mendUsers reads users given as an object or as null, and IDs given as numbers.
func mendUsers(body []byte) ([]byte, error) {
	answer, err := objectWith(body, "users")
	if err != nil {
		return nil, err
	}
	if allNamed(answer["users"]) {
		return body, nil
	}
	users, err := listOf(answer["users"])
	if err != nil {
		return nil, err
	}
	for i, user := range users {
		id, err := quoted(user["id"])
		if err != nil {
			return nil, fmt.Errorf("the ID of user %d: %w", i, err)
		}
		user["id"] = id
	}
	if answer["users"], err = json.Marshal(users); err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// allNamed tells whether the users are a list as the document has it. A user
// without an ID would decode as one whose ID is empty.
func allNamed(raw json.RawMessage) bool {
	var users []gen.ChannelUser
	return json.Unmarshal(raw, &users) == nil && users != nil &&
		!slices.ContainsFunc(users, func(user gen.ChannelUser) bool { return user.ID == "" })
}

// listOf reads a list of objects, also one that lost its order to become an
// object, or null.
func listOf(raw json.RawMessage) ([]map[string]json.RawMessage, error) {
	list := []map[string]json.RawMessage{}
	if string(raw) == "null" || json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var byKey map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &byKey) != nil {
		return nil, errors.New("its users are no list")
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		list = append(list, byKey[key])
	}
	return list, nil
}

func objectWith(body []byte, field string) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return nil, errors.New("it is no JSON object")
	}
	if object[field] == nil {
		return nil, fmt.Errorf("it has no %q", field)
	}
	return object, nil
}

func isEmptyList(raw json.RawMessage) bool {
	return string(raw) == "null" || bytes.Equal(bytes.Join(bytes.Fields(raw), nil), []byte("[]"))
}

// quoted gives a JSON string for a string or a number.
func quoted(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) > 0 && raw[0] == '"' {
		return raw, nil
	}
	var n json.Number
	if len(raw) == 0 || raw[0] == 'n' || json.Unmarshal(raw, &n) != nil {
		return nil, errors.New("it is neither a string nor a number")
	}
	return json.Marshal(n.String())
}
