//go:build interop

package interop_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/realtime"
)

// startChromium runs a browser. The caller has to call the script's close command.
func startChromium(t *testing.T, flags ...string) *script {
	t.Helper()
	browser := startScript(t, "browser.cjs")
	browser.mustCall("launch", map[string]any{"executable": cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium"), "timeout": timeout.Milliseconds(), "args": append([]string{}, flags...)}, nil)
	return browser
}

// openConsole opens the page of a server in a window of its own.
func openConsole(t *testing.T, browser *script, name, url string, width, height int) window {
	t.Helper()
	own := *browser
	own.t = t // not the parent test
	return openWindow(t, &own, name, url, width, height)
}

// clickText clicks the element that has the text.
func (w window) clickText(selector, text string) {
	w.t.Helper()
	w.call("clickText", map[string]any{"selector": selector, "text": text}, nil)
}

// evaluate runs a JavaScript expression in the page and decodes its value.
func (w window) evaluate(expression string, result any) {
	w.t.Helper()
	w.call("evaluate", map[string]any{"expression": expression}, result)
}

// waitUntil waits until a JavaScript expression is true.
func (w window) waitUntil(expression string) {
	w.t.Helper()
	for end := time.Now().Add(timeout); ; time.Sleep(50 * time.Millisecond) {
		var ok bool
		w.evaluate("Boolean("+expression+")", &ok)
		if ok {
			return
		}
		if time.Now().After(end) {
			var text string
			w.evaluate("document.body.innerText", &text)
			w.t.Fatalf("%s: not true within %v: %s\n%s", w.name, timeout, expression, text)
		}
	}
}

// text returns the text of an element.
func (w window) text(selector string) (text string) {
	w.t.Helper()
	w.evaluate("document.querySelector("+quoteJS(selector)+").innerText", &text)
	return text
}

func quoteJS(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// expectNoMessages fails the test if a page has logged a warning, an error or a violation of
// its content security policy.
func expectNoMessages(t *testing.T, browser *script) {
	t.Helper()
	messages, _ := browser.events.all()
	for _, message := range messages {
		t.Errorf("console of %s: %s", message.Client, message.Data)
	}
}

// A consoleServer is a running `pusherctl serve` with the apps 1 and 2.
type consoleServer struct {
	url  string // base URL
	stop func()
}

func buildPusherctl(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "pusherctl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/pusherctl").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

func startConsoleServer(t *testing.T, program, addr string, flags ...string) consoleServer {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	arguments := []string{"serve", "--addr", addr, "--app", "1:shop-key:shop-secret", "--app", "2:blog-key:blog-secret"}
	command := exec.CommandContext(ctx, program, append(arguments, flags...)...)
	command.Dir = t.TempDir() // without a file .env
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start pusherctl serve: %v", err)
	}
	lines := bufio.NewScanner(stdout)
	url := ""
	for url == "" && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "Listening on "); ok {
			url = regexp.MustCompile(`https?://[^\s/]+[0-9]`).FindString(rest)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
		}
		_ = command.Wait()
	}()
	server := consoleServer{url, func() { stop(); <-done }}
	t.Cleanup(server.stop)
	if url == "" {
		t.Fatal("pusherctl serve printed no address")
	}
	return server
}

func (s consoleServer) host() string { return strings.TrimPrefix(s.url, "http://") }

func (s consoleServer) client(t *testing.T) *pusher.Client {
	t.Helper()
	return newClient(t, s.url, shop)
}

