package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxBodyBytes leaves room for an app's own fields beside the two short ones.
const maxBodyBytes = 16 << 10

// one returns the value of a field that is given exactly once. What is given
// twice could be read one way here and another way by a proxy or by the app; the
// empty string stands for it, which no check lets pass.
func one(fields url.Values, name string) string {
	if values := fields[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// read returns the request's fields and, for JSONP, the callback's name.
func (e *endpoint) read(w http.ResponseWriter, r *http.Request) (url.Values, string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, "", refuse(http.StatusBadRequest, fmt.Errorf("query: %w", err))
	}
	switch {
	case r.Method == http.MethodPost:
		body, err := readBody(w, r)
		if err != nil {
			return nil, "", err
		}
		if query.Has("socket_id") || query.Has("channel_name") {
			return nil, "", refuse(http.StatusBadRequest, errors.New("query has a field that belongs in the body"))
		}
		return body, "", nil
	case r.Method == http.MethodGet && e.jsonp:
		callback := one(query, "callback")
		if err := checkCallback(callback); err != nil {
			return nil, "", refuse(http.StatusBadRequest, err)
		}
		return query, callback, nil
	default:
		return nil, "", refuse(http.StatusMethodNotAllowed, fmt.Errorf("method %s", r.Method))
	}
}

func (e *endpoint) methods() string {
	if e.jsonp {
		return "GET, POST"
	}
	return "POST"
}

func readBody(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, refuse(http.StatusUnsupportedMediaType, fmt.Errorf("content type: %w", err))
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, refuseBody(err)
		}
		return r.PostForm, nil
	case "application/json":
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, refuseBody(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		body, err := parseObject(text)
		if err != nil {
			return nil, refuseBody(err)
		}
		return body, nil
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, fmt.Errorf("content type %q", kind))
	}
}

func refuseBody(err error) error {
	status := http.StatusBadRequest
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	return refuse(status, fmt.Errorf("body: %w", err))
}

// parseObject returns the members of a JSON object, each as often as it is given,
// which a map or struct would not tell. A value that is no string counts as an
// empty one.
func parseObject(text []byte) (url.Values, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	object := make(url.Values)
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		str, _ := value.(string)
		object.Add(name.(string), str)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("text after the JSON object")
	}
	return object, nil
}
