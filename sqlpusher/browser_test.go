//go:build interop

package sqlpusher_test

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/sqlpusher"
)

const nodeModules = "../internal/test/interop/node_modules"

// A browser runs testdata/browser.cjs. It is not safe for concurrent use.
type browser struct {
	t      *testing.T
	stdin  io.Writer
	stdout *bufio.Reader
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	modules, err := filepath.Abs(nodeModules)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", "testdata/browser.cjs")
	command.Env = append(os.Environ(), "NODE_PATH="+modules)
	command.Stderr = t.Output()
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = command.Wait() })
	b := &browser{t, stdin, bufio.NewReader(stdout)}
	b.call("launch", map[string]any{"executable": cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium")}, nil)
	return b
}

func (b *browser) call(command string, args map[string]any, result any) {
	b.t.Helper()
	text, err := json.Marshal(map[string]any{"command": command, "args": args})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.stdin.Write(append(text, '\n')); err != nil {
		b.t.Fatal(err)
	}
	line, err := b.stdout.ReadBytes('\n')
	if err != nil {
		b.t.Fatalf("%s: %v", command, err)
	}
	output := struct {
		Result json.RawMessage
		Error  string
	}{}
	if err := json.Unmarshal(line, &output); err != nil || output.Error != "" {
		b.t.Fatalf("%s: %s", command, line)
	}
	if result != nil {
		if err := json.Unmarshal(output.Result, result); err != nil {
			b.t.Fatalf("%s: %s: %v", command, output.Result, err)
		}
	}
}

// page has the state of one page: what catchUp has delivered, in order, as text.
const page = `<!doctype html><title>catch up</title><script src="/pusher.js"></script><script type="module">
import { catchUp } from "/catchup.js"
const query = new URLSearchParams(location.search)
const pusher = new Pusher(query.get("key"), { wsHost: "127.0.0.1", wsPort: query.get("port"), forceTLS: false, cluster: "mt1", enabledTransports: ["ws"], disableStats: true })
window.log = []
window.pusher = pusher
window.subscription = catchUp(pusher, "orders", {
  url: "/history",
  jitter: 50,
  position: JSON.parse(query.get("position")),
  onEvent: ({ name, data, seq }) => log.push(typeof data === "string" && data.length > 1000 ? "large " + data.length : name + " " + JSON.stringify(data) + " " + seq),
  onReload: (newest) => { log.push("reload " + newest.seq) },
  onError: (error) => console.warn(error),
})
</script>`

// openPages opens pages that catch up with the channel orders, and returns their
// numbers.
func (b *browser) openPages(a *app, n int) {
	b.t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
	mux.HandleFunc("/pusher.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, nodeModules+"/pusher-js/dist/web/pusher.min.js")
	})
	mux.Handle("/catchup.js", sqlpusher.ScriptHandler())
	mux.Handle("/history", a.store.Handler(func(*http.Request, string) error { return nil }))
	web := httptest.NewServer(mux)
	b.t.Cleanup(web.Close)
	server, err := url.Parse(a.server.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	position, err := a.store.Position(context.Background(), a.db, "orders")
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := json.Marshal(position)
	if err != nil {
		b.t.Fatal(err)
	}
	query := url.Values{"key": {a.server.App().Key}, "port": {server.Port()}, "position": {string(text)}}
	for i := range n {
		b.call("open", map[string]any{"page": i, "url": web.URL + "/?" + query.Encode()}, nil)
		b.evaluate(i, "new Promise((done) => { const check = () => subscription.channel.subscribed ? done() : setTimeout(check, 10); check() })", nil)
	}
}

func (b *browser) evaluate(page int, script string, result any) {
	b.t.Helper()
	b.call("evaluate", map[string]any{"page": page, "script": script}, result)
}

// expect waits until the page has n entries, and compares them.
func (b *browser) expect(page int, want []string) {
	b.t.Helper()
	var got []string
	b.evaluate(page, fmt.Sprintf("new Promise((done) => { const began = Date.now(); const check = () => log.length >= %d || Date.now() - began > 60000 ? done(log) : setTimeout(check, 5); check() })", len(want)), &got)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			b.t.Fatalf("page %d: entry %d is %q, want %q", page, i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		b.t.Fatalf("page %d: %d entries, want %d", page, len(got), len(want))
	}
}

func entries(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("n %d %d", i, i+1))
	}
	return list
}

