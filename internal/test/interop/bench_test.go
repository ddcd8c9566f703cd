//go:build interop

package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

const subscribers = 1000

var benchApp = pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"}

// BenchmarkFanOut measures the time until the last of 1,000 subscribers has received an
// event. Its floor is soketi with the same subscribers. Both servers are separate
// processes.
func BenchmarkFanOut(b *testing.B) {
	host, process := runServe(b)
	fanOut(b, host, process)
	b.ReportMetric(1, "max-ratio")
}

func BenchmarkFanOutFloor(b *testing.B) {
	port := freePort(b)
	process := runSoketi(b, port, benchApp, "http://127.0.0.1:9/webhook")
	fanOut(b, fmt.Sprintf("127.0.0.1:%d", port), process)
}

func fanOut(b *testing.B, host string, server *os.Process) {
	b.Helper()
	idle := residentBytes(b, server)
	var waiting sync.WaitGroup
	for range subscribers {
		subscribe(b, host, waiting.Done)
	}
	perConnection := (residentBytes(b, server) - idle) / subscribers

	client := newClient(b, "http://"+host, benchApp)
	b.ReportAllocs()
	for b.Loop() {
		waiting.Add(subscribers)
		if _, err := client.Trigger(b.Context(), "news", "changed", `{"cents":349}`); err != nil {
			b.Fatalf("Trigger: %v", err)
		}
		waiting.Wait()
	}
	b.ReportMetric(float64(subscribers*b.N)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(perConnection), "server-B/connection")
}

// subscribe subscribes to the channel and calls received for each event. It reads frames
// itself, because a WebSocket library would take more time than the server.
func subscribe(b *testing.B, host string, received func()) {
	b.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatalf("connect: %v", err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET /app/%s?protocol=7&client=go&version=1.0.0 HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", benchApp.Key, host)
	if err != nil {
		b.Fatalf("connect: %v", err)
	}
	reader := bufio.NewReaderSize(conn, 1<<10)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		b.Fatalf("connect: got %+v, %v, want status 101", response, err)
	}
	expectFrame(b, reader, "pusher:connection_established")
	message := `{"event":"pusher:subscribe","data":{"channel":"news"}}`
	const text, masked = 0x81, 0x80
	frame := append([]byte{text, masked | byte(len(message)), 0, 0, 0, 0}, message...) // with a mask of zeros the text is unchanged
	if _, err := conn.Write(frame); err != nil {
		b.Fatalf("subscribe: %v", err)
	}
	expectFrame(b, reader, "pusher_internal:subscription_succeeded")
	go func() {
		for {
			frame, err := readFrame(reader)
			if err != nil {
				return // the benchmark has ended
			}
			if bytes.Contains(frame, []byte(`"changed"`)) {
				received()
			}
		}
	}()
}

// readFrame reads an unmasked and unfragmented frame that is shorter than 64 KiB. The
// result is valid until the next call.
func readFrame(reader *bufio.Reader) ([]byte, error) {
	header, err := reader.Peek(4)
	if err != nil {
		return nil, err
	}
	start, length := 2, int(header[1])
	if length == 126 { // the length is in the next two bytes
		start, length = 4, int(header[2])<<8|int(header[3])
	}
	frame, err := reader.Peek(start + length)
	if err != nil {
		return nil, err
	}
	_, err = reader.Discard(start + length)
	return frame[start:], err
}

func expectFrame(b *testing.B, reader *bufio.Reader, want string) {
	b.Helper()
	for {
		frame, err := readFrame(reader)
		if err != nil {
			b.Fatalf("wait for %s: %v", want, err)
		}
		var got struct{ Event string }
		if json.Unmarshal(frame, &got) == nil && got.Event == want {
			return
		}
	}
}

// runServe runs pusherctl serve until the benchmark ends.
func runServe(b *testing.B) (host string, process *os.Process) {
	b.Helper()
	program := filepath.Join(b.TempDir(), "pusherctl")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "../../../cmd/pusherctl").CombinedOutput(); err != nil {
		b.Fatalf("build pusherctl: %v\n%s", err, out)
	}
	host = fmt.Sprintf("127.0.0.1:%d", freePort(b))
	command := exec.CommandContext(b.Context(), program, "serve", "--quiet", "--addr", host,
		"--app-id", benchApp.AppID, "--key", benchApp.Key, "--secret", benchApp.Secret)
	stdout, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatalf("start pusherctl serve: %v", err)
	}
	b.Cleanup(func() { _ = command.Wait() }) // the end of the benchmark kills it
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ctrl-C") {
			return host, command.Process
		}
	}
	b.Fatalf("pusherctl serve exited before it was ready: %v", lines.Err())
	return "", nil
}

// residentBytes returns the resident memory of a process, which it reads from Linux's
// /proc.
func residentBytes(b *testing.B, process *os.Process) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kilobytes, err := strconv.Atoi(fields[1])
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	b.Fatalf("no VmRSS of process %d", process.Pid)
	return 0
}
