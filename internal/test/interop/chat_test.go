//go:build interop

package interop_test

import (
	"bufio"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestChatExample runs examples/chat with several windows of Chromium.
func TestChatExample(t *testing.T) {
	url := runChat(t)
	browser := startScript(t, "browser.cjs")
	browser.mustCall("launch", map[string]any{"executable": cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium"), "timeout": timeout.Milliseconds()}, nil)
	defer func() { _ = browser.call("close", nil, nil) }()

	alice := openWindow(t, browser, "alice", url, 1280, 800)
	bob := openWindow(t, browser, "bob", url, 1280, 800)
	for _, w := range []window{alice, bob} {
		w.fill("Your name", w.name)
		w.click("button", "Join")
		w.waitForText("#status", "Connected")
	}

	// Presence.
	alice.waitForText("#people", "bob")
	alice.waitForText("#people", "alice (you)")
	bob.waitForText("#people", "alice")
	bob.waitForText("#people-title", "People (2)")

	// Messages appear exactly once in both windows.
	for _, room := range []string{"Lobby public", "Team private", "Vault encrypted"} {
		alice.click("button", room)
		bob.click("button", room)
		alice.sendMessage("Hello from the " + room + " room")
		bob.waitForText("#logs", "Hello from the "+room+" room")
		bob.sendMessage("<b>Hello</b> back & welcome to " + room)
		for _, w := range []window{alice, bob} {
			w.waitForText("#logs", "<b>Hello</b> back & welcome to "+room)
			for _, text := range []string{"Hello from the " + room + " room", "<b>Hello</b> back & welcome to " + room} {
				if n := w.countText("#logs", text); n != 1 {
					t.Errorf("%s: %q is shown %d times, want once", w.name, text, n)
				}
			}
		}
	}

	// A client event, an event for one user, and webhooks.
	bob.fill("Message", "I am typ")
	alice.waitForText("#typing", "bob is writing…")
	bob.click("button", "Wave at alice")
	alice.waitForText("#notice", "bob waves at you")
	for _, w := range []window{alice, bob} {
		for _, line := range []string{"lobby is occupied", "alice joined presence-people", "bob joined presence-people", "bob sent client-typing to presence-people"} {
			w.waitForText("#hooks", line)
		}
	}

	alice.screenshot("chat.png")
	phone := openWindow(t, browser, "carol", url, 390, 844)
	phone.screenshot("chat-join.png")
	phone.fill("Your name", "carol")
	phone.press("Enter")
	phone.waitForText("#hooks", "lobby is occupied") // a new window shows earlier webhooks
	phone.waitForText("#people-title", "People (3)")
	phone.screenshot("chat-phone.png")
	if phone.overflows() {
		t.Error("the page is wider than the screen of a phone")
	}

	messages, _ := browser.events.all()
	for _, message := range messages {
		t.Errorf("console of %s: %s", message.Client, message.Data)
	}
}

// runChat builds examples/chat and runs it until the test ends.
func runChat(t *testing.T) (url string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "chat")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", program, "../../../examples/chat").CombinedOutput(); err != nil {
		t.Fatalf("build examples/chat: %v\n%s", err, out)
	}
	library, err := filepath.Abs("node_modules/pusher-js/dist/web/pusher-with-encryption.min.js")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-addr", "127.0.0.1:0", "-pusher-js", library)
	command.Env = append(os.Environ(), "PUSHER_URL=")
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start examples/chat: %v", err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // the end of the test kills it
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url = regexp.MustCompile(`http://[^\s,]+`).FindString(line)
	if err != nil || url == "" {
		t.Fatalf("examples/chat printed %q, %v, want a URL", line, err)
	}
	return url
}

// A window of the browser belongs to one user. Windows share no cookies.
type window struct {
	t       *testing.T
	browser *script
	name    string
}

func openWindow(t *testing.T, browser *script, name, url string, width, height int) window {
	t.Helper()
	w := window{t, browser, name}
	w.call("open", map[string]any{"url": url, "width": width, "height": height, "timeout": timeout.Milliseconds() / 2}, nil)
	return w
}

func (w window) call(command string, args map[string]any, result any) {
	w.t.Helper()
	args["window"] = w.name
	w.browser.mustCall(command, args, result)
}

func (w window) fill(label, text string) {
	w.t.Helper()
	w.call("fill", map[string]any{"label": label, "text": text}, nil)
}

func (w window) click(role, name string) {
	w.t.Helper()
	w.call("click", map[string]any{"role": role, "name": name}, nil)
}

func (w window) press(key string) {
	w.t.Helper()
	w.call("press", map[string]any{"key": key}, nil)
}

func (w window) sendMessage(text string) {
	w.t.Helper()
	w.fill("Message", text)
	w.press("Enter")
}

func (w window) waitForText(selector, text string) {
	w.t.Helper()
	w.call("waitForText", map[string]any{"selector": selector, "text": text}, nil)
}

func (w window) countText(selector, text string) (n int) {
	w.t.Helper()
	w.call("countText", map[string]any{"selector": selector, "text": text}, &n)
	return n
}

// overflows reports whether the page is wider than the window.
func (w window) overflows() (overflows bool) {
	w.t.Helper()
	w.call("overflows", map[string]any{}, &overflows)
	return overflows
}

func (w window) screenshot(name string) {
	w.t.Helper()
	path, err := filepath.Abs(filepath.Join(artifacts, name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.call("screenshot", map[string]any{"path": path}, nil)
}
