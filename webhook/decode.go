package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// decode returns the webhook in a verified body. A body as documented by Pusher is
// decoded in one pass. Anything else, such as an unknown event or the deviating
// types of a compatible server, is decoded again by decodeTolerant, which also
// returns the precise error.
func decode(body []byte) (*Webhook, error) {
	var p payload
	if json.Unmarshal(body, &p) == nil {
		if hook, err := p.webhook(); err == nil {
			return hook, nil
		}
	}
	hook, err := decodeTolerant(body)
	if err != nil {
		return nil, newError(ErrMalformed, err)
	}
	return hook, nil
}

// payload is the body of a webhook as documented. Its types have no UnmarshalJSON
// methods, with which encoding/json would scan the values twice.
type payload struct {
	TimeMS int64        `json:"time_ms"`
	Events []properties `json:"events"`
}

// properties are the properties of all known events.
type properties struct {
	Name              string `json:"name"`
	Channel           string `json:"channel"`
	Event             string `json:"event"`
	Data              string `json:"data"`
	SocketID          string `json:"socket_id"`
	UserID            string `json:"user_id"`
	SubscriptionCount *int64 `json:"subscription_count"` // nil if missing
}

func (p *payload) webhook() (*Webhook, error) {
	if p.Events == nil {
		return nil, errNoEvents
	}
	created, err := timeOf(p.TimeMS)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(p.Events))
	for i := range p.Events {
		if events[i], err = p.Events[i].event(); err != nil {
			return nil, err
		}
	}
	return &Webhook{Time: created, Events: events}, nil
}

const (
	// minTimeMS separates milliseconds from the seconds that some compatible
	// servers send: it is in the year 1973 as milliseconds, in 5138 as seconds.
	minTimeMS = 100_000_000_000

	// maxTimeMS is the end of the year 9999, the last that RFC 3339 can express.
	maxTimeMS = 253_402_300_799_999
)

func timeOf(timeMS int64) (time.Time, error) {
	if timeMS <= 0 || timeMS > maxTimeMS {
		return time.Time{}, fmt.Errorf("time_ms is out of range: %d", timeMS)
	}
	if timeMS < minTimeMS {
		timeMS *= 1000
	}
	return time.UnixMilli(timeMS).UTC(), nil
}

var (
	errNoEvents    = errors.New("events is missing or null")
	errUnknownName = errors.New("unknown event name")
)

// event returns the typed event, errUnknownName, or an error that names a required
// property that is missing.
func (p *properties) event() (Event, error) {
	var event Event
	switch p.Name {
	case channelOccupied:
		event = ChannelOccupied{Channel: p.Channel}
	case channelVacated:
		event = ChannelVacated{Channel: p.Channel}
	case cacheMiss:
		event = CacheMiss{Channel: p.Channel}
	case memberAdded:
		if p.UserID == "" {
			return nil, p.missing("user_id")
		}
		event = MemberAdded{Channel: p.Channel, UserID: p.UserID}
	case memberRemoved:
		if p.UserID == "" {
			return nil, p.missing("user_id")
		}
		event = MemberRemoved{Channel: p.Channel, UserID: p.UserID}
	case clientEvent:
		if p.Event == "" {
			return nil, p.missing("event")
		}
		event = p.clientEvent(p.Event)
	case subscriptionCount:
		if p.SubscriptionCount == nil {
			return nil, p.missing("subscription_count")
		}
		if count := *p.SubscriptionCount; count < 0 || count > math.MaxInt {
			return nil, fmt.Errorf("subscription_count is out of range: %d", count)
		}
		event = SubscriptionCount{Channel: p.Channel, Count: int(*p.SubscriptionCount)}
	default:
		// pusher2 sends client events under their own name. An event with properties
		// that ClientEvent has no field for stays Unknown, so that they are not lost.
		if strings.HasPrefix(p.Name, "client-") && p.Channel != "" && p.Event == "" && p.SubscriptionCount == nil {
			return p.clientEvent(p.Name), nil
		}
		return nil, errUnknownName
	}
	if p.Channel == "" {
		return nil, p.missing("channel")
	}
	return event, nil
}

func (p *properties) clientEvent(name string) ClientEvent {
	return ClientEvent{
		Channel:  p.Channel,
		Event:    name,
		Data:     p.Data,
		SocketID: p.SocketID,
		UserID:   p.UserID,
	}
}

func (p *properties) missing(property string) error {
	return fmt.Errorf("%s has no %s", p.Name, property)
}
