package pushertest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/openchannels/pusher-go/internal/tlsdetect"
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
	err := server.Serve(s.logTLS(l))
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return http.ErrServerClosed
	}
	return err
}

// logTLS logs clients that start a TLS handshake.
func (s *Server) logTLS(l net.Listener) net.Listener {
	return tlsdetect.Listener(l, func(remote net.Addr) {
		s.logger.Warn("pushertest: TLS handshake on a server without TLS, use http and ws instead of https and wss (forceTLS: false in pusher-js)",
			"remote", remote.String())
	})
}
