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

// readBody returns the body if it has at most limit bytes.
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

// withBody returns a copy of r with the given body.
func withBody(r *http.Request, body []byte) *http.Request {
	r = r.WithContext(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = nil // the validation would prefer it to Body
	r.ContentLength = int64(len(body))
	return r
}

func isAuthParameter(key string, _ []string) bool { return signing.IsAuthParameter(key) }

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

// normalize returns r in the form that the OpenAPI document describes: with the
// parameters of a POST in a JSON body. Query is modified.
//
// Pusher's documentation only recommends a JSON body and its content type.
func (op *operation) normalize(r *http.Request, query url.Values, body []byte, params map[string]any) (*http.Request, error) {
	header := r.Header
	if params != nil {
		if len(body) > 0 || len(query) > 0 {
			var err error
			if body, err = json.Marshal(params); err != nil {
				return nil, err
			}
		}
		header = header.Clone()
		header.Set("Content-Type", "application/json")
	}
	if query.Get("info") == "" {
		query.Del("info")
	}
	u := *r.URL
	u.RawQuery = query.Encode()
	r = withBody(r, body)
	r.URL, r.Header = &u, header
	return r, nil
}

// decodeParams returns the parameters of a POST, and nil for a GET. Those of the body
// take precedence over those of the query. An empty info or socket_id, which SDKs of
// some languages send, counts as missing.
func (op *operation) decodeParams(query url.Values, body []byte) (map[string]any, error) {
	if op.route.Operation.RequestBody == nil {
		return nil, nil
	}
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
			params[name] = toAny(values)
		}
	}
	dropEmpty(params)
	return params, nil
}

// dropEmpty deletes an empty info and socket_id of an event, or of all events of a
// batch.
func dropEmpty(params map[string]any) {
	for _, name := range []string{"info", "socket_id"} {
		if params[name] == "" {
			delete(params, name)
		}
	}
	batch, _ := params["batch"].([]any)
	for _, event := range batch {
		if event, ok := event.(map[string]any); ok {
			dropEmpty(event)
		}
	}
}

func toAny(values []string) []any {
	list := make([]any, len(values))
	for i, value := range values {
		list[i] = value
	}
	return list
}
