//go:build interop

package interop_test

import "testing"

// A feature is a row of the README's support table. Its check fails the test when
// something is wrong, and tells whether the server has the feature at all.
type feature struct {
	name  string
	check func(*testing.T, *world) bool
}

// always is for what every server has to have.
func always(check func(*testing.T, *world)) func(*testing.T, *world) bool {
	return func(t *testing.T, w *world) bool {
		check(t, w)
		return true
	}
}

func succeeds(t *testing.T, call string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
}

func wantCount(t *testing.T, what string, got *int, want int) {
	t.Helper()
	switch {
	case got == nil:
		t.Errorf("%s: got none, want %d", what, want)
	case *got != want:
		t.Errorf("%s: got %d, want %d", what, *got, want)
	}
}
