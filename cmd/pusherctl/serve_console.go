package main

import (
	"cmp"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/openchannels/pusher-go/internal/console"
	"github.com/openchannels/pusher-go/internal/control"
)

// guard returns the guard of the console and the control API of a server that listens on
// addr. It also returns the token if it is new, so that it has to be printed.
func (s service) guard(addr net.Addr, logger *slog.Logger) (_ control.Guard, token string) {
	host, _ := reachable(addr)
	guard := control.Guard{Hosts: append(s.consoleHosts, host), Token: cmp.Or(s.controlToken, os.Getenv("PUSHERCTL_CONTROL_TOKEN")), Logger: logger}
	if guard.Token != "" {
		return guard, ""
	}
	// A server with another name may be behind a proxy that the network can reach.
	if tcp, ok := addr.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() || len(s.consoleHosts) > 0 {
		guard.Token = rand.Text()
	}
	return guard, guard.Token
}

// handler returns the handler of everything that is served.
func (s service) handler(apps *control.Apps, guard control.Guard, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", apps)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	if s.authEndpoints {
		addAuthEndpoints(mux, apps, logger)
	}
	if s.console {
		mux.Handle("GET /{$}", http.RedirectHandler("/console/", http.StatusFound))
		mux.Handle("/console/", guard.Page(http.StripPrefix("/console", console.Handler())))
		mux.Handle("/control/", guard.API(control.NewHandler(apps)))
	}
	return mux
}
