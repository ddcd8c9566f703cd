package sentinel_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/openchannels/pusher-go/internal/sentinel"
)

func TestError(t *testing.T) {
	err := sentinel.New("auth", sentinel.ErrInvalid, fmt.Errorf("name: %w", io.EOF))
	tests := []struct {
		name, want string
		err        error
	}{
		{"error", "auth: invalid argument: name: EOF", err},
		{"details", "name: EOF", sentinel.Details(err)},
		{"details of a wrapped error", "name: EOF", sentinel.Details(fmt.Errorf("signing in: %w", err))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err.Error() != tt.want {
				t.Errorf("Error() = %q, want %q", tt.err, tt.want)
			}
			for _, target := range []error{sentinel.ErrInvalid, io.EOF} {
				if !errors.Is(tt.err, target) {
					t.Errorf("errors.Is(%q, %q) = false, want true", tt.err, target)
				}
			}
		})
	}
	if got := sentinel.Details(io.EOF); got != io.EOF {
		t.Errorf("Details(%q) = %q, want it unchanged", io.EOF, got)
	}
}

func TestJoin(t *testing.T) {
	if err := sentinel.Join(nil, nil); err != nil {
		t.Errorf("Join(nil, nil) = %v, want nil", err)
	}
	err := sentinel.Join(io.EOF, nil, io.ErrClosedPipe)
	if want := "EOF; io: read/write on closed pipe"; err == nil || err.Error() != want || !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Join = %v, want %q", err, want)
	}
}
