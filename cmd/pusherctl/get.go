package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func (t *tool) getCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get PATH",
		Short: "Send a signed GET request",
		Long: `Send a signed GET request for a path below /apps/APP_ID and print the JSON of the
response. Parameters are unescaped by the shell's rules only: a value with & or % has to
be percent-encoded.`,
		Example: `  pusherctl get /channels
  pusherctl get '/channels?filter_by_prefix=presence-&info=user_count'`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			client, err := t.client()
			if err != nil {
				return err
			}
			path, query, err := splitPath(args[0])
			if err != nil {
				return err
			}
			response, err := client.Get(command.Context(), path, query)
			if err != nil {
				return err
			}
			return t.printResponse(response)
		},
	}
}

// splitPath returns the path, with a slash in front, and the query.
func splitPath(arg string) (string, url.Values, error) {
	path, rawQuery, _ := strings.Cut(arg, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", nil, usagef("the query of %s is invalid: %w", path, err)
	}
	return "/" + strings.TrimPrefix(path, "/"), query, nil
}

// printResponse prints the JSON of a response: indented, or with --json in one line.
func (t *tool) printResponse(response json.RawMessage) error {
	if t.json {
		return t.printJSON(response)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, response, "", "  "); err != nil {
		return err
	}
	return t.printf("%s", text.String())
}
