package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/webhook"
)

func (t *tool) webhookSendCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "send URL [EVENT...]",
		Short: "Send a signed webhook to an app",
		Long: `Send one signed webhook to an endpoint of an app, as Pusher would, and print the status
of the response. It fails unless the status is 2xx, like a delivery of Pusher.

An EVENT is NAME:CHANNEL, or a JSON object as in Pusher's documentation of webhooks.
Without events, the whole body is read from standard input.`,
		Example: `  pusherctl webhook send http://localhost:8000/webhooks channel_occupied:news
  pusherctl webhook send http://localhost:8000/webhooks '{"name":"member_added","channel":"presence-lobby","user_id":"7"}'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			s, err := t.settings()
			if err != nil {
				return err
			}
			if err := s.check(&s.key, &s.secret); err != nil {
				return err
			}
			body, err := t.webhookBody(args[1:])
			if err != nil {
				return err
			}
			request, err := http.NewRequestWithContext(command.Context(), http.MethodPost, args[0], bytes.NewReader(body))
			if err != nil || request.URL.Host == "" {
				return usagef("want the http or https URL of an endpoint")
			}
			request.Header = webhook.SignedHeader(s.key.value, s.secret.value, body)
			client := s.httpClient()
			client.Timeout = s.timeout
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			start := time.Now()
			response, err := client.Do(request)
			if err != nil {
				return err
			}
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
			_ = response.Body.Close()
			took := time.Since(start)
			if t.json {
				err = t.printJSON(map[string]any{"status": response.StatusCode, "seconds": took.Seconds()})
			} else {
				err = t.printf("%s in %v", response.Status, took.Round(time.Millisecond))
			}
			if err == nil && response.StatusCode/100 != 2 {
				err = fmt.Errorf("the endpoint responded with status code %d: Pusher would send the webhook again", response.StatusCode)
			}
			return err
		},
	}
}

// webhookBody returns the body of a webhook with the events.
func (t *tool) webhookBody(events []string) ([]byte, error) {
	if len(events) == 0 {
		if isTerminal(t.stdin) {
			return nil, usagef("no events: pass them as arguments or the body on standard input")
		}
		return io.ReadAll(t.stdin)
	}
	body := struct {
		TimeMS int64             `json:"time_ms"`
		Events []json.RawMessage `json:"events"`
	}{TimeMS: time.Now().UnixMilli()}
	for _, event := range events {
		name, channel, found := strings.Cut(event, ":")
		switch {
		case json.Valid([]byte(event)):
			body.Events = append(body.Events, json.RawMessage(event))
		case found && !strings.HasPrefix(event, "{"):
			text, err := json.Marshal(map[string]string{"name": name, "channel": channel})
			if err != nil {
				return nil, err
			}
			body.Events = append(body.Events, text)
		default:
			return nil, usagef("event %q: want NAME:CHANNEL or a JSON object", event)
		}
	}
	return json.Marshal(body)
}
