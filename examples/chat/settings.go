package main

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
)

// settings are the key and the options that the page passes to pusher-js. Without
// options it connects to the server of the page.
type settings struct {
	Key     string         `json:"key"`
	Options map[string]any `json:"options,omitempty"`
}

var clusterHost = regexp.MustCompile(`^api-([a-z0-9-]+)\.pusher\.com$`)

// browserSettings returns the settings of the WebSocket server that belongs to PUSHER_URL.
func browserSettings(pusherURL string, embedded bool) (settings, error) {
	parsed, err := url.Parse(pusherURL)
	if err != nil || parsed.User == nil {
		return settings{}, errors.New("PUSHER_URL is not https://KEY:SECRET@HOST/apps/ID") // err contains the secret
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
