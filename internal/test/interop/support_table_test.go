//go:build interop

package interop_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	supportPage = "../../../docs/compatible-servers.md"
	artifacts   = "../../../.ci/artifacts"
	tableBegin  = "<!-- support-table -->\n"
	tableEnd    = "<!-- /support-table -->\n"
)

var update = flag.Bool("update", false, "write the support table into docs/compatible-servers.md")

// A feature is a row of the support table. Its check fails the test if something is
// wrong, and reports whether the server has the feature.
type feature struct {
	name  string
	check func(*testing.T, *environment) bool
}

// mandatory is for features that every server must have.
func mandatory(check func(*testing.T, *environment)) func(*testing.T, *environment) bool {
	return func(t *testing.T, env *environment) bool {
		check(t, env)
		return true
	}
}

// TestSupportTable runs every feature that involves a server against each server, and
// compares the result with the table in docs/compatible-servers.md.
func TestSupportTable(t *testing.T) {
	features := slices.Concat(publishFeatures(), queryFeatures(), subscribeFeatures(), webhookFeatures())
	servers := []struct {
		name string // heading of its column
		new  func(*testing.T) *environment
	}{
		{"soketi " + soketiVersion(t), newSoketi},
		{"`pushertest`", func(t *testing.T) *environment { return newPushertest(t).environment }},
	}
	supported := map[string]map[string]bool{}
	for _, server := range servers {
		supported[server.name] = map[string]bool{}
		t.Run(strings.Trim(server.name, "`"), func(t *testing.T) {
			env := server.new(t)
			for _, feature := range features {
				t.Run(strings.ReplaceAll(feature.name, "`", ""), func(t *testing.T) {
					supported[server.name][feature.name] = feature.check(t, env)
				})
			}
		})
	}
	for _, server := range servers {
		if t.Failed() || len(supported[server.name]) < len(features) {
			return // the table is incomplete: a feature failed, or -run selected some of them
		}
	}

	var table strings.Builder
	table.WriteString("| |")
	for _, server := range servers {
		table.WriteString(" " + server.name + " |")
	}
	table.WriteString("\n|---|" + strings.Repeat("---|", len(servers)) + "\n")
	for _, feature := range features {
		table.WriteString("| " + feature.name + " |")
		for _, server := range servers {
			cell := " no |"
			if supported[server.name][feature.name] {
				cell = " yes |"
			}
			table.WriteString(cell)
		}
		table.WriteString("\n")
	}
	checkSupportTable(t, table.String())
}

// checkSupportTable stores the table as a CI artifact and compares it with the docs.
func checkSupportTable(t *testing.T, table string) {
	t.Helper()
	if err := os.MkdirAll(artifacts, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(artifacts, "support-table.md"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(supportPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegin)
	documented, after, ends := strings.Cut(rest, tableEnd)
	switch {
	case !begins || !ends:
		t.Errorf("docs/compatible-servers.md does not contain the lines %q and %q; insert them with this table between them:\n%s", tableBegin, tableEnd, table)
	case documented == table:
	case *update:
		if err := os.WriteFile(supportPage, []byte(before+tableBegin+table+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/compatible-servers.md contains another table; run this test with -update\ndocumented:\n%s\nmeasured:\n%s", documented, table)
	}
}

func noError(t *testing.T, call string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
}

func wantCount(t *testing.T, name string, got *int, want int) {
	t.Helper()
	switch {
	case got == nil:
		t.Errorf("%s: got none, want %d", name, want)
	case *got != want:
		t.Errorf("%s: got %d, want %d", name, *got, want)
	}
}
