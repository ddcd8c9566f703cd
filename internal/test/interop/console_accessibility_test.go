//go:build interop

package interop_test

import (
	"os"
	"testing"
)

// TestConsoleAccessibility checks the page with axe-core: in light and dark, on a phone,
// while it is empty, and with open rows, an error and a form for the token.
func TestConsoleAccessibility(t *testing.T) {
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	program := buildPusherctl(t)
	browser := startChromium(t)
	defer func() { _ = browser.call("close", nil, nil) }()
	empty := startConsoleServer(t, program, "127.0.0.1:0")
	locked := startConsoleServer(t, program, "127.0.0.1:0", "--control-token", "correct-horse-battery")
	full := startShop(t, program)

	for _, c := range []struct {
		name, url, scheme string
		width             int
	}{
		{"light", full.url, "light", 1440},
		{"dark", full.url, "dark", 1440},
		{"tablet", full.url, "light", 1000},
		{"phone", full.url, "light", 360},
		{"phone_dark", full.url, "dark", 360},
		{"empty", empty.url, "light", 1440},
		{"token", locked.url, "dark", 360},
	} {
		t.Run(c.name, func(t *testing.T) {
			own := *browser
			own.t = t
			w := openScheme(t, &own, c.name, c.url+"/console/", c.scheme, c.width, 900)
			switch c.url {
			case full.url:
				w.waitForText("#channels", "presence-checkout")
				w.click("checkbox", "Log")
				w.clickText("#channels", "presence-checkout")
				w.clickText("#rows", "order.created")
				w.waitForText("#rows pre", "Ada Lovelace")
				w.fill("Channels, separated by commas", "no spaces!")
				w.click("button", "Trigger")
				w.waitForText("#trigger output", "400")
			case empty.url:
				w.waitForText("#status", "Live")
			case locked.url:
				w.waitForText("#status", "Not connected: ")
				w.fill("This server needs the token that it printed when it started.", "wrong")
			}
			var violations []struct {
				ID, Help string
				Nodes    []struct{ HTML, FailureSummary string }
			}
			w.evaluate(string(axe)+"; axe.run().then((result) => result.violations)", &violations)
			for _, violation := range violations {
				for _, node := range violation.Nodes {
					t.Errorf("%s: %s\n%s\n%s", violation.ID, violation.Help, node.HTML, node.FailureSummary)
				}
			}
		})
	}
}