// subscribe connects a client that subscribes to channels, as a user.
func (s consoleServer) subscribe(t *testing.T, userID string, channels ...string) *realtime.Conn {
	t.Helper()
	conn, err := realtime.Connect(t.Context(), "ws://"+s.host()+"/app/"+shop.Key, realtime.WithAuthorizer(s.client(t).Authorizer()), realtime.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if userID != "" {
		if _, err := conn.SignIn(t.Context(), auth.User{ID: userID}); err != nil {
			t.Fatalf("SignIn: %v", err)
		}
	}
	for _, channel := range channels {
		var opts []realtime.SubscribeOption
		if strings.HasPrefix(channel, "presence-") {
			opts = append(opts, realtime.WithMember(auth.Member{UserID: userID}))
		}
		if _, err := conn.Subscribe(t.Context(), channel, opts...); err != nil {
			t.Fatalf("Subscribe(%s): %v", channel, err)
		}
	}
	return conn
}

func triggerEvent(t *testing.T, client *pusher.Client, channel, name string, data any) {
	t.Helper()
	if _, err := client.Trigger(t.Context(), channel, name, data); err != nil {
		t.Fatalf("Trigger: %v", err)
	}
}

var shop = pusher.Credentials{AppID: "1", Key: "shop-key", Secret: "shop-secret"}

// TestConsole opens the page of `pusherctl serve` in Chromium.
func TestConsole(t *testing.T) {
	program := buildPusherctl(t)
	browser := startChromium(t)
	defer func() { _ = browser.call("close", nil, nil) }()

	t.Run("activity", func(t *testing.T) {
		receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		defer receiver.Close()
		server := startConsoleServer(t, program, "127.0.0.1:0", "--webhook", receiver.URL)
		client := server.client(t)
		triggerEvent(t, client, "orders", "order.placed", map[string]any{"id": 1041})
		w := openConsole(t, browser, "activity", server.url+"/console/", 1440, 900)
		w.waitForText("#status", "Live")
		w.waitForText("#rows .event", "order.placed") // from before the page was opened

		server.subscribe(t, "ada", "orders", "presence-checkout")
		w.waitForText("#rows .webhook", "channel_occupied")
		w.waitForText("#rows .webhook", "member_added")
		w.waitForText("#channels", "presence-checkout")
		w.clickText("#channels", "presence-checkout")
		w.waitForText("#channels .names", "ada")
		w.waitForText("#connections", "ada")
		w.waitForText("#total-connections", "1")

		triggerEvent(t, client, "orders", "order.created", map[string]any{"id": 1042})
		w.waitForText("#rows .event", "order.created")
		w.clickText("#rows", "order.created")
		w.waitForText("#rows pre", `"id": 1042`)
		triggerEvent(t, client, "orders", "order.paid", 1042)
		w.waitForText("#note", "1 new · shown when no row is open")
		w.press("Escape")
		w.waitForText("#rows .event", "order.paid")

		response, err := http.Post(server.url+"/apps/1/events?auth_key=unknown", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		reason, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		w.waitForText("#rows .rejection", "request rejected")
		w.waitForText("#rows .rejection", strings.TrimSpace(string(reason)))

		// Newest first, without what is not selected.
		w.click("checkbox", "Webhooks")
		w.click("checkbox", "Rejections")
		names := func() (names []string) {
			w.evaluate(`[...document.querySelectorAll("#rows .title")].map((title) => title.textContent)`, &names)
			return names
		}
		if got, want := names(), []string{"order.paid", "order.created", "order.placed"}; !slices.Equal(got, want) {
			t.Errorf("rows %q, want %q", got, want)
		}
		w.fill("Filter by name, channel or data", "1041")
		if got, want := names(), []string{"order.placed"}; !slices.Equal(got, want) {
			t.Errorf("rows with 1041: %q, want %q", got, want)
		}
		w.fill("Filter by name, channel or data", "")
		w.click("button", "Pause")
		triggerEvent(t, client, "orders", "order.shipped", 1042)
		w.waitForText("#note", "1 new")
		w.click("button", "Resume")
		w.waitForText("#rows .event", "order.shipped")
		w.click("button", "Clear")
		w.waitForText("#empty", "Nothing has happened yet.")
	})

	t.Run("keyboard", func(t *testing.T) {
		server := startConsoleServer(t, program, "127.0.0.1:0")
		for i := range 3 {
			triggerEvent(t, server.client(t), "orders", fmt.Sprintf("order-%d", i), i)
		}
		w := openConsole(t, browser, "keyboard", server.url+"/console/", 1440, 900)
		w.waitForText("#rows", "order-2")
		focused := func(want string) {
			t.Helper()
			w.waitUntil(`document.activeElement.matches(` + quoteJS(want) + `) && document.activeElement.matches(":focus-visible")`)
		}
		// Apps, four kinds, the filter and two buttons come first.
		for _, want := range []string{"#app", "[name=event]", "[name=webhook]", "[name=rejection]", "[name=log]", "#filter", "#pause", "#clear", "#rows"} {
			w.press("Tab")
			focused(want)
		}
		w.press("ArrowDown")
		focused("#rows > li:nth-child(1) summary")
		w.press("End")
		focused("#rows > li:nth-child(3) summary")
		w.press("ArrowUp")
		w.press("Enter")
		w.waitUntil(`document.querySelector("#rows > li:nth-child(2) details").open`)
		w.press("Escape")
		focused("#rows")
		for _, want := range []string{"#prefix", "#trigger [name=name]"} { // empty lists are no tab stops
			w.press("Tab")
			focused(want)
		}
	})

	t.Run("trigger", func(t *testing.T) {
		server := startConsoleServer(t, program, "127.0.0.1:0")
		w := openConsole(t, browser, "trigger", server.url+"/console/", 1440, 900)
		w.waitForText("#status", "Live")
		w.fill("Name", "order.created")
		w.fill("Channels, separated by commas", "orders, customer-7")
		w.fill("Data", `{"id": 1042}`)
		w.click("button", "Trigger")
		w.waitForText("#trigger output", "Triggered on 2 channels")
		w.waitForText("#rows .event", "customer-7")
		w.fill("Data", strings.Repeat("x", 10241))
		w.click("button", "Trigger")
		// Pusher's text, as in ProcessMaker/processmaker#2857.
		w.waitForText("#trigger output", "413 The data content of this event exceeds the allowed maximum (10240 bytes).")
	})

	t.Run("faults", func(t *testing.T) {
		server := startConsoleServer(t, program, "127.0.0.1:0")
		client := server.client(t)
		w := openConsole(t, browser, "faults", server.url+"/console/", 1440, 900)
		w.waitForText("#status", "Live")

		w.fill("Next", "1")
		w.fill("Status", "429")
		w.fill("Retry-After", "7")
		w.fill("Path ends with", "/events")
		w.click("button", "Fail")
		w.waitForText("#faults output", "The next 1 request will fail with 429")
		var apiErr *pusher.Error
		if _, err := client.Trigger(t.Context(), "orders", "created", 1); !errors.As(err, &apiErr) || apiErr.Status != 429 || apiErr.RetryAfter != 7*time.Second {
			t.Errorf("Trigger: %v, want status 429 with Retry-After 7s", err)
		}

		w.fill("Milliseconds", "300")
		w.click("button", "Delay")
		w.waitForText("#faults output", "Responses are delayed by 300 ms")
		start := time.Now()
		triggerEvent(t, client, "orders", "created", 2)
		if elapsed := time.Since(start); elapsed < 300*time.Millisecond {
			t.Errorf("Trigger took %v, want at least 300ms", elapsed)
		}
		w.click("button", "Reset")
		w.waitForText("#faults output", "The server was reset")

		closed := dialLoad(t, server, "orders")
		w.waitForText("#total-connections", "1")
		w.fill("Code", "4100")
		w.fill("Reason", "Over capacity")
		w.click("button", "Close")
		w.waitForText("#faults output", "Connections were closed with 4100")
		var closeErr websocket.CloseError
		if err := readToEnd(t.Context(), closed); !errors.As(err, &closeErr) || closeErr.Code != 4100 || closeErr.Reason != "Over capacity" {
			t.Errorf("connection ended with %v, want code 4100", err)
		}
		dropped := dialLoad(t, server, "orders")
		w.click("button", "Drop")
		w.waitForText("#faults output", "Connections were dropped")
		var frame websocket.CloseError
		if err := readToEnd(t.Context(), dropped); errors.As(err, &frame) {
			t.Errorf("connection ended with %v, want no close frame", err)
		}
	})

	t.Run("apps", func(t *testing.T) {
		server := startConsoleServer(t, program, "127.0.0.1:0")
		triggerEvent(t, server.client(t), "orders", "order.created", 1)
		triggerEvent(t, newClient(t, server.url, pusher.Credentials{AppID: "2", Key: "blog-key", Secret: "blog-secret"}), "posts", "post.published", 1)
		w := openConsole(t, browser, "apps", server.url+"/console/", 1440, 900)
		w.waitForText("#rows", "order.created")
		w.evaluate(`(select => { select.value = "2"; select.dispatchEvent(new Event("change")) })(document.querySelector("#app"))`, nil)
		w.waitForText("#rows", "post.published")
		if n := w.countText("#rows", "order.created"); n != 0 {
			t.Error("app 2 shows an event of app 1")
		}
	})

	t.Run("reconnect", func(t *testing.T) {
		server := startConsoleServer(t, program, "127.0.0.1:0")
		triggerEvent(t, server.client(t), "orders", "before", 1)
		w := openConsole(t, browser, "reconnect", server.url+"/console/", 1440, 900)
		w.waitForText("#rows", "before")
		server.stop()
		w.waitForText("#status", "Not connected")
		server = startConsoleServer(t, program, server.host())
		triggerEvent(t, server.client(t), "orders", "after", 1)
		w.waitForText("#status", "Live")
		w.waitForText("#rows", "after")
		if before, after := w.countText("#rows", "before"), w.countText("#rows", "after"); before != 1 || after != 1 {
			t.Errorf("the events from before and after the restart are shown %d and %d times, want once", before, after)
		}
	})

	t.Run("token", func(t *testing.T) {
		server := startConsoleServer(t, program, "127.0.0.1:0", "--control-token", "correct-horse-battery")
		w := openConsole(t, browser, "form", server.url+"/console/", 360, 780)
		w.fill("This server needs the token that it printed when it started.", "correct-horse-battery")
		w.click("button", "Connect")
		w.waitForText("#status", "Live")

		w = openConsole(t, browser, "fragment", server.url+"/console/#token=correct-horse-battery", 1440, 900)
		w.waitForText("#status", "Live")
		var address string
		w.evaluate("location.href", &address)
		if address != server.url+"/console/" {
			t.Errorf("the address is %s, want it without the token", address)
		}
	})
}
