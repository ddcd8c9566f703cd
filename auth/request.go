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

	"github.com/openchannels/pusher-go/internal/protocol"
)

// maxBodyBytes leaves room for fields of the app and for batches.
const maxBodyBytes = 16 << 10

// SocketID returns the socket ID in the X-Socket-ID header of r, which Laravel Echo
// and other clients send with every request, so that the app can exclude the sender
// from an event. It returns "" if the header is missing, repeated or malformed.
//
// The header is set by the client and proves nothing about the connection: use it
// only to exclude a connection, never to identify a user.
func SocketID(r *http.Request) string {
	values := r.Header.Values("X-Socket-ID")
	if len(values) != 1 || protocol.CheckSocketID(values[0]) != nil {
		return ""
	}
	return values[0]
}

// requiredField returns the value of a field. A repeated field is an error, because a
// proxy or the app could use a different value than this package.
func requiredField(fields url.Values, name string) (string, error) {
	values := fields[name]
	if len(values) == 0 {
		return "", fmt.Errorf("%s is missing", name)
	}
	if len(values) > 1 {
		return "", fmt.Errorf("%s is repeated", name)
	}
	return values[0], nil
}

// read returns the fields of the request and, for JSONP, the name of the callback.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (fields url.Values, callback string, err error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, "", rejection(http.StatusBadRequest, fmt.Errorf("query: %w", err))
	}
	if r.Method == http.MethodPost {
		body, err := readBody(w, r)
		if err != nil {
			return nil, "", err
		}
		if query.Has("socket_id") || query.Has("channel_name") || hasBatchField(query) {
			return nil, "", rejection(http.StatusBadRequest, errors.New("query has socket_id or channel_name, which belong in the body"))
		}
		return body, "", nil
	}
	if r.Method == http.MethodGet && h.jsonp {
		callback, err := requiredField(query, "callback")
		if err == nil {
			err = checkCallback(callback)
		}
		if err != nil {
			return nil, "", rejection(http.StatusBadRequest, err)
		}
		return query, callback, nil
	}
	return nil, "", rejection(http.StatusMethodNotAllowed, fmt.Errorf("method not allowed: %.50q", r.Method))
}

// methods returns the value of the Allow header.
func (h *handler) methods() string {
	if h.jsonp {
		return "GET, POST"
	}
	return "POST"
}

var errEmptyBody = errors.New("body is empty; it may have been read before, by a middleware for example")

func readBody(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Body == nil { // as in a request that no server has received
		r.Body = http.NoBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
	contentType := r.Header.Get("Content-Type")
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, rejection(http.StatusUnsupportedMediaType, fmt.Errorf("content type cannot be parsed: %.100q", contentType))
	}
	switch mediaType {
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, bodyError(err)
		}
		if len(r.PostForm) == 0 {
			return nil, rejection(http.StatusBadRequest, errEmptyBody)
		}
		return r.PostForm, nil
	case "application/json":
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, bodyError(err)
		}
		if len(text) == 0 {
			return nil, rejection(http.StatusBadRequest, errEmptyBody)
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		fields, err := parseObject(text)
		if err != nil {
			return nil, bodyError(err)
		}
		return fields, nil
	default:
		return nil, rejection(http.StatusUnsupportedMediaType, fmt.Errorf("content type is neither a form nor JSON: %.100q", mediaType))
	}
}

func bodyError(err error) error {
	status := http.StatusBadRequest
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	return rejection(status, fmt.Errorf("body: %w", err))
}

// parseObject returns the members of a JSON object. It decodes by token, because a map
// or a struct would lose repeated members, which have to be rejected. A value that is
// not a string becomes "".
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
