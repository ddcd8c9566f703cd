package pushertest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/openchannels/pusher-go/internal/server"
)

// An operation is an operation of the OpenAPI document.
type operation struct {
	id    string // as in the embedded document, "TriggerEvent"
	route *routers.Route
	// query has the allowed query parameters except those for authentication.
	// TriggerEvent also accepts the parameters of its body there.
	query map[string]bool
}

// contract returns the operations by the pattern that the generated server registers,
// such as "POST /apps/{app_id}/events". Parsing the document takes milliseconds, so all
// servers of a process share the result.
var contract = sync.OnceValue(func() map[string]*operation {
	doc, err := server.GetSpec()
	if err != nil {
		panic(fmt.Errorf("pushertest: the embedded OpenAPI document: %w", err))
	}
	// For version 3.1 openapi3filter compiles the schema of the body for every
	// request, which takes 200 times as long as validating it. Its validator for
	// 3.0 does not, and supports everything that the request schemas use except the
	// choice between channel and channels, which rules.trigger checks.
	doc.OpenAPI = "3.0.3"

	operations := make(map[string]*operation)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			operations[method+" "+path] = &operation{
				id:    op.OperationID,
				route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op},
				query: queryOf(doc, op),
			}
		}
	}
	return operations
})

func queryOf(doc *openapi3.T, op *openapi3.Operation) map[string]bool {
	query := make(map[string]bool)
	for _, parameter := range op.Parameters {
		if parameter.Value.In == openapi3.ParameterInQuery {
			query[parameter.Value.Name] = true
		}
	}
	if op.OperationID == "TriggerEvent" {
		for name, property := range doc.Components.Schemas["TriggerRequest"].Value.Properties {
			if property.Value.Type.Is(openapi3.TypeArray) {
				name += "[]"
			}
			query[name] = true
		}
	}
	return query
}

// validate validates a request against the document. It may replace the body by a
// copy.
func (op *operation) validate(r *http.Request) error {
	err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: op.pathParams(r),
		Route:      op.route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc, // done by signing.Verify
			SkipSettingDefaults: true,
		},
	})
	if err != nil {
		return invalid(err)
	}
	return nil
}

// invalid names the parameter that breaks the document, and the rule, without the
// schema and the value, which openapi3filter would print.
func invalid(err error) error {
	var request *openapi3filter.RequestError
	var schema *openapi3.SchemaError
	if !errors.As(err, &request) || !errors.As(err, &schema) {
		return badRequest(textInvalidBody, err)
	}
	name := parameterName(schema.JSONPointer())
	if request.Parameter != nil {
		name = request.Parameter.Name
	}
	if name == "" {
		return badRequest(textInvalidBody, schema.Reason)
	}
	return badRequest(textInvalid, name, schema.Reason)
}

// parameterName returns "batch[0].name" for the path batch, 0, name.
func parameterName(path []string) string {
	var name strings.Builder
	for i, part := range path {
		switch _, err := strconv.Atoi(part); {
		case err == nil:
			part = "[" + part + "]"
		case i > 0:
			part = "." + part
		}
		name.WriteString(part)
	}
	return name.String()
}

func (op *operation) pathParams(r *http.Request) map[string]string {
	values := make(map[string]string)
	for segment := range strings.SplitSeq(op.route.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			values[name] = r.PathValue(name)
		}
	}
	return values
}
