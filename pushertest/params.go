package pushertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openchannels/pusher-go/signing"
)

// readBody returns the whole body, if it has at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var exceeded *http.MaxBytesError
	switch {
	case errors.As(err, &exceeded):
		return nil, tooLarge(textBodyTooLarge, exceeded.Limit)
	case err != nil:
		return nil, badRequest(textBody)
	}
	return body, nil
}

// withBody returns a copy of r with a body that has not been read.
func withBody(r *http.Request, body []byte) *http.Request {
	r = r.WithContext(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = nil // a request made by hand can have one, and the filter would use it
	r.ContentLength = int64(len(body))
	return r
}

func authenticates(key string, _ []string) bool { return signing.IsAuthParameter(key) }

func (op *operation) checkQuery(query url.Values) error {
	var extraneous []string
	for _, key := range slices.Sorted(maps.Keys(query)) {
		if !op.query[key] {
			extraneous = append(extraneous, key)
		}
	}
	if extraneous != nil {
		return badRequest(textExtraneous, strings.Join(extraneous, ", "))
	}
	return nil
}

// unify returns r as the document has it: without the parameters that authenticate
// and with those of a POST in its body, which are returned too.
func (op *operation) unify(r *http.Request, query url.Values, body []byte) (*http.Request, map[string]any, error) {
	var params map[string]any
	isPost := op.route.Operation.RequestBody != nil
	header := r.Header
	if isPost {
		var err error
		if params, err = decode(body, query); err != nil {
			return nil, nil, err
		}
		if len(query) > 0 {
			if body, err = json.Marshal(params); err != nil {
				return nil, nil, err
			}
			header = header.Clone()
			header.Set("Content-Type", "application/json")
		}
	}
	u := *r.URL
	u.RawQuery = query.Encode()
	r = withBody(r, body)
	r.URL, r.Header = &u, header
	return r, params, nil
}

// decode returns the parameters of a POST: those of the body and, where it has
// none of that name, those of the query.
func decode(body []byte, query url.Values) (map[string]any, error) {
	params := make(map[string]any)
	if len(body) > 0 {
		if err := json.Unmarshal(body, &params); err != nil || params == nil {
			return nil, badRequest(textNotObject)
		}
	}
	for key, values := range query {
		name, isArray := strings.CutSuffix(key, "[]")
		if _, ok := params[name]; ok {
			continue
		}
		if params[name] = values[0]; isArray {
			params[name] = anys(values)
		}
	}
	return params, nil
}

func anys(values []string) []any {
	list := make([]any, len(values))
	for i, value := range values {
		list[i] = value
	}
	return list
}
