package release_test

import (
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
)

// Cobra links mousetrap on Windows only, and no program links the generator.
func TestLicenses(t *testing.T) {
	t.Parallel()
	got, err := release.Licenses(repository, "./cmd/pusherctl", []string{"linux", "windows"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		text string
		want int
	}{
		{"---- Go, LICENSE\n\nCopyright 2009 The Go Authors.", 1},
		{"---- github.com/spf13/cobra v", 1},
		{"---- github.com/inconshreveable/mousetrap v", 1},
		{"---- golang.org/x/crypto/x509roots/fallback v", 1}, // without it, the container image cannot verify certificates
		{"---- github.com/oapi-codegen/oapi-codegen/v2 v", 0},
		{"---- github.com/openchannels/", 0},
	}
	for _, test := range tests {
		if n := strings.Count(got, test.text); n != test.want {
			t.Errorf("the text contains %q %d times, want %d", test.text, n, test.want)
		}
	}
}
