package pushertest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestApp_Redaction(t *testing.T) {
	s := newServer(t, pushertest.WithApp(testApp))
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("", "app", s.App(), "server", fmt.Sprintf("%+v", s))
	encoded, err := json.Marshal(s.App())
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		fmt.Sprint(s.App()), fmt.Sprintf("%+v", s.App()), fmt.Sprintf("%#v", s.App()), fmt.Sprintf("%q", s.App()), fmt.Sprintf("%d", []any{s.App()}),
		fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%+v", *s),
		string(encoded), logged.String(),
	} {
		if strings.Contains(got, "s3cr3t") {
			t.Errorf("%s contains the secret", got)
		}
	}
	if got, want := fmt.Sprint(s.App()), "{ID:app-1 Key:key@1 Secret:[REDACTED]}"; got != want {
		t.Errorf("fmt.Sprint(App) = %q, want %q", got, want)
	}
}
