package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/openchannels/pusher-go/pusher"
)

// publish publishes many events in few requests, and one event in the background.
func (d *demo) publish() error {
	const events = 500
	var delivered, failed atomic.Int64
	publisher, err := d.client.NewPublisher(pusher.PublisherConfig{
		OnResult: func(_ context.Context, result pusher.PublishResult) {
			if result.Err != nil {
				failed.Add(1)
				return
			}
			delivered.Add(1)
		},
	})
	if err != nil {
		return err
	}
	for i := range events {
		event := pusher.Event{Channel: fmt.Sprint("device-", i%10), Name: "moved", Data: i}
		if err := publisher.Publish(d.ctx, event); err != nil {
			return errors.Join(err, publisher.Close(d.ctx))
		}
	}
	if err := publisher.Close(d.ctx); err != nil {
		return err
	}
	if delivered.Load() != events || failed.Load() != 0 {
		return fmt.Errorf("%d events were delivered and %d failed, want %d and 0", delivered.Load(), failed.Load(), events)
	}
	report("%d events on 10 channels, in order, in %d requests", events, publisher.Stats().Requests)

	future := d.client.TriggerAsync(d.ctx, "prices", "changed", price{"tea", 299})
	if _, err := future.Wait(d.ctx); err != nil {
		return err
	}
	report("one event in the background")
	return nil
}
