// Package tlsdetect notices clients that use TLS on a port without it. They see a malformed
// response, and a server of net/http logs nothing.
package tlsdetect

import "net"

// Listener returns a listener like l. It calls found for each connection that begins with a
// TLS handshake.
func Listener(l net.Listener, found func(remote net.Addr)) net.Listener {
	return &listener{l, found}
}

type listener struct {
	net.Listener
	found func(net.Addr)
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, found: l.found}, nil
}

type conn struct {
	net.Conn
	found   func(net.Addr)
	checked bool // only the goroutine that reads uses it
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.checked {
		c.checked = true
		if p[0] == 0x16 { // a handshake record, RFC 8446, section 5.1
			c.found(c.RemoteAddr())
		}
	}
	return n, err
}
