package release_test

import (
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	const changelog = "# Changelog\n\n## 0.2.0 — unreleased\n\n- later\n\n## 0.1.1 — 2026-12-31\n\n- a fix\n\n### More\n\n- text\n\n## 0.1.0 — 2026-12-01\n"
	tests := []struct{ version, want, wantErr string }{
		{version: "0.1.1", want: "- a fix\n\n### More\n\n- text\n"},
		{version: "0.2.0", wantErr: `the changelog names no day for version 0.2.0: "## 0.2.0 — unreleased", want "## 0.2.0 — YYYY-MM-DD"`},
		{version: "0.1.0", wantErr: "the changelog's section for version 0.1.0 is empty"},
		{version: "0.1", wantErr: "the changelog has no section for version 0.1"},
	}
	for _, test := range tests {
		t.Run(test.version, func(t *testing.T) {
			t.Parallel()
			got, err := release.Notes(changelog, test.version)
			gotErr := ""
			if err != nil {
				gotErr = err.Error()
			}
			if got != test.want || gotErr != test.wantErr {
				t.Errorf("Notes = %q, error %q, want %q, error %q", got, gotErr, test.want, test.wantErr)
			}
		})
	}
}
