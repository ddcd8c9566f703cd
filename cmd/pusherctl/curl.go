package main

import (
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

func (t *tool) curlCommand() *cobra.Command {
	var method string
	command := &cobra.Command{
		Use:   "curl PATH [BODY]",
		Short: "Print a signed request as a curl command",
		Long: `Print a signed request for a path below /apps/APP_ID as a curl command, and send
nothing. The request is a POST if there is a body or with -X POST; then - reads the
body from standard input.

Whoever sees the command can send this one request for ten minutes: it contains a
signature, though not the secret. No other command prints signatures of requests.`,
		Example: `  pusherctl curl /channels
  pusherctl curl /events '{"name":"changed","channel":"news","data":"{}"}' | sh`,
		Args: cobra.RangeArgs(1, 2),
	}
	command.Flags().StringVarP(&method, "request", "X", "", "`method`: GET or POST")
	command.RunE = func(command *cobra.Command, args []string) error {
		if method == "" && len(args) == 1 {
			method = http.MethodGet
		}
		if method != "" && method != http.MethodGet && method != http.MethodPost {
			return usagef("--request: want GET or POST")
		}
		if method == http.MethodGet && len(args) == 2 {
			return usagef("--request: a GET request has no body")
		}
		s, err := t.settings()
		if err != nil {
			return err
		}
		var recorded recorder
		client, err := s.client(pusher.WithHTTPClient(&http.Client{Transport: &recorded}))
		if err != nil {
			return err
		}
		if method == http.MethodGet {
			path, query, err := splitPath(args[0])
			if err != nil {
				return err
			}
			if _, err := client.Get(command.Context(), path, query); err != nil {
				return err
			}
		} else {
			path, body, err := t.pathAndBody(args)
			if err != nil {
				return err
			}
			if _, err := client.Post(command.Context(), path, body); err != nil {
				return err
			}
		}
		words := recorded.curl(t.flags.cacert)
		if t.json {
			return t.printJSON(map[string][]string{"command": words})
		}
		for i, word := range words {
			words[i] = shellQuote(word)
		}
		return t.printf("%s", strings.Join(words, " "))
	}
	return command
}

// A recorder keeps a signed request instead of sending it.
type recorder struct {
	request *http.Request
	body    []byte
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.request = request
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		r.body = body
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: request}, nil
}

// curl returns the arguments of the command.
func (r *recorder) curl(cacert string) []string {
	words := []string{"curl", "--globoff"}
	if cacert != "" {
		words = append(words, "--cacert", cacert)
	}
	if r.request.Method == http.MethodPost {
		words = append(words, "--header", "Content-Type: application/json", "--data-binary", string(r.body))
	}
	return append(words, r.request.URL.String())
}

// shellQuote quotes a word for a POSIX shell.
func shellQuote(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
