package contract_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// fewestExamples is somewhat below what the document holds, so that a walk that
// no longer finds them fails.
const fewestExamples = 80

// holder is a place of the document that holds examples of a schema.
type holder struct {
	at       string
	schema   *openapi3.SchemaRef
	examples map[string]any
	optional bool // an inner schema: shown by the examples of the schema around it
}

func TestEveryMediaTypeParameterHeaderAndSchemaHasAnExample(t *testing.T) {
	for _, h := range holders(t, load(t)) {
		if len(h.examples) == 0 && !h.optional {
			t.Errorf("%s has no example", h.at)
		}
	}
}

func TestEveryExampleConformsToItsSchema(t *testing.T) {
	checked := 0
	for _, h := range holders(t, load(t)) {
		for name, value := range h.examples {
			checked++
			if err := refusal(t, h.schema, value); err != nil {
				t.Errorf("%s: example %s: %v, want it to conform", h.at, name, err)
			}
		}
	}
	t.Logf("%d examples checked", checked)
	if checked < fewestExamples {
		t.Errorf("%d examples checked, want at least %d", checked, fewestExamples)
	}
}

// holders lists every place that can hold an example, each once: shared
// components under their own name, not under each operation that refers to them.
func holders(t *testing.T, doc *openapi3.T) []holder {
	t.Helper()
	var found []holder
	content := func(at string, content openapi3.Content) {
		for mediaType, m := range content {
			found = append(found, holder{at: at + " " + mediaType, schema: m.Schema, examples: together(m.Example, m.Examples)})
		}
	}
	parameter := func(at string, p *openapi3.Parameter) {
		found = append(found, holder{at: at, schema: p.Schema, examples: together(p.Example, p.Examples)})
	}
	response := func(at string, r *openapi3.Response) {
		content(at, r.Content)
		for name, header := range r.Headers {
			if header.Ref == "" {
				parameter(at+" header "+name, &header.Value.Parameter)
			}
		}
	}

	for name, header := range doc.Components.Headers {
		parameter("header "+name, &header.Value.Parameter)
	}
	for name, r := range doc.Components.Responses {
		response("response "+name, r.Value)
	}
	for _, items := range []map[string]*openapi3.PathItem{doc.Paths.Map(), doc.Webhooks} {
		for path, item := range items {
			for method, op := range item.Operations() {
				at := method + " " + path
				if op.RequestBody != nil {
					content(at+" request", op.RequestBody.Value.Content)
				}
				for status, r := range op.Responses.Map() {
					if r.Ref == "" {
						response(at+" "+status, r.Value)
					}
				}
			}
		}
	}
	err := doc.WalkParameters(func(at string, p *openapi3.ParameterRef) error {
		parameter(at, p.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	components := map[*openapi3.Schema]bool{}
	for _, schema := range doc.Components.Schemas {
		components[schema.Value] = true
	}
	err = doc.WalkSchemas(func(at string, schema *openapi3.SchemaRef) error {
		examples := map[string]any{}
		for i, value := range schema.Value.Examples {
			examples[strconv.Itoa(i)] = value
		}
		found = append(found, holder{at: at, schema: schema, examples: examples, optional: !components[schema.Value]})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func together(one any, named openapi3.Examples) map[string]any {
	all := map[string]any{}
	if one != nil {
		all["example"] = one
	}
	for name, example := range named {
		all[name] = example.Value.Value
	}
	return all
}

func sortedKeys[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }
