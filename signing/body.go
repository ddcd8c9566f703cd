package signing

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
)

// hashBody writes the request's body to sum, and returns its length. The body
// stays sendable: what is read is a copy that GetBody opens.
func hashBody(sum hash.Hash, req *http.Request) (int64, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return 0, nil
	}
	if req.GetBody == nil {
		if err := keepBody(req); err != nil {
			return 0, err
		}
	}
	body, err := req.GetBody()
	if err != nil {
		return 0, fmt.Errorf("signing: opening the request body: %w", err)
	}
	sum.Reset()
	n, err := io.Copy(sum, body)
	if err := errors.Join(err, body.Close()); err != nil {
		return 0, fmt.Errorf("signing: reading the request body: %w", err)
	}
	return n, nil
}

// keepBody reads a body that can be read once into memory, so that it can be
// hashed, sent and, after a failure, sent again.
func keepBody(req *http.Request) error {
	content, err := io.ReadAll(req.Body)
	if err := errors.Join(err, req.Body.Close()); err != nil {
		return fmt.Errorf("signing: reading the request body: %w", err)
	}
	req.GetBody = func() (io.ReadCloser, error) {
		if len(content) == 0 {
			return http.NoBody, nil
		}
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	req.ContentLength = int64(len(content))
	req.Body, err = req.GetBody()
	return err
}
