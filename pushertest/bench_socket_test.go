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

// benchFrame is what a subscriber gets of benchBody.
const benchFrame = `{"event":"foo","channel":"project-3","data":"{\"some\":\"data\"}"}`

// BenchmarkFanOut is one signed trigger, until all of 1,000 subscribers on loopback
// have it.
func BenchmarkFanOut(b *testing.B) {
	benchFanOut(b, 1, events, benchBody)
	b.ReportMetric(2, "max-ratio")
}

// BenchmarkFanOutBatch is a batch of ten events, in units of a single one's floor.
func BenchmarkFanOutBatch(b *testing.B) {
	const event = `{"name":"foo","channel":"project-3","data":"{\"some\":\"data\"}"}`
	benchFanOut(b, 10, batch, `{"batch":[`+strings.Repeat(event+",", 9)+event+`]}`)
	b.ReportMetric(5, "max-ratio")
}

func benchFanOut(b *testing.B, events int, path, body string) {
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	defer s.Close()
	signer, err := newSigner(s)
	if err != nil {
		b.Fatal(err)
	}
	conns := make([]io.Reader, fanOut)
	for i := range conns {
		c := dialRaw(b, s.URL, s.App().Key)
		defer func() { _ = c.Close() }()
		c.say(b, subscribe("project-3"))
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

// BenchmarkFanOutFloor is a bare httptest.Server that writes the same bytes to
// 1,000 connections, one after the other.
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

// receivers reads frames from all connections and ticks each off.
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

// BenchmarkIdleConnection is a WebSocket from dialling to closing. It prints too
// how many bytes of memory one takes that is subscribed and idle, of 1,000.
func BenchmarkIdleConnection(b *testing.B) {
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	defer s.Close()
	before := memory()
	conns := make([]net.Conn, fanOut)
	for i := range conns {
		c := dialRaw(b, s.URL, s.App().Key)
		c.say(b, subscribe("project-3"))
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

// memory is what the heap and the stacks hold.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}