func TestJavaScript(t *testing.T) {
	a := newApp(t, databases[0])
	stop := a.run(a.store, sqlpusher.RelayConfig{Retention: -1})
	b := startBrowser(t)
	b.openPages(a, 1)
	want := entries(0, 3)
	a.add(numbered("orders", 0, 3)...)
	b.expect(0, want)

	// Too large for an event.
	a.add(pusher.Event{Channel: "orders", Name: "n", Data: `"` + strings.Repeat("x", 1<<20-2) + `"`})
	a.add(numbered("orders", 4, 6)...)
	want = append(append(want, "large 1048574"), entries(4, 6)...)
	b.expect(0, want)

	// A client event and an event without a number are not delivered.
	if _, err := a.client.Trigger(t.Context(), "orders", "n", "x"); err != nil {
		t.Fatal(err)
	}

	// Duplicates, in another order, and a number that is missing.
	a.drained()
	epoch := a.epoch("orders")
	for _, seq := range []int{5, 6, 4} {
		if _, err := a.client.Trigger(t.Context(), "orders", "n", fmt.Sprintf(`{"epoch":%q,"seq":%d,"data":0}`, epoch, seq)); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	a.add(numbered("orders", 6, 9)...)
	if _, err := a.client.Trigger(t.Context(), "orders", "n", fmt.Sprintf(`{"epoch":%q,"seq":9,"data":8}`, epoch)); err != nil {
		t.Fatal(err)
	}
	want = append(want, entries(6, 9)...)
	b.expect(0, want)

	// 1,500 missed events, which are two pages.
	var took float64
	b.evaluate(0, "pusher.disconnect()", nil)
	for from := 9; from < 1509; from += 500 {
		a.add(numbered("orders", from, from+500)...)
	}
	want = append(want, entries(9, 1509)...)
	b.evaluate(0, fmt.Sprintf("new Promise((done) => { const began = performance.now(); pusher.connect(); const check = () => log.length >= %d || performance.now() - began > 60000 ? done(performance.now() - began) : setTimeout(check, 5); check() })", len(want)), &took)
	b.expect(0, want)
	t.Logf("1,500 missed events in %.0f ms, with connecting", took)
	if took > 10_000 {
		t.Errorf("1,500 missed events took %.0f ms, want 1.5 s on an idle machine", took)
	}

	// A restored backup, with and without a new epoch.
	for _, statement := range []string{"DELETE FROM pusher_events WHERE seq > 5", "UPDATE pusher_channels SET seq = 5"} {
		if _, err := a.db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	b.evaluate(0, "pusher.disconnect(), pusher.connect()", nil)
	want = append(want, "reload 5")
	b.expect(0, want)
	if err := a.store.NewEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.run(a.store, sqlpusher.RelayConfig{Retention: -1})
	a.add(numbered("orders", 0, 1)...)
	a.drained()
	want = append(want, "reload 6")
	b.expect(0, want)
	a.add(numbered("orders", 6, 7)...)
	b.expect(0, append(want, "n 6 7"))
	b.evaluate(0, "subscription.close()", nil)
}

// Connections of several pages are cut while events are added.
func TestJavaScript_Cuts(t *testing.T) {
	const pages = 10
	cuts := tenth(1000)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	a := newApp(t, databases[0])
	a.run(a.store, sqlpusher.RelayConfig{})
	b := startBrowser(t)
	b.openPages(a, pages)
	n := 0
	for range cuts / pages {
		// pusher-js connects again after a second.
		for until := time.Now().Add(time.Duration(1000+rng.IntN(400)) * time.Millisecond); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
			a.add(numbered("orders", n, n+3)...)
			n += 3
		}
		a.server.DropConnections()
	}
	a.add(numbered("orders", n, n+1)...)
	for i := range pages {
		b.expect(i, entries(0, n+1))
	}
	t.Logf("%d cuts, %d events for each of %d pages", cuts, n+1, pages)
}

func TestJavaScript_Size(t *testing.T) {
	source, err := os.ReadFile("js/catchup.js")
	if err != nil {
		t.Fatal(err)
	}
	var compressed strings.Builder
	w, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(source); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := compressed.Len(); n > 3<<10 {
		t.Errorf("catchup.js has %d bytes compressed, want at most 3 KiB", n)
	}
}

func TestJavaScript_Types(t *testing.T) {
	dir := t.TempDir()
	config, err := json.Marshal(map[string]any{
		"compilerOptions": map[string]any{
			"strict": true, "noEmit": true, "target": "es2022", "module": "esnext", "moduleResolution": "bundler",
			"lib": []string{"es2022", "dom"}, "types": []string{}, "skipLibCheck": true,
			"paths": map[string][]string{"pusher-js": {absolute(t, nodeModules+"/pusher-js/index.d.ts")}},
		},
		"files": []string{absolute(t, "testdata/types.ts")},
	})
	if err != nil {
		t.Fatal(err)
	}
	project := filepath.Join(dir, "tsconfig.json")
	if err := os.WriteFile(project, config, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "node", "../internal/test/generators/node_modules/typescript/bin/tsc", "-p", project).CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
