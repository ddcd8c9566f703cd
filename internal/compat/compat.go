// Package compat decodes responses, including those of compatible servers that
// deviate from openapi.yaml: errors under status 200, empty arrays for objects,
// objects for arrays and numbers for strings.
//
// A response that conforms is decoded once. Only a body that does not decode, or that
// lacks a required member, is normalized and decoded again.
package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/redact"
)

// An Error is an error response, as its body describes it.
type Error struct {
	Status  int
	Message string
}

// ErrorUnderSuccess returns the error in the body of a 2xx response, or nil. soketi
// reports errors as {"error": text, "code": 400 or more} under status 200.
func ErrorUnderSuccess(body []byte) *Error {
	if !bytes.Contains(body, []byte(`"error"`)) {
		return nil
	}
	var response struct {
		Error        *string
		Code, Status any
	}
	if json.Unmarshal(body, &response) != nil || response.Error == nil {
		return nil
	}
	for _, code := range []any{response.Code, response.Status} {
		if code, ok := code.(float64); ok && code >= 400 && code < 600 {
			return &Error{Status: int(code), Message: ErrorMessage(body)}
		}
	}
	return nil
}

// ErrorMessage returns the text of an error response: Pusher sends plain text, other
// servers {"error": text}, {"message": text}, or Laravel's map of field names to
// lists of messages.
func ErrorMessage(body []byte) string {
	text := strings.TrimSpace(string(body))
	if text == "{}" || text == "null" {
		return ""
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return text
	}
	for _, name := range []string{"error", "message"} {
		var message string
		if json.Unmarshal(object[name], &message) == nil && message != "" {
			return message
		}
	}
	var fields []string
	for field, raw := range object {
		var messages []string
		if json.Unmarshal(raw, &messages) != nil {
			return text
		}
		fields = append(fields, field+": "+strings.Join(messages, ", "))
	}
	slices.Sort(fields)
	return strings.Join(fields, "; ")
}

// IsPublishSuccess reports whether body, of a 2xx response, means that an event was
// accepted: it is empty, a JSON object, a JSON array (as servers written in PHP encode
// an empty object) or the word ok; an object that ends early still means success.
// Anything else comes from something that is not this API.
func IsPublishSuccess(body []byte) bool {
	switch text := string(body); {
	case text == "" || text == "{}" || text == "[]" || text == `{"ok":true}`:
		return true
	case strings.EqualFold(text, "ok") || strings.EqualFold(text, `"ok"`):
		return true
	}
	return body[0] == '{' || body[0] == '['
}

var emptyObject = []byte("{}")

// TriggerResult decodes the response to an event. A JSON object that does not decode
// still means that the event was accepted.
func TriggerResult(body []byte) (*gen.TriggerResult, error) {
	return lenient[gen.TriggerResult](body), nil
}

// BatchResult decodes the response to a batch. Reverb sends "batch": {} for none.
func BatchResult(body []byte) (*gen.BatchResult, error) { return lenient[gen.BatchResult](body), nil }

func lenient[T any](body []byte) *T {
	value := new(T)
	if json.Unmarshal(body, value) != nil {
		return new(T)
	}
	return value
}

// Raw returns a body that is JSON.
func Raw(body []byte) (json.RawMessage, error) {
	if !json.Valid(body) {
		return nil, fmt.Errorf("the body is not JSON: %s", quote(body))
	}
	return body, nil
}

// ChannelList decodes a list of channels.
func ChannelList(body []byte) (*gen.ChannelList, error) {
	// Growing the map step by step is a fifth of the time of decoding. An empty list is
	// decoded again, because json leaves the map unchanged if there is none in the body.
	list := gen.ChannelList{Channels: make(map[string]gen.ChannelCounts, entries(body))}
	if err := json.Unmarshal(body, &list); err == nil && len(list.Channels) > 0 {
		return &list, nil
	}
	normal, err := channelList(body)
	if err != nil {
		return nil, err
	}
	list = gen.ChannelList{}
	return &list, json.Unmarshal(normal, &list)
}

// entries estimates the number of entries of a list of objects. It is limited, because
// the body has not been validated.
func entries(body []byte) int { return min(bytes.Count(body, []byte("{")), 100_000) }

// ChannelInfo decodes the state of a channel.
func ChannelInfo(body []byte) (*gen.ChannelInfo, error) {
	var info struct {
		gen.ChannelInfo
		Occupied *bool `json:"occupied"`
	}
	err := json.Unmarshal(body, &info)
	if err == nil && info.Occupied != nil && (info.Cache == nil || info.Cache.Data != "") {
		info.ChannelInfo.Occupied = *info.Occupied
		return &info.ChannelInfo, nil
	}
	normal, err := channelInfo(body)
	if err != nil {
		return nil, err
	}
	var state gen.ChannelInfo
	return &state, json.Unmarshal(normal, &state)
}

// ChannelUserList decodes a list of users.
func ChannelUserList(body []byte) (*gen.ChannelUserList, error) {
	list := gen.ChannelUserList{Users: make([]gen.ChannelUser, 0, entries(body))}
	if err := json.Unmarshal(body, &list); err == nil && len(list.Users) > 0 && !slices.Contains(list.Users, gen.ChannelUser{}) {
		return &list, nil
	}
	normal, err := channelUserList(body)
	if err != nil {
		return nil, err
	}
	list = gen.ChannelUserList{}
	return &list, json.Unmarshal(normal, &list)
}

