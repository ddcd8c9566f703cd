package contract_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// sample returns a value that conforms to the schema and has all of its properties.
// Numbers and texts without constraints differ from those of every other property,
// so that a test can find them again. The path names the value.
func sample(t *testing.T, schema *openapi3.SchemaRef, path string) any {
	t.Helper()
	s := schema.Value
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return sample(t, s.OneOf[0], path)
	case len(s.AnyOf) > 0:
		return sample(t, s.AnyOf[0], path)
	case s.Type.Is(openapi3.TypeObject) && s.AdditionalProperties.Schema != nil:
		return map[string]any{"presence-sample": sample(t, s.AdditionalProperties.Schema, path+".*")}
	case s.Type.Is(openapi3.TypeObject):
		object := map[string]any{}
		for name, property := range s.Properties {
			object[name] = sample(t, property, path+"."+name)
		}
		return object
	case s.Type.Is(openapi3.TypeArray):
		return []any{sample(t, s.Items, path+"[]")}
	case s.Type.Is(openapi3.TypeBoolean):
		return true
	case s.Type.Is(openapi3.TypeInteger), s.Type.Is(openapi3.TypeNumber):
		return float64(number(path))
	case s.Format == "date-time":
		return time.UnixMilli(number(path)).UTC().Format(time.RFC3339Nano)
	case s.Type.Is(openapi3.TypeString):
		for _, value := range []any{"sample of " + path, fmt.Sprintf("1.%d", number(path))} {
			if validate(t, schema, value) == nil {
				return value
			}
		}
		if len(s.Examples) > 0 {
			return s.Examples[0]
		}
	}
	t.Fatalf("no sample value for %s: give its schema an example", path)
	return nil
}

// A property with the format date-time arrives as a time.Time.
func TestSample_DateTime(t *testing.T) {
	value := sample(t, openapi3.NewDateTimeSchema().NewRef(), "since")
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	if !contains(reflect.ValueOf(struct{ Since *time.Time }{&at}), value) {
		t.Errorf("contains does not find %v in a field of type *time.Time", value)
	}
}

// number returns a number in the range of a Unix time in milliseconds.
func number(path string) int64 {
	n := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for _, c := range path {
		n += int64(c)
		n += n % 1009
	}
	return n
}

// leaves calls visit for every value in a sample that is neither object nor array.
// Its path has "*" for the keys of maps and "[]" for the elements of arrays.
func leaves(value any, path string, visit func(path string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if name == "presence-sample" {
				name = "*"
			}
			leaves(v, strings.TrimPrefix(path+"."+name, "."), visit)
		}
	case []any:
		for _, v := range value {
			leaves(v, path+"[]", visit)
		}
	default:
		visit(path, value)
	}
}

// contains reports whether a Go value has an exported field, or an element, that is
// equal to the value of a sample.
func contains(in reflect.Value, want any) bool {
	if !in.IsValid() {
		return false
	}
	if at, ok := in.Interface().(time.Time); ok { // Unix milliseconds, or the format date-time
		return float64(at.UnixMilli()) == want || at.UTC().Format(time.RFC3339Nano) == want
	}
	switch in.Kind() {
	case reflect.Pointer, reflect.Interface:
		return contains(in.Elem(), want)
	case reflect.Struct:
		for i := range in.NumField() {
			if in.Type().Field(i).IsExported() && contains(in.Field(i), want) {
				return true
			}
		}
		return false
	case reflect.Slice:
		for i := range in.Len() {
			if contains(in.Index(i), want) {
				return true
			}
		}
		return false
	case reflect.Map:
		for iter := in.MapRange(); iter.Next(); {
			if contains(iter.Value(), want) {
				return true
			}
		}
		return false
	case reflect.String:
		return in.String() == want
	case reflect.Bool:
		return in.Bool() == want
	case reflect.Int, reflect.Int64:
		return float64(in.Int()) == want
	case reflect.Float64:
		return in.Float() == want
	default:
		return false
	}
}

// compareNames reports names that are only in one of two sets. The messages have one
// %q for the name.
func compareNames[A, B any](t *testing.T, described map[string]A, found map[string]B, missing, extra string) {
	t.Helper()
	for _, name := range sortedKeys(described) {
		if _, ok := found[name]; !ok {
			t.Errorf(missing, name)
		}
	}
	for _, name := range sortedKeys(found) {
		if _, ok := described[name]; !ok {
			t.Errorf(extra, name)
		}
	}
}

func mediaType(t *testing.T, content openapi3.Content, name string) *openapi3.MediaType {
	t.Helper()
	media := content[name]
	if media == nil {
		t.Fatalf("the document has no %s here: %v", name, sortedKeys(content))
	}
	return media
}

// exampleOf returns an example of a body that is an object, or one of its property.
func exampleOf(t *testing.T, media *openapi3.MediaType) map[string]any {
	t.Helper()
	examples := allExamples(media.Example, media.Examples)
	for _, name := range sortedKeys(examples) {
		if object, ok := asJSON(t, examples[name]).(map[string]any); ok {
			return object
		}
	}
	t.Fatal("the request has no example that is an object")
	return nil
}
