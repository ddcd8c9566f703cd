package main

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/auth"
)

func (t *tool) authCommand() *cobra.Command {
	var user, info string
	command := &cobra.Command{
		Use:   "auth SOCKET_ID [CHANNEL]",
		Short: "Print an authorization",
		Long: `Print the response of an authorization endpoint that allows a connection to subscribe to
a private or presence channel. Without a channel, it signs the user in.

Whoever sees it can use it on this connection, and for no other.`,
		Example: `  pusherctl auth 123.456 private-orders
  pusherctl auth 123.456 presence-lobby --user 7 --info '{"name":"Ada"}'
  pusherctl auth 123.456 --user 7`,
		Args: cobra.RangeArgs(1, 2),
	}
	command.Flags().StringVar(&user, "user", "", "`ID` of the user, for presence channels and to sign in")
	command.Flags().StringVar(&info, "info", "", "`JSON` object that other members receive")
	command.RunE = func(_ *cobra.Command, args []string) error {
		s, err := t.settings()
		if err != nil {
			return err
		}
		authorizer, err := s.authorizer()
		if err != nil {
			return err
		}
		userInfo, err := jsonObject("--info", info)
		if err != nil {
			return err
		}
		var response any
		switch {
		case len(args) == 1 && user == "":
			return usagef("want a CHANNEL, or --user to sign a user in")
		case len(args) == 1:
			response, err = authorizer.AuthenticateUser(args[0], auth.User{ID: user, Info: userInfo})
		case strings.HasPrefix(args[1], "presence-"):
			response, err = authorizer.AuthorizePresence(args[0], args[1], auth.Member{UserID: user, UserInfo: userInfo})
		case user != "" || info != "":
			return usagef("--user and --info are for presence channels")
		default:
			response, err = authorizer.AuthorizePrivate(args[0], args[1])
		}
		if err != nil {
			return err
		}
		return t.printJSON(response)
	}
	return command
}

// jsonObject returns the value of a flag, or nil if it is empty.
func jsonObject(flag, text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, usagef("%s: want a JSON object", flag)
	}
	return object, nil
}
