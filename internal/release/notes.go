package release

import (
	"fmt"
	"regexp"
	"strings"
)

// Notes returns the text of the changelog's section for the version, without its heading,
// which names the version and the day of the release: "## 1.2.3 — 2026-12-31".
func Notes(changelog, version string) (string, error) {
	for section := range strings.SplitSeq("\n"+changelog, "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		name, day, _ := strings.Cut(heading, " — ")
		if name != version {
			continue
		}
		if !isDay.MatchString(day) {
			return "", fmt.Errorf("the changelog names no day for version %s: %q, want %q", version, "## "+heading, "## "+version+" — YYYY-MM-DD")
		}
		if text = strings.TrimSpace(text); text == "" {
			return "", fmt.Errorf("the changelog's section for version %s is empty", version)
		}
		return text + "\n", nil
	}
	return "", fmt.Errorf("the changelog has no section for version %s", version)
}

var isDay = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
