package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// publish sends much, in few requests, and something in the background.
func (s *story) publish() error {
	const events = 500
	var refused atomic.Int64
	publisher, err := s.client.NewPublisher(pusher.OnReport(func(_ context.Context, report pusher.Report) {
		if report.Err != nil {
			refused.Add(1)
		}
	}))
	if err != nil {
		return err
	}
	for i := range events {
		event := pusher.Event{Channel: fmt.Sprint("device-", i%10), Name: "moved", Data: i}
		if err := publisher.Publish(s.ctx, event); err != nil {
			return errors.Join(err, publisher.Close(s.ctx))
		}
	}
	if err := publisher.Close(s.ctx); err != nil {
		return err
	}
	stats := publisher.Stats()
	if stats.Sent != events || refused.Load() != 0 {
		return fmt.Errorf("%d events were published and %d refused, want %d and 0", stats.Sent, refused.Load(), events)
	}
	say("%d events on 10 channels, in order, in %d requests; half of them took less than %v", stats.Sent, stats.Batches, stats.Latency.Quantile(0.5).Round(10*time.Microsecond))

	future := s.client.TriggerAsync(s.ctx, "prices", "changed", price{"tea", 299})
	say("meanwhile something else happens")
	if _, err := future.Wait(s.ctx); err != nil {
		return err
	}
	say("one event in the background")
	return nil
}