// Normalize returns the body of a successful response as openapi.yaml describes it. A
// body that conforms is returned unchanged. The resource is the path below
// /apps/APP_ID/.
func Normalize(method, resource string, body []byte) ([]byte, error) {
	kind, name, _ := strings.Cut(resource, "/")
	name, part, _ := strings.Cut(name, "/")
	switch {
	case method != http.MethodGet && kind == "events":
		return conforming[gen.TriggerResult](body), nil
	case method != http.MethodGet && kind == "batch_events":
		return conforming[gen.BatchResult](body), nil
	case method != http.MethodGet && kind == "users":
		return conforming[map[string]any](body), nil
	case method != http.MethodGet || kind != "channels":
		return Raw(body)
	case name == "":
		return normalized(body, ChannelList, channelList)
	case part == "":
		return normalized(body, ChannelInfo, channelInfo)
	case part == "users":
		return normalized(body, ChannelUserList, channelUserList)
	}
	return Raw(body)
}

func conforming[T any](body []byte) []byte {
	if json.Unmarshal(body, new(T)) != nil {
		return emptyObject
	}
	return body
}

func normalized[T any](body []byte, decode func([]byte) (*T, error), normalize func([]byte) ([]byte, error)) ([]byte, error) {
	if _, err := decode(body); err != nil {
		return nil, err
	}
	return normalize(body)
}

// channelList replaces the empty arrays of servers whose language has no other empty
// object: for all channels (PHP) and for one channel (Poxa).
func channelList(body []byte) ([]byte, error) {
	response, err := objectWith(body, "channels")
	if err != nil {
		return nil, err
	}
	channels := map[string]json.RawMessage{}
	if !isEmptyArray(response["channels"]) {
		if err := json.Unmarshal(response["channels"], &channels); err != nil {
			return nil, fmt.Errorf(`"channels" is not an object: %w`, err)
		}
	}
	for name, counts := range channels {
		if isEmptyArray(counts) {
			channels[name] = emptyObject
		}
	}
	return replace(response, "channels", channels)
}

// channelInfo replaces a cached event whose data is an object by its JSON text.
func channelInfo(body []byte) ([]byte, error) {
	response, err := objectWith(body, "occupied")
	if err != nil {
		return nil, err
	}
	if string(response["occupied"]) == "null" {
		return nil, fmt.Errorf(`"occupied" is null: %s`, quote(body))
	}
	raw := response["cache"]
	if raw == nil || string(raw) == "null" {
		return body, nil
	}
	var cache map[string]json.RawMessage
	if json.Unmarshal(raw, &cache) != nil {
		return nil, fmt.Errorf(`"cache" is not an object: %s`, quote(raw))
	}
	data := cache["data"]
	switch {
	case data == nil:
		return nil, fmt.Errorf(`"cache" has no "data": %s`, quote(raw))
	case data[0] == '"':
		return body, nil
	}
	text, err := json.Marshal(string(data))
	if err != nil {
		return nil, err
	}
	cache["data"] = text
	return replace(response, "cache", cache)
}

// channelUserList replaces users that are an object or null by an array, and IDs that
// are numbers by strings.
func channelUserList(body []byte) ([]byte, error) {
	response, err := objectWith(body, "users")
	if err != nil {
		return nil, err
	}
	users, err := arrayOf(response["users"])
	if err != nil {
		return nil, err
	}
	for i, user := range users {
		id, err := stringOf(user["id"])
		if err != nil {
			return nil, fmt.Errorf(`"id" of user %d: %w`, i, err)
		}
		user["id"] = id
	}
	return replace(response, "users", users)
}

func replace(object map[string]json.RawMessage, name string, value any) ([]byte, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	object[name] = raw
	return json.Marshal(object)
}

// arrayOf decodes an array of objects, also one that has become an object with the
// indexes as names, or null.
func arrayOf(raw json.RawMessage) ([]map[string]json.RawMessage, error) {
	array := []map[string]json.RawMessage{}
	if string(raw) == "null" || json.Unmarshal(raw, &array) == nil {
		return array, nil
	}
	var byIndex map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &byIndex) != nil {
		return nil, fmt.Errorf(`"users" is not an array: %s`, quote(raw))
	}
	for _, index := range slices.Sorted(maps.Keys(byIndex)) {
		array = append(array, byIndex[index])
	}
	return array, nil
}

func objectWith(body []byte, name string) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return nil, fmt.Errorf("the body is not a JSON object: %s", quote(body))
	}
	if object[name] == nil {
		return nil, fmt.Errorf("the body has no %q: %s", name, quote(body))
	}
	return object, nil
}

// quote returns the start of a body, for an error.
func quote(body []byte) string { return strconv.Quote(redact.Line(string(body), 200)) }

func isEmptyArray(raw json.RawMessage) bool {
	return string(raw) == "null" || bytes.Equal(bytes.Join(bytes.Fields(raw), nil), []byte("[]"))
}

// stringOf returns a JSON string for a string or a number.
func stringOf(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) > 0 && raw[0] == '"' && string(raw) != `""` {
		return raw, nil
	}
	var n json.Number
	if len(raw) == 0 || raw[0] == 'n' || json.Unmarshal(raw, &n) != nil {
		return nil, errors.New("not a string or a number")
	}
	return json.Marshal(n.String())
}
