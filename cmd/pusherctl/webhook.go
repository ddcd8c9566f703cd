package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/webhook"
)

func (t *tool) webhookCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "webhook",
		Short: "Verify, send and receive webhooks",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return usagef("want webhook verify, send or listen; see '%s --help'", command.CommandPath())
		},
	}
	command.AddCommand(t.webhookVerifyCommand(), t.webhookSendCommand(), t.webhookListenCommand())
	return command
}

// A hookEvent is an event of a webhook as --json prints it.
type hookEvent struct {
	ID       string          `json:"id"` // of the webhook
	Time     time.Time       `json:"time"`
	Name     string          `json:"name"`
	Channel  string          `json:"channel,omitempty"`
	UserID   string          `json:"user_id,omitempty"`
	Event    string          `json:"event,omitempty"`
	Data     string          `json:"data,omitempty"`
	SocketID string          `json:"socket_id,omitempty"`
	Count    *int            `json:"subscription_count,omitempty"`
	Raw      json.RawMessage `json:"raw,omitempty"`
}

// printWebhook prints the events of a webhook, one per line.
func (t *tool) printWebhook(hook *webhook.Webhook) error {
	var lines bytes.Buffer
	to := t.output
	to.stdout = &lines // a webhook is written at once, because others are received concurrently
	for _, event := range hook.Events {
		line := hookEvent{ID: hook.ID, Time: hook.Time, Name: event.EventName(), Channel: event.ChannelName()}
		detail := ""
		switch event := event.(type) {
		case webhook.MemberAdded:
			line.UserID, detail = event.UserID, event.UserID
		case webhook.MemberRemoved:
			line.UserID, detail = event.UserID, event.UserID
		case webhook.SubscriptionCount:
			line.Count, detail = &event.Count, fmt.Sprint(event.Count)
		case webhook.ClientEvent:
			line.Event, line.Data, line.SocketID, line.UserID = event.Event, event.Data, event.SocketID, event.UserID
			detail = event.Event + " " + event.Data
			if event.Err != nil {
				detail += " (" + event.Err.Error() + ")"
			}
		case webhook.Unknown:
			line.Raw, detail = event.Raw, string(event.Raw)
		}
		var err error
		if t.json {
			err = to.printJSON(line)
		} else {
			err = to.printf("%s %s %s %s", t.dim(hook.Time.Local().Format(clockFormat)), t.bold(line.Name), oneLine(line.Channel), oneLine(detail))
		}
		if err != nil {
			return err
		}
	}
	_, err := io.Copy(t.stdout, &lines)
	return err
}
