package gen

import (
	"encoding/json"
	"net/http"
)

// A decoder is the body of a response that knows how to decode itself. The bodies of
// package pusher do: they accept what compatible servers send instead of what the
// document describes, and return a *pusher.Error for anything else.
type decoder interface {
	Decode(body []byte, v any) error
}

// decode returns the model in the body of a 2xx response, whatever its content type,
// and nil for any other status.
func decode[T any](rsp *http.Response, body []byte) (*T, error) {
	if rsp.StatusCode < 200 || rsp.StatusCode > 299 {
		return nil, nil
	}
	unmarshal := json.Unmarshal
	if d, ok := rsp.Body.(decoder); ok {
		unmarshal = d.Decode
	}
	value := new(T)
	if err := unmarshal(body, value); err != nil {
		return nil, err
	}
	return value, nil
}
