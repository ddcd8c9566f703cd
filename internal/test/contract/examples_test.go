package contract_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// minExamples is slightly less than the number of examples in the document, so that
// the tests fail if they no longer find the examples.
const minExamples = 120

// A documented is a part of the document that has a schema and can have examples.
type documented struct {
	path     string
	schema   *openapi3.SchemaRef
	examples map[string]any
	inner    bool // a schema within another one, whose examples show both
	error    bool // a schema of an error, whose examples belong to its responses
}

func TestExamples(t *testing.T) {
	count := 0
	for _, part := range documentedParts(t, load(t)) {
		switch {
		case part.error && len(part.examples) > 0:
			t.Errorf("%s has an example: move it to the responses, because mock servers prefer it to theirs, whatever the status", part.path)
		case !part.error && !part.inner && len(part.examples) == 0:
			t.Errorf("%s has no example", part.path)
		}
		for name, value := range part.examples {
			count++
			if err := validate(t, part.schema, value); err != nil {
				t.Errorf("%s: example %s does not conform to its schema: %v", part.path, name, err)
			}
		}
	}
	if count < minExamples {
		t.Errorf("found %d examples, want at least %d", count, minExamples)
	}
}

// documentedParts returns every part of the document that can have an example, each
// once: shared components are not repeated for the operations that refer to them.
func documentedParts(t *testing.T, doc *openapi3.T) []documented {
	t.Helper()
	var found []documented
	content := func(path string, content openapi3.Content) {
		for mediaType, m := range content {
			found = append(found, documented{path: path + " " + mediaType, schema: m.Schema, examples: allExamples(m.Example, m.Examples)})
		}
	}
	parameter := func(path string, p *openapi3.Parameter) {
		found = append(found, documented{path: path, schema: p.Schema, examples: allExamples(p.Example, p.Examples)})
	}
	response := func(path string, r *openapi3.Response) {
		content(path, r.Content)
		for name, header := range r.Headers {
			if header.Ref == "" {
				parameter(path+" header "+name, &header.Value.Parameter)
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
				path := method + " " + path
				if op.RequestBody != nil {
					content(path+" request", op.RequestBody.Value.Content)
				}
				for status, r := range op.Responses.Map() {
					if r.Ref == "" {
						response(path+" "+status, r.Value)
					}
				}
			}
		}
	}
	err := doc.WalkParameters(func(path string, p *openapi3.ParameterRef) error {
		parameter(path, p.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	isError := map[*openapi3.Schema]bool{}
	for _, r := range doc.Components.Responses { // all of them are errors
		for _, m := range r.Value.Content {
			isError[m.Schema.Value] = true
		}
	}
	components := map[*openapi3.Schema]bool{}
	for _, schema := range doc.Components.Schemas {
		components[schema.Value] = true
	}
	err = doc.WalkSchemas(func(path string, schema *openapi3.SchemaRef) error {
		examples := map[string]any{}
		for i, value := range schema.Value.Examples {
			examples[strconv.Itoa(i)] = value
		}
		found = append(found, documented{path: path, schema: schema, examples: examples, inner: !components[schema.Value], error: isError[schema.Value]})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func allExamples(one any, named openapi3.Examples) map[string]any {
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
