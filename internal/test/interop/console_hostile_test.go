//go:build interop

package interop_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/console"
)

// hostileTexts try to run a script, to change the layout, or to become properties of all
// objects of the page.
var hostileTexts = []string{
	`<img src=x onerror="globalThis.attacked=1">`,
	`<script>globalThis.attacked=1</script>`,
	`"'></title><svg onload=globalThis.attacked=1>`,
	`<a href="javascript:globalThis.attacked=1">order</a>`,
	`javascript:globalThis.attacked=1`,
	`</bdi></details><style>*{display:none}</style>`,
	`{{constructor.constructor('attacked=1')()}}${attacked=1}`,
	"photo_\u202Egnp.js\u2066 \u200B\u00AD\U000E0041",
	"nul\x00 bell\a escape\x1b[31m line\r\nfeed\u2028separator",
	strings.Repeat("W", 10_000),
	strings.Repeat("<b>", 5_000),
	`{"__proto__":{"attacked":1},"constructor":{"prototype":{"attacked":1}}}`,
	strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000),
	strings.Repeat(`{"a":`, 1_600) + "1" + strings.Repeat("}", 1_600),
	`{"id":12345678901234567890,"html":"<img src=x onerror=globalThis.attacked=1>"}`,
	"__proto__", "constructor", "toString", "event", "",
}

// TestConsoleHostile shows a page of 360 pixels what a server that checks nothing would
// pass on from hostile clients, in every field: nothing is executed, and the page keeps its
// width.
func TestConsoleHostile(t *testing.T) {
	browser := startChromium(t)
	defer func() { _ = browser.call("close", nil, nil) }()
	w := openWindow(t, browser, "phone", startHostile(t)+"/console/", 360, 780)
	w.click("checkbox", "Log")
	w.waitUntil(`document.querySelectorAll("#rows > li").length === 80`)
	w.waitForText("#total-connections", "20")
	w.evaluate(`document.querySelectorAll("details").forEach((details) => { details.open = true })`, nil)
	w.waitUntil(`document.querySelectorAll("#rows > li pre").length === 40`)

	for _, text := range []string{
		`<img src=x onerror="globalThis.attacked=1">`, `<script>globalThis.attacked=1</script>`,
		`photo_\u202egnp.js\u2066 \u200b\u00ad\u{e0041}`, `nul\u0000 bell\u0007`,
		`"id": 12345678901234567890`, `"__proto__": {`,
	} {
		for _, selector := range []string{"#rows", "#channels"} {
			if !strings.Contains(w.text(selector), text) {
				t.Errorf("%s does not show %s", selector, text)
			}
		}
	}
	w.click("button", "Trigger")
	w.waitForText("#trigger output", "400 <img src=x onerror")

	if w.overflows() {
		t.Error("the page is wider than 360 pixels")
	}
	var attacked, pageLength int
	w.evaluate(`document.documentElement.innerText.length`, &pageLength)
	if limit := 4_000_000; pageLength > limit { // 40 rows of 20,000 characters, several times
		t.Errorf("the page has %d characters, want at most %d", pageLength, limit)
	}
	w.evaluate(`Number(globalThis.attacked ?? ({}).attacked ?? 0)`, &attacked)
	var elements int
	w.evaluate(`document.querySelectorAll("main :is(img, script, svg, a, style, b b), [onerror], [onload], [style]").length`, &elements)
	if attacked != 0 || elements != 0 {
		t.Errorf("attacked = %d, %d elements were made of text", attacked, elements)
	}
	messages, _ := browser.events.all()
	for _, message := range messages {
		if !strings.Contains(string(message.Data), "400 (Bad Request)") { // the failed trigger
			t.Errorf("console of the page: %s", message.Data)
		}
	}

	// If the page had a hole, its content security policy would still stop scripts.
	var stopped []string
	w.evaluate(`(async () => {
		const stopped = []
		document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective))
		try { document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=attacked=2>") } catch {}
		const frame = document.createElement("iframe")
		frame.src = "data:text/html,x"
		document.body.append(frame)
		const button = document.createElement("button")
		button.setAttribute("style", "color: red")
		await fetch("https://example.com/").catch(() => {})
		await new Promise((resolve) => setTimeout(resolve, 200))
		return stopped
	})()`, &stopped)
	for _, want := range []string{"require-trusted-types-for", "frame-src", "style-src-attr", "connect-src"} {
		if !strings.Contains(strings.Join(stopped, " "), want) {
			t.Errorf("the content security policy stopped %q, want %s too", stopped, want)
		}
	}
}

// startHostile serves the page and a control API whose responses consist of hostileTexts.
func startHostile(t *testing.T) (url string) {
	t.Helper()
	const moment = "2026-01-02T15:04:05.123Z"
	var stream strings.Builder
	var channels, connections []any
	write := func(line any) { stream.WriteString(encodeJSON(t, line) + "\n") }
	for _, text := range hostileTexts {
		write(map[string]any{"event": map[string]any{"name": text, "channel": text, "data": text, "socket_id": text, "user_id": text, "connections": text, "time": moment}})
		write(map[string]any{"log": map[string]any{"level": "WARN", "message": text, "time": moment, "attributes": map[string]any{text: text, "reason": text, "path": text}}})
		write(map[string]any{"log": map[string]any{"level": "DEBUG", "message": "connection opened " + text, "time": moment, "attributes": map[string]any{"client": text, "socket_id": text}}})
		body := encodeJSON(t, map[string]any{"events": []any{map[string]any{"name": text, "channel": text, "user_id": text, "__proto__": text}}})
		write(map[string]any{"log": map[string]any{"level": "DEBUG", "message": "webhook delivered", "time": moment, "attributes": map[string]any{"body": body}}})
		channels = append(channels, map[string]any{"name": text, "subscriptions": 1, "users": hostileTexts, "cached": map[string]any{"name": text, "data": text}})
		connections = append(connections, map[string]any{"socket_id": text, "client": text, "user_id": text, "channels": hostileTexts, "opened": moment})
	}
	respond := func(body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(body) }
	}
	mux := http.NewServeMux()
	mux.Handle("/console/", http.StripPrefix("/console", console.Handler()))
	mux.HandleFunc("GET /control/apps", respond(map[string]any{"apps": []any{
		map[string]any{"id": "1", "key": hostileTexts[0]}, map[string]any{"id": hostileTexts[1], "key": hostileTexts[9]},
	}}))
	mux.HandleFunc("GET /control/apps/1/channels", respond(map[string]any{"total": len(channels), "channels": channels}))
	mux.HandleFunc("GET /control/apps/1/connections", respond(map[string]any{"total": len(connections), "connections": connections}))
	mux.HandleFunc("GET /control/apps/1/stream", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, stream.String())
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("POST /control/apps/1/events", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": hostileTexts[0]})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}
