// Package events defines the events of the shop, for the program that publishes them,
// the handler that receives them, their tests, and the browser.
package events

import (
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

var (
	// PriceChanged is published on the channel "prices".
	PriceChanged = pusher.DefineEvent[Price]("price-changed")
	// ClientTyping is sent by browsers on the channel of a chat.
	ClientTyping = pusher.DefineEvent[Typing]("client-typing")
)

// Price is the price of a product.
type Price struct {
	Product string `json:"product"`
	// Cents is the price in euro cents.
	Cents int `json:"cents" jsonschema:"minimum=0"`
	// Until is when the price ends; it is missing if that is unknown.
	Until *time.Time `json:"until,omitempty"`
}

// Typing reports whether a user is writing a message.
type Typing struct {
	On bool `json:"on"`
}
