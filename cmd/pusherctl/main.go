// Command pusherctl publishes, listens and queries on Pusher Channels and compatible
// servers, runs a server for development, and finds out why no event arrives.
//
//	go install github.com/openchannels/pusher-go/cmd/pusherctl@latest
//	pusherctl help
//
// The exit status is 0 if the command is done, 1 if it failed, and 2 if an argument, a
// flag or a setting is invalid or missing. In the last case nothing was sent.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// A usageError is an invalid or missing argument, flag or setting.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// A failure is an error of what a command was given to check, which is no usage error
// even if its cause looks like one.
type failure struct{ error }

// errReported makes the exit status 1 without another message.
var errReported = errors.New("reported")

// A tool is what all commands share.
type tool struct {
	output
	stdin io.Reader
	flags globalFlags

	running bool // arguments and flags are valid
}

// flagNamesOf names flags instead of the Go options that they set.
var flagNamesOf = strings.NewReplacer(
	"WithEncryptionMasterKey", "--encryption-master-key",
	"WithBaseURL", "--host",
	"WithCluster", "--cluster",
	"WithPathPrefix", "--path-prefix",
	"WithTimeout", "--timeout",
	"WithMember", "--user",
	"WithAuthorizer", "PUSHER_APP_SECRET",
	"WithWebhookDelay", "--webhook-delay",
	"SetWebhook", "--webhook",
	"WithWebhook", "--webhook",
	"WithMaxEventBytes", "--max-event-bytes",
	"WithActivityTimeout", "--activity-timeout",
	"WithApp", "--app",
)

// goNames are the package and the method in an error of the library.
var goNames = regexp.MustCompile(`(^| )(pusher|realtime|auth|webhook|signing): ([A-Z]\w*: )?`)

func main() {
	// A second signal ends the process, in case a command does not return.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	t := &tool{output: output{stdout: os.Stdout, stderr: os.Stderr}, stdin: os.Stdin}
	os.Exit(t.run(ctx, os.Args[1:]))
}

func (t *tool) run(ctx context.Context, args []string) int {
	root := t.rootCommand()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	status := exitStatus(err)
	if !t.running && err != nil {
		status = exitUsage
	}
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintln(t.stderr, "pusherctl:", text(err))
		if !t.running {
			fmt.Fprintf(t.stderr, "Run '%s --help' for usage.\n", command.CommandPath())
		}
	}
	return status
}

// text returns the text of an error with the names of flags in place of those of Go.
func text(err error) string {
	return flagNamesOf.Replace(goNames.ReplaceAllString(err.Error(), "$1"))
}

// exitStatus counts what a package of the library rejects before sending as a usage error.
func exitStatus(err error) int {
	var usage usageError
	var apiErr *pusher.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage), errors.Is(err, pusher.ErrConfiguration):
		return exitUsage
	case errors.Is(err, pusher.ErrInvalid) && (!errors.As(err, &apiErr) || apiErr.Status == 0):
		return exitUsage
	default:
		return exitFailed
	}
}

func (t *tool) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "pusherctl",
		Short: "Publish, listen, develop and find out why nothing arrives, on Pusher Channels and compatible servers",
		Long: `Publish, listen, develop and find out why nothing arrives, on Pusher Channels and
compatible servers such as soketi, Laravel Reverb and Sockudo.

The app and its server are found in flags, then in the environment, then in the file .env
of the current folder:

  PUSHER_URL, or PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET, and
  PUSHER_APP_CLUSTER or PUSHER_HOST, PUSHER_PORT, PUSHER_SCHEME;
  the same variables with REVERB_ in front, for apps that have none with PUSHER_.

Without an account, start a server with "pusherctl serve".

The exit status is 0 if the command is done, 1 if it failed, and 2 if an argument, a flag
or a setting is invalid or missing.`,
		Example: `  pusherctl serve
  pusherctl --host localhost:6001 --scheme http --app-id 1 --key app-key --secret app-secret doctor
  pusherctl listen news
  pusherctl trigger news changed '{"id":7}'`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(command *cobra.Command, _ []string) {
			t.running = true
			t.output.detect()
		},
	}
	root.SetIn(t.stdin)
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	t.flags.register(root)
	root.PersistentFlags().BoolVar(&t.json, "json", false, "print one JSON value per line")
	root.AddCommand(
		t.triggerCommand(), t.channelsCommand(), t.channelCommand(), t.usersCommand(), t.terminateCommand(),
		t.listenCommand(), t.publishCommand(), t.webhookCommand(), t.serveCommand(), t.benchCommand(),
		t.getCommand(), t.postCommand(), t.curlCommand(), t.authCommand(),
		t.doctorCommand(systemNetwork), t.versionCommand(),
	)
	return root
}
