package signing

import (
	"bytes"
	"crypto/md5" // required by the protocol; the HMAC protects the sum
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// bodyMD5 returns the MD5 of the request's body in hexadecimal digits, or "" if the
// body is empty. It reads a copy that GetBody returns, so that the body can still be
// sent.
func bodyMD5(req *http.Request) (string, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return "", nil
	}
	if req.GetBody == nil {
		if err := bufferBody(req); err != nil {
			return "", err
		}
	}
	body, err := req.GetBody()
	if err != nil {
		return "", fmt.Errorf("signing: opening the request body: %w", err)
	}
	sum := md5.New()
	n, err := io.Copy(sum, body)
	if err := errors.Join(err, body.Close()); err != nil {
		return "", fmt.Errorf("signing: reading the request body: %w", err)
	}
	if n == 0 {
		return "", nil
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// bufferBody reads a body into memory, so that it can be read more than once.
func bufferBody(req *http.Request) error {
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
