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

// correct learns the server's time from a rejected signature whose timestamp was
// outside the server's window, and reports whether it did. The time at which the
// request was signed counts, because another call may have corrected the clock
// meanwhile.
func (c *clock) correct(failure *Error, resp *response) bool {
	if resp == nil || !failure.Is(ErrAuthentication) {
		return false
	}
	server, err := http.ParseTime(resp.header.Get("Date"))
	if err != nil || server.Sub(resp.signed).Abs() < signing.MaxClockSkew-time.Second {
		return false
	}
	c.offset.Store(int64(time.Until(server)))
	return true
}
