package contract_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/internal/server"
	"github.com/openchannels/pusher-go/pusher"
)

// What gen/rest.overlay.yaml repeats for Go is what openapi.yaml has.
func TestOverlay(t *testing.T) {
	doc := load(t)
	spec, err := server.GetSpec()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("attributes", func(t *testing.T) {
		for _, path := range []string{"/apps/{app_id}/channels", "/apps/{app_id}/channels/{channel_name}"} {
			var typed []pusher.Attribute
			for _, value := range spec.Paths.Value(path).Get.Parameters.GetByInAndName("query", "info").Schema.Value.Items.Value.Enum {
				typed = append(typed, pusher.Attribute(fmt.Sprint(value)))
			}
			if want := attributesOf(doc.Paths.Value(path).Get); !slices.Equal(typed, want) {
				t.Errorf("GET %s: in Go, info has the attributes %q, want %q", path, typed, want)
			}
		}
	})

	t.Run("TriggerRequest", func(t *testing.T) {
		merged := component(t, spec, "TriggerRequest").Value.Properties
		described := maps.Clone(component(t, doc, "TriggerToChannels").Value.Properties)
		maps.Copy(described, component(t, doc, "TriggerToChannel").Value.Properties)
		compareNames(t, described, merged,
			"TriggerRequest has no property %q: add it to gen/rest.overlay.yaml",
			"TriggerRequest has the property %q, which openapi.yaml does not describe: remove it from gen/rest.overlay.yaml")
		for name, property := range described {
			if merged[name] != nil && !sameLimits(merged[name].Value, property.Value) {
				t.Errorf("the limits of TriggerRequest.%s differ from those of openapi.yaml: change gen/rest.overlay.yaml", name)
			}
		}
	})
}

func sameLimits(a, b *openapi3.Schema) bool {
	limits := func(s *openapi3.Schema) []any {
		return []any{s.Type, s.MinLength, s.MaxLength, s.Pattern, s.MinItems, s.MaxItems, s.Items == nil}
	}
	return reflect.DeepEqual(limits(a), limits(b))
}
