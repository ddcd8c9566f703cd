package pusher

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

// clock is this machine's clock, corrected by what the server reports.
type clock struct {
	offset atomic.Int64 // nanoseconds that the server's clock is ahead
}

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// correct learns the server's time from a response that rejected the timestamp of a
// request, and reports whether it did. The request was signed at the given time; the
// clock itself may have been corrected by another call since.
func (c *clock) correct(failure *Error, resp *http.Response, signed time.Time) bool {
	if resp == nil || !failure.Is(ErrAuthentication) {
		return false
	}
	server, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || server.Sub(signed).Abs() < signing.MaxClockSkew-time.Second {
		return false
	}
	c.offset.Store(int64(time.Until(server)))
	return true
}
