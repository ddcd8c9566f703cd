package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

const progressInterval = 100 * time.Millisecond

// A progress is a progress bar on standard error, or nothing if that is no terminal. It
// is safe for concurrent use.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress draws a bar for a number of events, or -1 if it is unknown.
func (t *tool) newProgress(events int) progress {
	if !isTerminal(t.stderr) {
		return progress{}
	}
	return progress{progressbar.NewOptions(events,
		progressbar.OptionSetWriter(t.stderr), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("events"), progressbar.OptionThrottle(progressInterval), progressbar.OptionClearOnFinish(),
	)}
}

func (p progress) add() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

// end removes the bar.
func (p progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
