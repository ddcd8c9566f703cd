//go:build interop

package interop_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// TestConsolePictures takes the pictures of docs/console.md, and writes them to .ci/artifacts.
// To update those of the page:
//
//	UPDATE_PICTURES=1 go test -tags interop -run TestConsolePictures ./internal/test/interop
func TestConsolePictures(t *testing.T) {
	folder := artifacts
	if os.Getenv("UPDATE_PICTURES") != "" {
		folder = "../../../docs/images"
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	browser := startChromium(t, "--disable-lcd-text") // for smaller files
	defer func() { _ = browser.call("close", nil, nil) }()
	server := startShop(t, buildPusherctl(t))
	for _, c := range []struct {
		name, scheme  string
		width, height int
	}{
		{"console-light.png", "light", 1360, 780},
		{"console-dark.png", "dark", 1360, 780},
		{"console-phone.png", "light", 360, 780},
	} {
		w := openScheme(t, browser, c.name, server.url+"/console/", c.scheme, c.width, c.height)
		w.waitForText("#channels", "presence-checkout")
		w.waitForText("#rows .webhook", "member_added")
		w.waitForText("#total-connections", "5")
		w.clickText("#channels", "presence-checkout")
		if c.width > 360 {
			w.clickText("#rows", "Ada Lovelace")
			w.waitForText("#rows pre", "Ada Lovelace")
			w.fill("Name", "order.created") // the focus would stay in the list
		}
		w.evaluate(`document.activeElement.blur(); scrollTo(0, 0)`, nil)
		if w.overflows() {
			t.Errorf("%s: the page is wider than the window", c.name)
		}
		path, err := filepath.Abs(filepath.Join(folder, c.name))
		if err != nil {
			t.Fatal(err)
		}
		w.call("screenshot", map[string]any{"path": path}, nil)
		if info, err := os.Stat(path); err != nil || info.Size() > 200*1024 {
			t.Errorf("%s: %v, %d bytes, want at most 200 KB", c.name, err, info.Size())
		}
	}
	expectNoMessages(t, browser)
}

// openScheme opens a window with a color scheme.
func openScheme(t *testing.T, browser *script, name, url, scheme string, width, height int) window {
	t.Helper()
	w := window{t, browser, name}
	w.call("open", map[string]any{"url": url, "width": width, "height": height, "timeout": timeout.Milliseconds() / 2, "colorScheme": scheme}, nil)
	return w
}

// startShop starts the server of a shop with three customers.
func startShop(t *testing.T, program string) consoleServer {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(app.Close)
	server := startConsoleServer(t, program, "127.0.0.1:0", "--webhook", app.URL)
	client := server.client(t)
	ada := server.subscribe(t, "ada", "orders", "presence-checkout", "private-customer-ada")
	server.subscribe(t, "bob", "orders", "presence-checkout", "private-cache-stock")
	server.subscribe(t, "carol", "presence-checkout", "private-cache-stock")
	server.subscribe(t, "", "orders")

	stock := json.RawMessage(`{"sku":"TEA-01","left":17}`)
	order := json.RawMessage(`{"id":1042,"customer":"Ada Lovelace","items":[{"sku":"TEA-01","quantity":2,"price":"12.50"},` +
		`{"sku":"MUG-07","quantity":1,"price":"9.00"}],"total":"34.00","currency":"EUR"}`)
	confirmed := json.RawMessage(`{"id":1042,"delivery":"2026-03-02"}`)
	triggerEvent(t, client, "private-cache-stock", "stock.changed", stock)
	triggerEvent(t, client, "orders", "order.created", order)
	if _, err := client.Trigger(t.Context(), "private-customer-ada", "order.confirmed", confirmed, pusher.ExcludeSocket(ada.SocketID())); err != nil {
		t.Fatal(err)
	}
	if err := client.SendToUser(t.Context(), "ada", "notice", map[string]string{"text": "Your order is on its way"}); err != nil {
		t.Fatal(err)
	}
	dialLoad(t, server, "private-customer-bob") // without an authorization
	stranger := newClient(t, server.url, pusher.Credentials{AppID: shop.AppID, Key: shop.Key, Secret: "old-secret"})
	if _, err := stranger.Trigger(t.Context(), "orders", "order.created", order); !errors.Is(err, pusher.ErrAuthentication) {
		t.Fatalf("Trigger with another secret: %v, want ErrAuthentication", err)
	}
	triggerEvent(t, client, "orders", "order.shipped", json.RawMessage(`{"id":1042,"carrier":"DHL"}`))
	return server
}
