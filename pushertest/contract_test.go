package pushertest

import (
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Requests are validated as if the document had version 3.0. That is correct as long as
// their schemas use no newer keywords, except for the one choice that rules.trigger
// checks.
func TestContract_OpenAPI30(t *testing.T) {
	checked := 0
	for pattern, op := range contract() {
		schemas := openapi3.Schemas{}
		for _, parameter := range slices.Concat(op.route.PathItem.Parameters, op.route.Operation.Parameters) {
			schemas[parameter.Value.Name] = parameter.Value.Schema
		}
		if body := op.route.Operation.RequestBody; body != nil {
			schemas["body"] = body.Value.Content.Get("application/json").Schema
		}
		for name, root := range schemas {
			err := root.WalkSubtree(func(at string, ref *openapi3.SchemaRef) error {
				checked++
				if isChoice := op.id == "TriggerEvent" && ref == root; !isChoice && isNewerThan30(ref.Value) {
					t.Errorf("%s: %s%s uses keywords that version 3.0 does not have", pattern, name, at)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no schema was checked")
	}
}

func isNewerThan30(s *openapi3.Schema) bool {
	types := 0
	if s.Type != nil {
		types = len(*s.Type)
	}
	return types > 1 || s.Type.Is("null") || s.Const != nil || s.If != nil || s.Then != nil || s.Else != nil ||
		s.PrefixItems != nil || s.Contains != nil || s.PatternProperties != nil || s.PropertyNames != nil ||
		s.DependentRequired != nil || s.DependentSchemas != nil ||
		s.ExclusiveMin.Value != nil || s.ExclusiveMax.Value != nil ||
		s.UnevaluatedItems.Has != nil || s.UnevaluatedItems.Schema != nil ||
		s.UnevaluatedProperties.Has != nil || s.UnevaluatedProperties.Schema != nil
}

func TestRules_EveryOperation(t *testing.T) {
	operations := contract()
	if len(operations) == 0 {
		t.Fatal("the document has no operations")
	}
	for pattern, op := range operations {
		err := rules{}.check(op.id, "presence-c", nil, nil)
		if e, ok := err.(*apiError); ok && e.text == badRequest(textUnknownOp, op.id).(*apiError).text {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	if err := (rules{}).check("Unknown", "", nil, nil); err == nil {
		t.Error("check of an unknown operation = nil, want an error")
	}
}
