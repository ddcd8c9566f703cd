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

// Two people chat, each in a window of Chromium.
func TestChatInTheBrowser(t *testing.T) {
	url := runChat(t)
	browser := start(t, "browser.cjs")
	browser.must("launch", map[string]any{"executable": cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium"), "timeout": patience.Milliseconds()}, nil)
	defer func() { _ = browser.call("close", nil, nil) }()

	alice := openWindow(t, browser, "alice", url, 1280, 800)
	bob := openWindow(t, browser, "bob", url, 1280, 800)
	for _, w := range []window{alice, bob} {
		w.fill("Your name", w.name)
		w.click("button", "Join")
		w.see("#status", "Connected")
	}

	// Presence: each sees the other, and who they are themselves.
	alice.see("#people", "bob")
	alice.see("#people", "alice (you)")
	bob.see("#people", "alice")
	bob.see("#people-title", "People (2)")

	// Messages, in each room, reach the other window once and the own one once.
	for _, room := range []string{"Lobby public", "Team private", "Vault encrypted"} {
		alice.click("button", room)
		bob.click("button", room)
		alice.say("Hello from the " + room + " room")
		bob.see("#logs", "Hello from the "+room+" room")
		bob.say("<b>Hello</b> back & welcome to " + room)
		for _, w := range []window{alice, bob} {
			w.see("#logs", "<b>Hello</b> back & welcome to "+room)
			for _, text := range []string{"Hello from the " + room + " room", "<b>Hello</b> back & welcome to " + room} {
				if n := w.count("#logs", text); n != 1 {
					t.Errorf("%s sees %q %d times, want once", w.name, text, n)
				}
			}
		}
	}

	// A client event, a message to one user, and the webhooks of all of it.
	bob.fill("Message", "I am typ")
	alice.see("#typing", "bob is writing…")
	bob.click("button", "Wave at alice")
	alice.see("#notice", "bob waves at you")
	for _, w := range []window{alice, bob} {
		for _, line := range []string{"lobby is occupied", "alice joined presence-people", "bob joined presence-people", "bob sent client-typing to presence-people"} {
			w.see("#hooks", line)
		}
	}

	alice.screenshot("chat.png")
	phone := openWindow(t, browser, "carol", url, 390, 844)
	phone.screenshot("chat-join.png")
	phone.fill("Your name", "carol")
	phone.press("Enter")
	phone.see("#hooks", "lobby is occupied") // the log is replayed
	phone.see("#people-title", "People (3)")
	phone.screenshot("chat-phone.png")
	if phone.overflows() {
		t.Error("on a phone the page is wider than the screen")
	}

	reports, _ := browser.reports.all()
	for _, r := range reports {
		t.Errorf("the console of %s: %s", r.Client, r.Data)
	}
}

// runChat builds examples/chat and runs it until the test ends.
func runChat(t *testing.T) (url string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "chat")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", program, "../../../examples/chat").CombinedOutput(); err != nil {
		t.Fatalf("build the chat: %v\n%s", err, out)
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
		t.Fatalf("start the chat: %v", err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // it is killed
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url = regexp.MustCompile(`http://[^\s,]+`).FindString(line)
	if err != nil || url == "" {
		t.Fatalf("the chat printed %q, %v, want a URL", line, err)
	}
	return url
}

// A window is one person's, with cookies of its own.
type window struct {
	t       *testing.T
	browser *script
	name    string
}

func openWindow(t *testing.T, browser *script, name, url string, width, height int) window {
	t.Helper()
	w := window{t, browser, name}
	w.do("open", map[string]any{"url": url, "width": width, "height": height, "timeout": patience.Milliseconds() / 2}, nil)
	return w
}

func (w window) do(command string, with map[string]any, result any) {
	w.t.Helper()
	with["window"] = w.name
	w.browser.must(command, with, result)
}

func (w window) fill(label, text string) {
	w.t.Helper()
	w.do("fill", map[string]any{"label": label, "text": text}, nil)
}

func (w window) click(role, name string) {
	w.t.Helper()
	w.do("click", map[string]any{"role": role, "name": name}, nil)
}

func (w window) press(key string) {
	w.t.Helper()
	w.do("press", map[string]any{"key": key}, nil)
}

func (w window) say(text string) {
	w.t.Helper()
	w.fill("Message", text)
	w.press("Enter")
}

func (w window) see(region, text string) {
	w.t.Helper()
	w.do("see", map[string]any{"region": region, "text": text}, nil)
}

func (w window) count(region, text string) (n int) {
	w.t.Helper()
	w.do("count", map[string]any{"region": region, "text": text}, &n)
	return n
}

func (w window) overflows() (wide bool) {
	w.t.Helper()
	w.do("overflows", map[string]any{}, &wide)
	return wide
}

func (w window) screenshot(name string) {
	w.t.Helper()
	path, err := filepath.Abs(filepath.Join(artifacts, name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.do("screenshot", map[string]any{"path": path}, nil)
}
