package main

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
)

// settings are what the page needs for pusher-js: the key and its options. Without
// options the server is the one that the page comes from.
type settings struct {
	Key     string         `json:"key"`
	Options map[string]any `json:"options,omitempty"`
}

var clusterHost = regexp.MustCompile(`^api-([a-z0-9-]+)\.pusher\.com$`)

// browserSettings finds the WebSocket server that belongs to an HTTP API.
func browserSettings(pusherURL string, embedded bool) (settings, error) {
	parsed, err := url.Parse(pusherURL)
	if err != nil || parsed.User == nil {
		return settings{}, errors.New("PUSHER_URL is not https://KEY:SECRET@HOST/apps/ID") // err would show the secret
	}
	s := settings{Key: parsed.User.Username()}
	if embedded {
		return s, nil
	}
	secure := parsed.Scheme == "https"
	if match := clusterHost.FindStringSubmatch(parsed.Hostname()); match != nil {
		s.Options = map[string]any{"cluster": match[1], "forceTLS": secure}
		return s, nil
	}
	s.Options = map[string]any{"cluster": "", "wsHost": parsed.Hostname(), "forceTLS": secure, "enabledTransports": []string{"ws", "wss"}}
	if port, err := strconv.Atoi(parsed.Port()); err == nil {
		s.Options["wsPort"], s.Options["wssPort"] = port, port
	}
	return s, nil
}
