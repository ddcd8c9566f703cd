package pushertest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Serve accepts connections on l until [Server.Close] is called. It then closes l,
// waits up to 1 second for requests in flight, and returns [http.ErrServerClosed].
// It is meant for development servers on a fixed address. Serve logs a client that
// starts a TLS handshake, because the server does not support TLS.
func (s *Server) Serve(l net.Listener) error {
	if err := s.ready("Serve"); err != nil {
		return err
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	stop := context.AfterFunc(s.closing, func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(&tlsDetector{l, s.logger})
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return http.ErrServerClosed
	}
	return err
}

// A tlsDetector is a listener that logs TLS handshakes. Without the log line,
// developers see only a malformed response in the client.
type tlsDetector struct {
	net.Listener
	logger *slog.Logger
}

func (d *tlsDetector) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsDetectorConn{Conn: c, logger: d.logger}, nil
}

type tlsDetectorConn struct {
	net.Conn
	logger  *slog.Logger
	checked bool
}

// recordTypeHandshake is the first byte of a TLS handshake. No HTTP request starts
// with it.
//
// Source: RFC 8446, section 5.1.
const recordTypeHandshake = 0x16

func (c *tlsDetectorConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.checked {
		c.checked = true
		if p[0] == recordTypeHandshake {
			c.logger.Warn("pushertest: TLS handshake on a server without TLS, use http and ws instead of https and wss (forceTLS: false in pusher-js)",
				"remote", c.RemoteAddr().String())
		}
	}
	return n, err
}
