package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

// maxInputLine limits a line of publish's input, in bytes. Pusher limits events to 10,240.
const maxInputLine = 16 << 20

func (t *tool) publishCommand() *cobra.Command {
	var config pusher.PublisherConfig
	var failedFile string
	var atMostOnce bool
	command := &cobra.Command{
		Use:   "publish",
		Short: "Publish many events from standard input",
		Long: `Publish one event per line of standard input, in batches and in order per channel. A
line is a JSON object with the properties channel, name and data, and optionally
socket_id, info and idempotency_key. Data that is not a string is published as JSON.

With --failed, the lines of events that were not accepted are written to a file that can
be the input of the next run; the reasons are on standard error. Unless --at-most-once is
set, subscribers may get an event twice if the response of the server was lost.`,
		Example: `  echo '{"channel":"news","name":"changed","data":{"id":7}}' | pusherctl publish
  pusherctl publish --failed failed.ndjson < events.ndjson`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&failedFile, "failed", "", "new `file` for the lines of events that failed")
	flags.IntVar(&config.Concurrency, "concurrency", 8, "maximum `number` of requests in flight")
	flags.DurationVar(&config.Timeout, "event-timeout", 10*time.Minute, "`time` after which an event that the server does not accept fails")
	flags.BoolVar(&atMostOnce, "at-most-once", false, "do not send an event again if it may have been published")
	flags.BoolVar(&config.IdempotencyKeys, "idempotency-keys", false, "give each event a key, for servers that support it")
	flags.BoolVar(&config.DisableBatches, "no-batches", false, "send each event in a request of its own")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if isTerminal(t.stdin) {
			return usagef("no events: pass them on standard input, one JSON object per line")
		}
		client, err := t.client()
		if err != nil {
			return err
		}
		if atMostOnce {
			config.Delivery = pusher.AtMostOnce
		}
		failures := &failureLog{stderr: t.stderr, name: failedFile}
		if failedFile != "" {
			if _, err := os.Lstat(failedFile); err == nil {
				return usagef("--failed: the file %s exists", failedFile)
			}
		}
		return t.publish(command.Context(), client, config, failures)
	}
	return command
}

func (t *tool) publish(ctx context.Context, client *pusher.Client, config pusher.PublisherConfig, failures *failureLog) error {
	bar := t.newProgress(-1)
	config.OnResult = func(_ context.Context, result pusher.PublishResult) {
		if result.Err != nil {
			failures.add(result.Event.Metadata.(inputLine), result.Err)
		}
		bar.add()
	}
	publisher, err := client.NewPublisher(config)
	if err != nil {
		return err
	}
	start := time.Now()
	lines, readErr := publishLines(ctx, publisher, t.stdin, failures)
	closeErr := publisher.Close(ctx)
	bar.end()
	failed, err := failures.close()
	if err != nil {
		return err
	}
	stats, took := publisher.Stats(), time.Since(start)
	if t.json {
		err = t.printJSON(map[string]any{
			"published": stats.Sent, "failed": failed, "requests": stats.Requests, "retries": stats.Retries, "seconds": took.Seconds(),
		})
	} else {
		err = t.printf("%s in %v: events %d, failed %d, requests %d, retries %d", t.green("published"),
			took.Round(time.Millisecond), stats.Sent, failed, stats.Requests, stats.Retries)
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: line %d and later ones were not read", lines+1)
	case readErr != nil:
		return fmt.Errorf("line %d and later ones were not published: %w", lines+1, readErr)
	case failed > 0 && failures.name == "":
		return fmt.Errorf("%d events failed; --failed keeps them", failed)
	case failed > 0:
		return fmt.Errorf("%d events failed; publish them again from %s", failed, failures.name)
	default:
		return closeErr
	}
}

// An inputLine is a line of the input and its number, from 1.
type inputLine struct {
	number int
	text   []byte
}

// publishLines queues the events of all lines until ctx is done. It returns the number of
// lines that it has read. A line that is no event is a failure of that line.
func publishLines(ctx context.Context, publisher *pusher.Publisher, input io.Reader, failures *failureLog) (int, error) {
	lines, end := readLines(ctx, input)
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return n, nil
		case err := <-end:
			return n, err
		case line := <-lines:
			n = line.number
			if len(bytes.TrimSpace(line.text)) == 0 {
				continue
			}
			event, err := decodeEvent(line)
			if err == nil {
				err = publisher.Publish(ctx, event)
			}
			if err != nil {
				failures.add(line, err)
			}
		}
	}
}

// readLines sends the lines of the input, and then the error that ended it or nil. Its
// goroutine may outlive ctx, because nothing interrupts reading from a terminal or pipe.
func readLines(ctx context.Context, input io.Reader) (<-chan inputLine, <-chan error) {
	lines, end := make(chan inputLine), make(chan error, 1)
	go func() {
		scanner := bufio.NewScanner(input)
		scanner.Buffer(nil, maxInputLine)
		for n := 1; scanner.Scan(); n++ {
			select {
			case lines <- inputLine{n, bytes.Clone(scanner.Bytes())}:
			case <-ctx.Done():
				return
			}
		}
		end <- scanner.Err()
	}()
	return lines, end
}

func decodeEvent(line inputLine) (pusher.Event, error) {
	var fields struct {
		Channel        string          `json:"channel"`
		Name           string          `json:"name"`
		Data           json.RawMessage `json:"data"`
		SocketID       string          `json:"socket_id"`
		Info           string          `json:"info"` // separated by commas, as in the HTTP API
		IdempotencyKey string          `json:"idempotency_key"`
	}
	decoder := json.NewDecoder(bytes.NewReader(line.text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&fields); err != nil {
		return pusher.Event{}, fmt.Errorf("not the JSON of an event: %w", err)
	}
	if decoder.More() {
		return pusher.Event{}, errors.New("more than one JSON value")
	}
	if fields.Data == nil {
		return pusher.Event{}, errors.New("the property data is missing")
	}
	event := pusher.Event{
		Channel: fields.Channel, Name: fields.Name, Data: fields.Data, SocketID: fields.SocketID,
		IdempotencyKey: fields.IdempotencyKey, Metadata: line,
	}
	if fields.Info != "" {
		event.Info = attributes(strings.Split(fields.Info, ","))
	}
	var text string
	if json.Unmarshal(fields.Data, &text) == nil && string(fields.Data) != "null" {
		event.Data = text
	}
	return event, nil
}

// A failureLog writes the lines of failed events to a file, and the reasons to standard
// error. It is safe for concurrent use.
type failureLog struct {
	stderr io.Writer
	name   string // of the file, or ""

	mu    sync.Mutex
	count int
	file  *os.File // nil until the first failure
	err   error    // of the file
}

// maxReasons limits the reasons on standard error.
const maxReasons = 20

func (f *failureLog) add(line inputLine, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	switch {
	case f.count <= maxReasons:
		fmt.Fprintf(f.stderr, "line %d: %v\n", line.number, text(err))
	case f.count == maxReasons+1:
		fmt.Fprintln(f.stderr, "further reasons are not printed")
	}
	if f.name == "" || f.err != nil {
		return
	}
	if f.file == nil {
		if f.file, f.err = os.OpenFile(f.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); f.err != nil {
			return
		}
	}
	_, f.err = f.file.Write(append(line.text, '\n'))
}

// close closes the file. It returns the number of failures.
func (f *failureLog) close() (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		if err := f.file.Close(); f.err == nil {
			f.err = err
		}
	}
	if f.err != nil {
		return f.count, fmt.Errorf("--failed: %w", f.err)
	}
	return f.count, nil
}
