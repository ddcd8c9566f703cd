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

const audience = 1000

var benchApp = pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"}

// One trigger until the last of 1,000 subscribers has it. The floor is soketi, on
// this machine and with the same subscribers; each server is a process of its own.
func BenchmarkFanOutFloor(b *testing.B) {
	port := freePort(b)
	process := runSoketi(b, port, benchApp, "http://127.0.0.1:9/webhook")
	fanOut(b, fmt.Sprintf("127.0.0.1:%d", port), process)
}

func BenchmarkFanOut(b *testing.B) {
	host, process := runDevserver(b)
	fanOut(b, host, process)
	b.ReportMetric(1, "max-ratio")
}

func fanOut(b *testing.B, host string, server *os.Process) {
	b.Helper()
	idle := residentBytes(b, server)
	var waiting sync.WaitGroup
	for range audience {
		listen(b, host, waiting.Done)
	}
	perConnection := (residentBytes(b, server) - idle) / audience

	client := newClient(b, "http://"+host, benchApp)
	b.ReportAllocs()
	for b.Loop() {
		waiting.Add(audience)
		if _, err := client.Trigger(b.Context(), "news", "changed", `{"cents":349}`); err != nil {
			b.Fatalf("Trigger: %v", err)
		}
		waiting.Wait()
	}
	b.ReportMetric(float64(audience*b.N)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(perConnection), "server-B/connection")
}

// listen subscribes to the channel and calls heard for each event on it. It reads
// frames by hand, because a WebSocket library costs the machine more than most of
// what is measured.
func listen(b *testing.B, host string, heard func()) {
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
	subscribe := `{"event":"pusher:subscribe","data":{"channel":"news"}}`
	const text, masked = 0x81, 0x80
	frame := append([]byte{text, masked | byte(len(subscribe)), 0, 0, 0, 0}, subscribe...) // a mask of zeros changes nothing
	if _, err := conn.Write(frame); err != nil {
		b.Fatalf("subscribe: %v", err)
	}
	expectFrame(b, reader, "pusher_internal:subscription_succeeded")
	go func() {
		for {
			frame, err := readFrame(reader)
			if err != nil {
				return // the benchmark is over
			}
			if bytes.Contains(frame, []byte(`"changed"`)) {
				heard()
			}
		}
	}()
}

// readFrame reads a short frame, as servers send it: unmasked and in one piece. It
// is valid until the next.
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
			b.Fatalf("waiting for %s: %v", want, err)
		}
		var got struct{ Event string }
		if json.Unmarshal(frame, &got) == nil && got.Event == want {
			return
		}
	}
}

// runDevserver runs examples/devserver until the benchmark ends.
func runDevserver(b *testing.B) (host string, process *os.Process) {
	b.Helper()
	program := filepath.Join(b.TempDir(), "devserver")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "../../../examples/devserver").CombinedOutput(); err != nil {
		b.Fatalf("build the server: %v\n%s", err, out)
	}
	host = fmt.Sprintf("127.0.0.1:%d", freePort(b))
	command := exec.CommandContext(b.Context(), program, "-addr", host,
		"-app-id", benchApp.AppID, "-key", benchApp.Key, "-secret", benchApp.Secret)
	stdout, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatalf("start the server: %v", err)
	}
	b.Cleanup(func() { _ = command.Wait() }) // it is killed
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ctrl-C") {
			return host, command.Process
		}
	}
	b.Fatalf("the server ended before it was ready: %v", lines.Err())
	return "", nil
}

// residentBytes is how much memory a process has, as Linux counts.
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
