package main

import "github.com/spf13/cobra"

func (t *tool) terminateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "terminate USER",
		Short: "Close all connections of a signed-in user",
		Long: `Close all connections that have signed in as a user. Connections that only joined a
presence channel under this ID stay open, and the user can sign in again.`,
		Example: "  pusherctl terminate 7",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			client, err := t.client()
			if err != nil {
				return err
			}
			if err := client.TerminateUserConnections(command.Context(), args[0]); err != nil {
				return err
			}
			if t.json {
				return t.printJSON(map[string]string{"terminated": args[0]})
			}
			return t.printf("%s the connections of user %s", t.green("closed"), args[0])
		},
	}
}
