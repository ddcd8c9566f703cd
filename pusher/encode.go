package pusher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
)

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

// maxPooled keeps one huge value from staying in memory.
const maxPooled = 64 << 10

// encode gives the text that data is sent as: strings, bytes and raw JSON as they
// are, anything else as JSON.
func encode(data any) (string, error) {
	text, err := encodeText(data)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(text) {
		return "", errors.New("the data is not valid UTF-8")
	}
	return text, nil
}

func encodeText(data any) (string, error) {
	switch data := data.(type) {
	case string:
		return data, nil
	case []byte:
		return string(data), nil
	case json.RawMessage:
		return string(data), nil
	}
	e := encoders.Get().(*encoder)
	e.buf.Reset()
	if err := e.json.Encode(data); err != nil {
		// Not returned to the pool: an encoder keeps the error of its writer.
		return "", fmt.Errorf("the data cannot be encoded: %w", err)
	}
	text := string(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	if e.buf.Cap() <= maxPooled {
		encoders.Put(e)
	}
	return text, nil
}
