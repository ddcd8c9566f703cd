package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

func (t *tool) channelCommand() *cobra.Command {
	var info []string
	command := &cobra.Command{
		Use:   "channel CHANNEL",
		Short: "Print the state of a channel",
		Example: `  pusherctl channel news --info subscription_count
  pusherctl channel presence-lobby --info user_count
  pusherctl channel cache-prices --info cache --json`,
		Args: cobra.ExactArgs(1),
	}
	command.Flags().StringSliceVar(&info, "info", nil, "`attributes` to print: user_count, subscription_count, cache")
	command.RunE = func(command *cobra.Command, args []string) error {
		client, err := t.client()
		if err != nil {
			return err
		}
		found, err := client.ChannelInfo(command.Context(), args[0], attributes(info)...)
		if err != nil {
			return err
		}
		if t.json {
			return t.printJSON(struct {
				Channel string `json:"channel"`
				*pusher.ChannelInfo
			}{args[0], found})
		}
		rows := [][]string{{"CHANNEL", "OCCUPIED", "USERS", "SUBSCRIPTIONS"},
			{args[0], strconv.FormatBool(found.Occupied), count(found.Users()), count(found.Subscriptions())}}
		if err := t.printTable(rows); err != nil || found.Cache == nil {
			return err
		}
		return t.printf("cached: %s", oneLine(found.Cache.Data))
	}
	return command
}
