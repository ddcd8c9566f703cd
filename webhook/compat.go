package webhook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// decodeTolerant decodes event by event, because an event of an unknown name may
// have properties of any type. It also accepts what compatible servers send:
// client event data that is not a string, and strings for numbers or vice versa.
func decodeTolerant(body []byte) (*Webhook, error) {
	var p struct {
		TimeMS *number           `json:"time_ms"`
		Events []json.RawMessage `json:"events"`
	}
	if err := unmarshal(body, &p); err != nil {
		return nil, err
	}
	if p.Events == nil {
		return nil, errNoEvents
	}
	if p.TimeMS == nil {
		return nil, errors.New("time_ms is missing or null")
	}
	created, err := timeOf(int64(*p.TimeMS))
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(p.Events))
	for i, raw := range p.Events {
		if events[i], err = decodeEvent(raw); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	return &Webhook{Time: created, Events: events}, nil
}

// decodeEvent returns the typed event in raw, or Unknown.
func decodeEvent(raw json.RawMessage) (Event, error) {
	var named struct {
		Name string `json:"name"`
	}
	if err := unmarshal(raw, &named); err != nil {
		return nil, err
	}
	if named.Name == "" {
		return nil, errors.New("name is missing or empty")
	}
	var tolerant tolerantProperties
	typeErr := unmarshal(raw, &tolerant)
	if typeErr != nil {
		// Unexpected types are an error only if the name is known.
		tolerant = tolerantProperties{Name: named.Name}
	}
	event, err := tolerant.properties().event()
	if errors.Is(err, errUnknownName) {
		return Unknown{Name: named.Name, Raw: raw}, nil
	}
	return event, cmp.Or(typeErr, err)
}

// tolerantProperties are properties with types that accept more than documented.
type tolerantProperties struct {
	Name              string  `json:"name"`
	Channel           string  `json:"channel"`
	Event             string  `json:"event"`
	Data              text    `json:"data"`
	SocketID          string  `json:"socket_id"`
	UserID            text    `json:"user_id"`
	SubscriptionCount *number `json:"subscription_count"`
}

func (t tolerantProperties) properties() *properties {
	return &properties{
		Name:              t.Name,
		Channel:           t.Channel,
		Event:             t.Event,
		Data:              string(t.Data),
		SocketID:          t.SocketID,
		UserID:            string(t.UserID),
		SubscriptionCount: (*int64)(t.SubscriptionCount),
	}
}

// text is a string, or the JSON text of any other value: soketi sends the data of
// a client event as an object and a user ID as a number. null is the empty string.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, (*string)(t))
	}
	if string(data) != "null" {
		*t = text(data)
	}
	return nil
}

// number is a whole number without sign, fraction or exponent, quoted or not:
// Slanger sends time_ms as a string.
type number int64

func (n *number) UnmarshalJSON(data []byte) error {
	digits := data
	if data[0] == '"' {
		digits = data[1 : len(data)-1]
	}
	value, err := strconv.ParseUint(string(digits), 10, 63)
	if err != nil {
		// encoding/json adds the property's name to an error of this type.
		return &json.UnmarshalTypeError{Value: "value (want a whole number)", Type: reflect.TypeFor[number]()}
	}
	*n = number(value)
	return nil
}

// unmarshal is json.Unmarshal with errors that name the properties of the body
// rather than Go types.
func unmarshal(data []byte, value any) error {
	err := json.Unmarshal(data, value)
	var typeErr *json.UnmarshalTypeError
	if !errors.As(err, &typeErr) {
		return err
	}
	if typeErr.Field == "" {
		return fmt.Errorf("unexpected %s", typeErr.Value)
	}
	return fmt.Errorf("%s: unexpected %s", typeErr.Field, typeErr.Value)
}
