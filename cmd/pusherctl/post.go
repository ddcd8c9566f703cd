package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

func (t *tool) postCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "post PATH [BODY]",
		Short: "Send a signed POST request",
		Long: `Send a signed POST request to a path below /apps/APP_ID and print the JSON of the
response. Without BODY, or if it is -, it is read from standard input. The body has to be
JSON.`,
		Example: `  pusherctl post /events '{"name":"changed","channel":"news","data":"{}"}'
  pusherctl post /batch_events < batch.json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(command *cobra.Command, args []string) error {
			client, err := t.client()
			if err != nil {
				return err
			}
			path, body, err := t.pathAndBody(args)
			if err != nil {
				return err
			}
			response, err := client.Post(command.Context(), path, body)
			if err != nil {
				return err
			}
			return t.printResponse(response)
		},
	}
}

func (t *tool) pathAndBody(args []string) (string, json.RawMessage, error) {
	path, query, err := splitPath(args[0])
	if err != nil {
		return "", nil, err
	}
	if len(query) > 0 {
		return "", nil, usagef("a POST request has no query: put the parameters in the body")
	}
	body, err := t.data(args[1:])
	if err != nil {
		return "", nil, err
	}
	if !json.Valid([]byte(body)) {
		return "", nil, usagef("the body is not JSON")
	}
	return path, json.RawMessage(body), nil
}
