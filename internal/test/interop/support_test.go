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
	readme      = "../../../README.md"
	artifacts   = "../../../.ci/artifacts"
	tableStarts = "<!-- support-table -->\n"
	tableEnds   = "<!-- /support-table -->\n"
)

// Everything of ours that a server takes part in, against each server. What comes
// of it is the README's table.
func TestSupportTableIsWhatTheServersDo(t *testing.T) {
	features := slices.Concat(publishing(), asking(), joining(), hooking())
	servers := []struct {
		head string
		new  func(*testing.T) *world
	}{
		{"soketi " + soketiVersion(t), newSoketi},
		{"`pushertest`", newPushertest},
	}
	supported := map[string]map[string]bool{}
	for _, server := range servers {
		supported[server.head] = map[string]bool{}
		t.Run(strings.Trim(server.head, "`"), func(t *testing.T) {
			w := server.new(t)
			for _, feature := range features {
				t.Run(strings.ReplaceAll(feature.name, "`", ""), func(t *testing.T) {
					supported[server.head][feature.name] = feature.check(t, w)
				})
			}
		})
	}
	for _, server := range servers {
		if t.Failed() || len(supported[server.head]) < len(features) {
			return // half a table: something failed, or -run chose some rows
		}
	}

	var table strings.Builder
	table.WriteString("| |")
	for _, server := range servers {
		table.WriteString(" " + server.head + " |")
	}
	table.WriteString("\n|---|" + strings.Repeat("---|", len(servers)) + "\n")
	for _, feature := range features {
		table.WriteString("| " + feature.name + " |")
		for _, server := range servers {
			cell := " no |"
			if supported[server.head][feature.name] {
				cell = " yes |"
			}
			table.WriteString(cell)
		}
		table.WriteString("\n")
	}
	checkTable(t, table.String())
}

// checkTable keeps the table as an artefact and compares it with the README's.
func checkTable(t *testing.T, table string) {
	t.Helper()
	if err := os.MkdirAll(artifacts, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(artifacts, "support-table.md"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, starts := strings.Cut(string(text), tableStarts)
	documented, after, ends := strings.Cut(rest, tableEnds)
	switch {
	case !starts || !ends:
		t.Errorf("README.md has no lines %q and %q with this table between them:\n%s", tableStarts, tableEnds, table)
	case documented == table:
	case *update:
		if err := os.WriteFile(readme, []byte(before+tableStarts+table+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("README.md has another table; run this test with -update\ngot\n%s\nwant\n%s", documented, table)
	}
}

var update = flag.Bool("update", false, "write the support table into README.md")
