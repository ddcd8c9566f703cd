package main

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/openchannels/pusher-go/examples/typedevents/events"
	"github.com/openchannels/pusher-go/pusher"
)

// eventsSchema returns the JSON Schema of an object with the data of each event under
// the event's name.
func eventsSchema() ([]byte, error) {
	reflector := &jsonschema.Reflector{Anonymous: true, DoNotReference: true}
	// The comments of the Go types become those of the TypeScript types.
	if err := reflector.AddGoComments("github.com/openchannels/pusher-go/examples/typedevents", "./events"); err != nil {
		return nil, err
	}
	all := &jsonschema.Schema{
		Version:              jsonschema.Version,
		Title:                "Events",
		Description:          "The data of each event by its name.",
		Type:                 "object",
		Properties:           jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema,
	}
	add(all, reflector, events.PriceChanged)
	add(all, reflector, events.ClientTyping)
	return json.MarshalIndent(all, "", "  ")
}

func add[T any](all *jsonschema.Schema, reflector *jsonschema.Reflector, event pusher.EventType[T]) {
	data := reflector.Reflect(new(T))
	data.Version = ""                        // all has it
	data.Title = reflect.TypeFor[T]().Name() // the name of the TypeScript type
	all.Properties.Set(event.Name(), data)
	all.Required = append(all.Required, event.Name())
}
