package otelpusher

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"

	"github.com/openchannels/pusher-go/pusher"
)

// errorType returns the attribute error.type: one of a few values that can be grouped
// by. The package comment lists them.
func errorType(err error) string {
	var e *pusher.Error
	if errors.As(err, &e) && e.Status >= http.StatusMultipleChoices {
		return strconv.Itoa(e.Status)
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, pusher.ErrTLS):
		return "tls"
	case errors.Is(err, pusher.ErrTransport):
		return "no_response"
	case errors.Is(err, pusher.ErrInvalid):
		return "invalid_request"
	case errors.Is(err, pusher.ErrServer):
		return "invalid_response"
	}
	return "_OTHER"
}
