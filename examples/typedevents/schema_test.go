package main

import (
	"os"
	"testing"
)

// The schema in the repository, from which the TypeScript types are generated, is that
// of the Go types.
func TestEventsSchema(t *testing.T) {
	got, err := eventsSchema()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("web/events.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("web/events.schema.json is outdated, run: go run . > web/events.schema.json\nschema of the Go types:\n%s", got)
	}
}
