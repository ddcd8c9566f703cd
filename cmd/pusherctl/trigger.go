package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

func (t *tool) triggerCommand() *cobra.Command {
	var more, info []string
	var user, socketID, idempotencyKey string
	command := &cobra.Command{
		Use:   "trigger CHANNEL EVENT [DATA]",
		Short: "Publish an event",
		Long: `Publish an event to a channel, to several, or with --user to a signed-in user.

The data is sent unchanged, usually JSON. Without DATA, or if it is -, it is read from
standard input. Channels whose names start with private-encrypted- need the app's
--encryption-master-key or PUSHER_ENCRYPTION_MASTER_KEY.`,
		Example: `  pusherctl trigger news changed '{"id":7}'
  pusherctl trigger news changed --channel sport --channel weather < data.json
  pusherctl trigger presence-lobby changed '{}' --info user_count --exclude-socket 123.456
  pusherctl trigger --user 7 notice '{"text":"Hello"}'`,
		Args: cobra.RangeArgs(1, 3),
	}
	flags := command.Flags()
	flags.StringArrayVar(&more, "channel", nil, "further `channel`, up to 100 in all; repeatable")
	flags.StringVar(&user, "user", "", "publish to the user with this `ID` instead of a channel")
	flags.StringVar(&socketID, "exclude-socket", "", "socket `ID` of a connection that does not receive the event")
	flags.StringSliceVar(&info, "info", nil, "`counts` to print: user_count, subscription_count")
	flags.StringVar(&idempotencyKey, "idempotency-key", "", "`key` of the event, for servers that support it")
	command.RunE = func(command *cobra.Command, args []string) error {
		var channels []string
		if user == "" {
			channels, args = append(args[:1:1], more...), args[1:]
		} else if more != nil || info != nil || socketID != "" || idempotencyKey != "" {
			return usagef("--user cannot be combined with --channel, --info, --exclude-socket and --idempotency-key")
		}
		if len(args) == 0 || len(args) > 2 {
			return usagef("want CHANNEL EVENT [DATA], or --user ID EVENT [DATA]")
		}
		client, err := t.client()
		if err != nil {
			return err
		}
		data, err := t.data(args[1:])
		if err != nil {
			return err
		}
		event := args[0]
		ctx := command.Context()
		if user != "" {
			if err := client.SendToUser(ctx, user, event, data); err != nil {
				return err
			}
			return t.printTriggered(published{User: user, Event: event})
		}
		opts := []pusher.TriggerOption{pusher.ExcludeSocket(socketID), pusher.WithInfo(attributes(info)...)}
		if idempotencyKey != "" {
			opts = append(opts, pusher.WithIdempotencyKey(idempotencyKey))
		}
		result, err := client.TriggerMulti(ctx, channels, event, data, opts...)
		if err != nil {
			return err
		}
		return t.printTriggered(published{Channels: channels, Event: event, Info: result.Channels})
	}
	return command
}

type published struct {
	Event    string                          `json:"event"`
	Channels []string                        `json:"channels,omitempty"`
	User     string                          `json:"user,omitempty"`
	Info     map[string]pusher.ChannelCounts `json:"info,omitempty"`
}

func (t *tool) printTriggered(p published) error {
	if t.json {
		return t.printJSON(p)
	}
	to := strings.Join(p.Channels, ", ")
	if p.User != "" {
		to = "user " + p.User
	}
	if err := t.printf("%s %s to %s", t.green("published"), p.Event, to); err != nil || len(p.Info) == 0 {
		return err
	}
	return t.printCounts(p.Info)
}

// data returns the argument, or standard input if there is none or it is "-".
func (t *tool) data(args []string) (string, error) {
	if len(args) == 1 && args[0] != "-" {
		return args[0], nil
	}
	if len(args) == 0 && isTerminal(t.stdin) {
		return "", usagef("no data: pass it as an argument or on standard input")
	}
	text, err := io.ReadAll(t.stdin)
	return strings.TrimSuffix(string(text), "\n"), err
}

func attributes(names []string) []pusher.Attribute {
	found := make([]pusher.Attribute, len(names))
	for i, name := range names {
		found[i] = pusher.Attribute(name)
	}
	return found
}
