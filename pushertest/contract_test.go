package pushertest

import (
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// The requests are checked as if the document were of version 3.0. That is right
// as long as their schemas use nothing newer, but for the one choice that the
// rules check.
func TestRequestSchemasUseNothingNewerThan30(t *testing.T) {
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
		t.Fatal("no schema was looked at")
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

func TestEveryOperationHasRules(t *testing.T) {
	operations := contract()
	if len(operations) == 0 {
		t.Fatal("the document has no operations")
	}
	for pattern, op := range operations {
		err := rules{}.check(op.id, "presence-c", nil, nil)
		if refused, ok := err.(*refusal); ok && refused.text == badRequest(textNoRules, op.id).(*refusal).text {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	if err := (rules{}).check("Unknown", "", nil, nil); err == nil {
		t.Error("check of an unknown operation = nil, want an error")
	}
}
