package control

import (
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed openapi.yaml
var document []byte

// operations returns the operations of the document by the pattern that the generated
// server registers, such as "POST /control/apps". Parsing the document takes milliseconds,
// which a server that nobody controls does not spend.
var operations = sync.OnceValue(func() map[string]*routers.Route {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		panic(fmt.Errorf("control: openapi.yaml: %w", err))
	}
	// For version 3.1 openapi3filter compiles a schema for every request, and its errors
	// are hard to read. The schemas use nothing that differs in version 3.0.
	doc.OpenAPI = "3.0.3"
	doc.Security = nil // the Guard checks the token
	found := make(map[string]*routers.Route)
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			operation.Parameters = append(operation.Parameters, item.Parameters...)
			found[method+" "+path] = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation}
		}
	}
	return found
})

// A validatingMux validates requests before the generated code looks at them, and sets
// the defaults of the document.
type validatingMux struct{ *http.ServeMux }

func (m validatingMux) HandleFunc(pattern string, next func(http.ResponseWriter, *http.Request)) {
	m.ServeMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // a mux passes HEAD to GET; the response to a stream would not end
			writeError(w, r, errNoOperation)
			return
		}
		if err := validate(operations()[pattern], r); err != nil {
			writeError(w, r, err)
			return
		}
		next(w, r)
	})
}

func validate(route *routers.Route, r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	for name := range query {
		if route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("unknown parameter: %.100q", name)
		}
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: map[string]string{"app": r.PathValue("app")},
		Route:      route,
	})
	return shorten(err)
}

// shorten returns an error without the schema and the value, which openapi3filter prints.
func shorten(err error) error {
	var request *openapi3filter.RequestError
	var schema *openapi3.SchemaError
	if !errors.As(err, &request) || !errors.As(err, &schema) {
		return err
	}
	name := strings.Join(append([]string{"body"}, schema.JSONPointer()...), ".")
	if request.Parameter != nil {
		name = request.Parameter.Name
	}
	return fmt.Errorf("%s: %s", name, schema.Reason)
}
