package pushertest_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

const fanOut = 1000

// benchFrame is the message that a subscriber receives for benchBody.
const benchFrame = `{"event":"foo","channel":"project-3","data":"{\"some\":\"data\"}"}`

// BenchmarkFanOut sends a signed trigger and waits until 1,000 subscribers have
// received the event.
func BenchmarkFanOut(b *testing.B) {
	benchFanOut(b, 1, events, benchBody)
	b.ReportMetric(2, "max-ratio")
}

// BenchmarkFanOutBatch does the same with a batch of ten events. The ratio is that to
// the floor of a single event.
func BenchmarkFanOutBatch(b *testing.B) {
	const event = `{"name":"foo","channel":"project-3","data":"{\"some\":\"data\"}"}`
	benchFanOut(b, 10, batch, `{"batch":[`+strings.Repeat(event+",", 9)+event+`]}`)
	b.ReportMetric(12, "max-ratio") // one system call for each event and connection
}

func benchFanOut(b *testing.B, events int, path, body string) {
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	defer s.Close()
	signer := newSigner(b, s)
	conns := make([]io.Reader, fanOut)
	for i := range conns {
		c := dialRaw(b, s.URL, s.App().Key)
		defer func() { _ = c.Close() }()
		c.send(b, subscribe("project-3"))
		c.read(b)
		conns[i] = c.Conn
	}
	all := receivers(conns)
	b.ReportAllocs()
	for b.Loop() {
		all.Add(fanOut * events)
		postTo(b, s.URL+path, body, signer)
		all.Wait()
	}
}

// BenchmarkFanOutFloor writes the same bytes to 1,000 connections, one after the other,
// from the handler of an httptest.Server.
func BenchmarkFanOutFloor(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	accepted, conns := make([]net.Conn, fanOut), make([]io.Reader, fanOut)
	for i := range conns {
		dialled, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = dialled.Close() }()
		if accepted[i], err = listener.Accept(); err != nil {
			b.Fatal(err)
		}
		defer func() { _ = accepted[i].Close() }()
		conns[i] = dialled
	}
	frame := append([]byte{textFrame, byte(len(benchFrame))}, benchFrame...)
	bare := bare()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, conn := range accepted {
			_, _ = conn.Write(frame)
		}
		bare.ServeHTTP(w, r)
	}))
	defer s.Close()
	all := receivers(conns)
	b.ReportAllocs()
	for b.Loop() {
		all.Add(fanOut)
		post(b, s.URL, nil)
		all.Wait()
	}
}

// receivers reads frames from all connections and calls Done for each.
func receivers(conns []io.Reader) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, conn := range conns {
		go func() {
			buf := make([]byte, 2+len(benchFrame))
			for {
				if _, err := io.ReadFull(conn, buf); err != nil {
					return
				}
				all.Done()
			}
		}()
	}
	return &all
}

// BenchmarkIdleConnection opens and closes a WebSocket. It also reports the memory of
// an idle subscribed connection, measured with 1,000 of them.
func BenchmarkIdleConnection(b *testing.B) {
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	defer s.Close()
	before := memory()
	conns := make([]net.Conn, fanOut)
	for i := range conns {
		c := dialRaw(b, s.URL, s.App().Key)
		c.send(b, subscribe("project-3"))
		c.read(b)
		conns[i] = c.Conn
	}
	perConnection := float64(memory()-before) / fanOut
	for _, conn := range conns {
		_ = conn.Close()
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = dialRaw(b, s.URL, s.App().Key).Close()
	}
	b.ReportMetric(perConnection, "B/conn")
}

// memory returns the bytes in use by heap and stacks.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}
