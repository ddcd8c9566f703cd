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

// IsAccepted reports whether body, of a 2xx response to a publish, means that the event
// was accepted: it is empty, a JSON object, an empty JSON array (as servers written in PHP
// encode an empty object) or the word ok; an object that ends early still means success.
// Any other body was not sent by a Pusher server.
func IsAccepted(body []byte) bool {
	if text := string(body); text == "" || strings.EqualFold(text, "ok") || strings.EqualFold(text, `"ok"`) {
		return true
	}
	return body[0] == '{' || isEmptyArray(body)
}

var emptyObject = []byte("{}")

// Decode decodes the body of an accepted response into v, a pointer to a model of
// package gen or to any other value.
func Decode(body []byte, v any) error {
	switch v := v.(type) {
	case *gen.TriggerResult:
		return decodeAccepted(body, v)
	case *gen.BatchResult:
		return decodeAccepted(body, v)
	case *gen.TerminateResult:
		return decodeAccepted(body, v)
	case *gen.ChannelList:
		return decodeChannelList(body, v)
	case *gen.ChannelInfo:
		return decodeChannelInfo(body, v)
	case *gen.ChannelUserList:
		return decodeChannelUserList(body, v)
	}
	return json.Unmarshal(body, v)
}

// decodeAccepted decodes the response to a publish. A body that does not decode, such
// as "batch": {} for no results of Reverb, still means that the event was accepted.
func decodeAccepted[T any](body []byte, v *T) error {
	body = bytes.TrimSpace(body)
	if !IsAccepted(body) {
		return fmt.Errorf("the body is %s", quote(body))
	}
	if json.Unmarshal(body, v) != nil {
		*v = *new(T)
	}
	return nil
}

func decodeChannelList(body []byte, list *gen.ChannelList) error {
	// Growing the map step by step is a fifth of the time of decoding. An empty list is
	// decoded again, because json leaves the map unchanged if there is none in the body.
	list.Channels = make(map[string]gen.ChannelCounts, entries(body))
	if err := json.Unmarshal(body, list); err == nil && len(list.Channels) > 0 {
		return nil
	}
	return decodeNormalized(body, list, channelList)
}

// entries estimates the number of entries of a list of objects. It is limited, because
// the body has not been validated.
func entries(body []byte) int { return min(bytes.Count(body, []byte("{")), 100_000) }

func decodeChannelInfo(body []byte, info *gen.ChannelInfo) error {
	var decoded struct {
		gen.ChannelInfo
		Occupied *bool `json:"occupied"`
	}
	err := json.Unmarshal(body, &decoded)
	if err == nil && decoded.Occupied != nil && (decoded.Cache == nil || decoded.Cache.Data != "") {
		*info = decoded.ChannelInfo
		info.Occupied = *decoded.Occupied
		return nil
	}
	return decodeNormalized(body, info, channelInfo)
}

func decodeChannelUserList(body []byte, list *gen.ChannelUserList) error {
	list.Users = make([]gen.ChannelUser, 0, entries(body))
	if err := json.Unmarshal(body, list); err == nil && len(list.Users) > 0 && !slices.Contains(list.Users, gen.ChannelUser{}) {
		return nil
	}
	return decodeNormalized(body, list, channelUserList)
}

// decodeNormalized decodes a body that does not conform to openapi.yaml.
func decodeNormalized[T any](body []byte, v *T, normalize func([]byte) ([]byte, error)) error {
	*v = *new(T)
	normal, err := normalize(body)
	if err != nil {
		return err
	}
	return json.Unmarshal(normal, v)
}

// channelList replaces the empty arrays of servers whose language has no other empty
// object: for all channels (PHP) and for one channel (Poxa).
func channelList(body []byte) ([]byte, error) {
	response, err := objectWith(body, "channels")
	if err != nil {
		return nil, err
	}
	channels := map[string]json.RawMessage{}
	if raw := response["channels"]; !isEmptyArray(raw) && string(raw) != "null" {
		if err := json.Unmarshal(raw, &channels); err != nil {
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
	if data == nil {
		return nil, fmt.Errorf(`"cache" has no "data": %s`, quote(raw))
	}
	if data[0] == '"' {
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

func isEmptyArray(raw []byte) bool { return string(bytes.Join(bytes.Fields(raw), nil)) == "[]" }

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
