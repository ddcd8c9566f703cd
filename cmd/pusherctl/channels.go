package main

import (
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

func (t *tool) channelsCommand() *cobra.Command {
	var prefix string
	var info []string
	command := &cobra.Command{
		Use:   "channels",
		Short: "List occupied channels",
		Example: `  pusherctl channels
  pusherctl channels --prefix presence- --info user_count --json`,
		Args: cobra.NoArgs,
	}
	command.Flags().StringVar(&prefix, "prefix", "", "list channels whose names start with this `text`")
	command.Flags().StringSliceVar(&info, "info", nil, "`counts` to print: user_count, which needs --prefix presence-")
	command.RunE = func(command *cobra.Command, _ []string) error {
		client, err := t.client()
		if err != nil {
			return err
		}
		list, err := client.Channels(command.Context(), pusher.ChannelsParams{FilterByPrefix: prefix, Info: attributes(info)})
		if err != nil {
			return err
		}
		return t.printCounts(list.Channels)
	}
	return command
}

// printCounts prints channels with their counts, in the order of their names.
func (t *tool) printCounts(channels map[string]pusher.ChannelCounts) error {
	rows := [][]string{{"CHANNEL", "USERS", "SUBSCRIPTIONS"}}
	for _, name := range slices.Sorted(maps.Keys(channels)) {
		counts := channels[name]
		if t.json {
			line := struct {
				Channel string `json:"channel"`
				pusher.ChannelCounts
			}{name, counts}
			if err := t.printJSON(line); err != nil {
				return err
			}
		}
		rows = append(rows, []string{name, count(counts.Users()), count(counts.Subscriptions())})
	}
	switch {
	case t.json:
		return nil
	case len(channels) == 0:
		return t.printf("no channel is occupied")
	default:
		return t.printTable(rows)
	}
}

// count returns a number, or "-" if the server did not report it.
func count(n int, known bool) string {
	if !known {
		return "-"
	}
	return strconv.Itoa(n)
}
