package main

import (
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

func (t *tool) webhookVerifyCommand() *cobra.Command {
	var key, signature string
	command := &cobra.Command{
		Use:   "verify",
		Short: "Verify the signature of a webhook and print its events",
		Long: `Verify the signature of a webhook, whose body is read from standard input, and print its
events. The body has to be the bytes that were received: a line feed at the end makes the
signature invalid.`,
		Example: `  pusherctl webhook verify --signature 51c3… < body.json`,
		Args:    cobra.NoArgs,
	}
	command.Flags().StringVar(&signature, "signature", "", "header X-Pusher-`Signature` of the webhook")
	command.Flags().StringVar(&key, "webhook-key", "", "header X-Pusher-`Key` of the webhook (default the key of the settings)")
	command.RunE = func(*cobra.Command, []string) error {
		if signature == "" {
			return usagef("no --signature")
		}
		s, err := t.settings()
		if err != nil {
			return err
		}
		verifier, err := s.verifier()
		if err != nil {
			return err
		}
		body, err := io.ReadAll(t.stdin)
		if err != nil {
			return err
		}
		if key == "" {
			key = s.key.value
		}
		hook, err := verifier.ParseBytes(http.Header{"X-Pusher-Key": {key}, "X-Pusher-Signature": {signature}}, body)
		if err != nil {
			return failure{err}
		}
		return t.printWebhook(hook)
	}
	return command
}
