package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// A bar shows the progress of a publisher on standard error.
type bar struct{ stop, stopped chan struct{} }

const barWidth = 40

func drawBar(publisher *pusher.Publisher, events int) bar {
	b := bar{make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(b.stopped)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				draw(publisher.Stats(), events)
			case <-b.stop:
				draw(publisher.Stats(), events)
				fmt.Fprintln(os.Stderr)
				return
			}
		}
	}()
	return b
}

// end draws the final state.
func (b bar) end() {
	close(b.stop)
	<-b.stopped
}

func draw(stats pusher.Stats, events int) {
	done := int(stats.Sent + stats.Failed)
	full := barWidth * done / events
	fmt.Fprintf(os.Stderr, "\r[%s%s] %3d %%  %d of %d", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*done/events, done, events)
}
