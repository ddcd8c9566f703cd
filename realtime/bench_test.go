package realtime_test

import (
	"encoding/json"
	"testing"

	"github.com/openchannels/pusher-go/realtime"
)

// benchmarkEvent is a message of about 300 bytes, as servers send it.
var benchmarkEvent = message("private-orders", "order-shipped", `{"order":{"id":4711,"customer":"Zoë","lines":[{"sku":"a-1","quantity":2},{"sku":"b-2","quantity":1}]},"at":"2026-11-26T12:00:00Z"}`)

// BenchmarkDecodeFloor decodes the same message with encoding/json.
func BenchmarkDecodeFloor(b *testing.B) {
	frame := []byte(benchmarkEvent)
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		var m struct {
			Event   string `json:"event"`
			Channel string `json:"channel"`
			Data    string `json:"data"`
			UserID  string `json:"user_id"`
		}
		if err := json.Unmarshal(frame, &m); err != nil || len(m.Data) < 100 {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeEvent handles one message, from its frame to the event that Next returns.
func BenchmarkDecodeEvent(b *testing.B) {
	channel := realtime.NewLocalChannel("private-orders")
	frame := []byte(benchmarkEvent)
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	b.ReportMetric(1.5, "max-ratio")
	for b.Loop() {
		if err := channel.Receive(frame); err != nil {
			b.Fatal(err)
		}
		if event, err := channel.Next(b.Context()); err != nil || len(event.Data) < 100 {
			b.Fatal(event, err)
		}
	}
}
