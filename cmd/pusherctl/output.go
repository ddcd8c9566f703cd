package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"
)

// An output prints results: as text, or with --json as one JSON value per line.
type output struct {
	stdout, stderr io.Writer
	json           bool
	colour         bool // of stdout
}

// detect enables colour on a terminal. See https://no-color.org.
func (o *output) detect() {
	o.colour = !o.json && isTerminal(o.stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// printJSON prints a value in one line.
func (o *output) printJSON(value any) error {
	encoder := json.NewEncoder(o.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printf prints a line of text. It prints nothing with --json.
func (o *output) printf(format string, args ...any) error {
	if o.json {
		return nil
	}
	_, err := fmt.Fprintf(o.stdout, format+"\n", args...)
	return err
}

// printTable prints rows in aligned columns. The first row is the header.
func (o *output) printTable(rows [][]string) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = oneLine(cell)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	header, rest, _ := strings.Cut(text.String(), "\n")
	_, err := fmt.Fprintf(o.stdout, "%s\n%s", o.bold(header), rest)
	return err
}

// oneLine escapes what would break a line or control the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, text)
}

func (o *output) bold(text string) string   { return o.paint("1", text) }
func (o *output) dim(text string) string    { return o.paint("2", text) }
func (o *output) red(text string) string    { return o.paint("31", text) }
func (o *output) green(text string) string  { return o.paint("32", text) }
func (o *output) yellow(text string) string { return o.paint("33", text) }

func (o *output) paint(code, text string) string {
	if !o.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
