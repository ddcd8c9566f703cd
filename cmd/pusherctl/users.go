package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

func (t *tool) usersCommand() *cobra.Command {
	var watch bool
	var interval time.Duration
	command := &cobra.Command{
		Use:   "users CHANNEL",
		Short: "List the users on a presence channel",
		Long: `List the users on a presence channel. With --watch, the list is requested again at
each interval, and users who join or leave are printed until Ctrl-C. Watching does
not make pusherctl a member of the channel.`,
		Example: `  pusherctl users presence-lobby
  pusherctl users presence-lobby --watch --interval 5s`,
		Args: cobra.ExactArgs(1),
	}
	command.Flags().BoolVar(&watch, "watch", false, "print users who join or leave until Ctrl-C")
	command.Flags().DurationVar(&interval, "interval", 2*time.Second, "`time` between requests with --watch, at least 100ms")
	command.RunE = func(command *cobra.Command, args []string) error {
		if interval < 100*time.Millisecond {
			return usagef("--interval: want at least 100ms")
		}
		if !strings.HasPrefix(args[0], "presence-") {
			return usagef("%s is not a presence channel: the name has to start with presence-", args[0])
		}
		client, err := t.client()
		if err != nil {
			return err
		}
		list, err := client.ChannelUsers(command.Context(), args[0])
		if err != nil {
			return err
		}
		if !watch {
			return t.printUsers(list)
		}
		return t.watchUsers(command.Context(), client, args[0], list, interval)
	}
	return command
}

func (t *tool) printUsers(list *pusher.ChannelUserList) error {
	rows := [][]string{{"USER"}}
	for _, user := range list.Users {
		if t.json {
			if err := t.printJSON(user); err != nil {
				return err
			}
		}
		rows = append(rows, []string{user.ID})
	}
	switch {
	case t.json:
		return nil
	case len(list.Users) == 0:
		return t.printf("no users")
	default:
		return t.printTable(rows)
	}
}

// watchUsers prints the users, and then who joins and leaves, until ctx is done.
func (t *tool) watchUsers(ctx context.Context, client *pusher.Client, channel string, list *pusher.ChannelUserList, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	present := map[string]bool{}
	for {
		now := map[string]bool{}
		for _, user := range list.Users {
			now[user.ID] = true
			if !present[user.ID] {
				if err := t.printChange("joined", user.ID); err != nil {
					return err
				}
			}
		}
		for id := range present {
			if !now[id] {
				if err := t.printChange("left", id); err != nil {
					return err
				}
			}
		}
		present = now
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var err error
		if list, err = client.ChannelUsers(ctx, channel); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

func (t *tool) printChange(change, id string) error {
	now := time.Now()
	if t.json {
		return t.printJSON(struct {
			Time   time.Time `json:"time"`
			Change string    `json:"change"`
			ID     string    `json:"id"`
		}{now, change, id})
	}
	colour := t.green
	if change == "left" {
		colour = t.yellow
	}
	return t.printf("%s %s %s", t.dim(now.Format(clockFormat)), colour(change), oneLine(id))
}

// clockFormat is the time of day in logs on a terminal.
const clockFormat = "15:04:05.000"
