package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// payload is the body, with its events as wire events or as raw JSON.
type payload[E any] struct {
	TimeMS whole `json:"time_ms"`
	Events []E   `json:"events"`
}

// decode reads a verified body. A body of known events, and that is what Pusher
// sends, takes one pass. Anything else is read again, event by event, because an
// event of an unknown name may give any member any shape.
func decode(body []byte) (*Webhook, error) {
	hook, err := decodeAs(body, func(wire wireEvent) (Event, error) { return wire.typed() })
	if err != nil {
		hook, err = decodeAs(body, typedOrUnknown)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return hook, nil
}

func decodeAs[E any](body []byte, event func(E) (Event, error)) (*Webhook, error) {
	var p payload[E]
	if err := unmarshal(body, &p); err != nil {
		return nil, err
	}
	if p.Events == nil {
		return nil, errors.New("events is missing or null")
	}
	created, err := p.TimeMS.time()
	if err != nil {
		return nil, err
	}
	hook := &Webhook{Time: created, Events: make([]Event, len(p.Events))}
	for i := range p.Events {
		if hook.Events[i], err = event(p.Events[i]); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	return hook, nil
}

func typedOrUnknown(raw json.RawMessage) (Event, error) {
	var head struct {
		Name string `json:"name"`
	}
	if err := unmarshal(raw, &head); err != nil {
		return nil, err
	}
	if head.Name == "" {
		return nil, errors.New("it has no name")
	}
	var wire wireEvent
	misfit := unmarshal(raw, &wire)
	wire.Name = head.Name // which the misfit may have left out
	event, err := wire.typed()
	switch {
	case errors.Is(err, errUnknownName):
		return Unknown{Name: head.Name, Raw: raw}, nil
	case misfit != nil:
		return nil, misfit
	}
	return event, err
}

// unmarshal names the members of the body in its errors, and not the Go types
// that they were meant for.
func unmarshal(data []byte, value any) error {
	err := json.Unmarshal(data, value)
	if err == nil {
		return nil
	}
	var misfit *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &misfit):
		return err
	case misfit.Field == "":
		return fmt.Errorf("unexpected %s", misfit.Value)
	}
	return fmt.Errorf("%s: unexpected %s", misfit.Field, misfit.Value)
}

const (
	// firstTimeMS tells milliseconds from the seconds that some compatible servers
	// send: it is in the year 1973 as the former, in 5138 as the latter.
	firstTimeMS = 100_000_000_000

	// lastTimeMS is the end of the year 9999, the last that RFC 3339 can write.
	lastTimeMS = 253_402_300_799_999
)

func (w whole) time() (time.Time, error) {
	ms := w.value
	if ms < firstTimeMS {
		ms *= 1000
	}
	switch {
	case !w.given:
		return time.Time{}, errors.New("time_ms is missing or null")
	case ms == 0 || ms > lastTimeMS:
		return time.Time{}, fmt.Errorf("time_ms is %d, which is no time", w.value)
	}
	return time.UnixMilli(int64(ms)).UTC(), nil
}

// wireEvent has the members of all known events.
type wireEvent struct {
	Name              string `json:"name"`
	Channel           string `json:"channel"`
	Event             string `json:"event"`
	Data              text   `json:"data"`
	SocketID          string `json:"socket_id"`
	UserID            text   `json:"user_id"`
	SubscriptionCount whole  `json:"subscription_count"`
}

var errUnknownName = errors.New("unknown name")

func (e *wireEvent) typed() (Event, error) {
	var event Event
	var lacks string
	switch e.Name {
	case "channel_occupied":
		event = ChannelOccupied{Channel: e.Channel}
	case "channel_vacated":
		event = ChannelVacated{Channel: e.Channel}
	case "cache_miss":
		event = CacheMiss{Channel: e.Channel}
	case "member_added":
		event = MemberAdded{Channel: e.Channel, UserID: string(e.UserID)}
		lacks = unless(e.UserID != "", "user_id")
	case "member_removed":
		event = MemberRemoved{Channel: e.Channel, UserID: string(e.UserID)}
		lacks = unless(e.UserID != "", "user_id")
	case "client_event":
		event = ClientEvent{
			Channel:  e.Channel,
			Event:    e.Event,
			Data:     string(e.Data),
			SocketID: e.SocketID,
			UserID:   string(e.UserID),
		}
		lacks = unless(e.Event != "", "event")
	case "subscription_count":
		count := e.SubscriptionCount
		event = SubscriptionCount{Channel: e.Channel, Count: int(count.value)}
		lacks = unless(count.given && count.value <= math.MaxInt, "subscription_count")
	default:
		return nil, errUnknownName
	}
	if e.Channel == "" {
		lacks = "channel"
	}
	if lacks != "" {
		return nil, fmt.Errorf("%s has no usable %s", e.Name, lacks)
	}
	return event, nil
}

func unless(ok bool, member string) string {
	if ok {
		return ""
	}
	return member
}
