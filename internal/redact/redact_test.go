package redact_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/internal/redact"
)

func TestText(t *testing.T) {
	t.Parallel()
	// Pusher Channels docs, HTTP API reference, "Worked authentication example".
	const signature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
	tests := []struct{ name, text, want string }{
		{"signature", "you sent " + signature + ".", "you sent [REDACTED]."},
		{"upper-case signature", strings.ToUpper(signature), "[REDACTED]"},
		{"shorter hex", signature[1:], signature[1:]},
		{"key", "auth_key=abc&auth_version=1.0", "auth_key=[REDACTED]&auth_version=1.0"},
		{"escaped key", "Auth_Key%3Dabc%26x", "Auth_Key%3D[REDACTED]%26x"},
		{"URL password", "proxy http://user:pa@ss@host:1 failed", "proxy http://user:[REDACTED]@host:1 failed"},
		{"plain text", "batch too large (11 > 10)", "batch too large (11 > 10)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := redact.Text(tt.text); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"control characters", "a\r\nb\x00\tc ", "a b c"},
		{"invalid UTF-8", "a\xffb", "a\uFFFDb"},
		{"text of 20 bytes", strings.Repeat("x", 20), strings.Repeat("x", 20)},
		{"long text", strings.Repeat("x", 30), strings.Repeat("x", 17) + "…"},
		{"long text of wide characters", strings.Repeat("ж", 30), strings.Repeat("ж", 8) + "…"},
		{"16 KiB that redaction shortens", strings.Repeat(" ", 16<<10-1) + "x", "x"},
		{"more than 16 KiB, the second half without spaces", strings.Repeat(" ", 8<<10+1) + strings.Repeat("x", 9<<10), strings.Repeat("x", 17) + "…"},
		{"signature across the limit", "0123456789" + strings.Repeat("a", 70), "[REDACTED]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := redact.Line(tt.text, 20)
			if got != tt.want {
				t.Errorf("Line(%.100q) = %q, want %q", tt.text, got, tt.want)
			}
			if len(got) > 20 || !utf8.ValidString(got) {
				t.Errorf("Line(%.100q) = %q: want valid UTF-8 of at most 20 bytes", tt.text, got)
			}
		})
	}
}

// A secret at the point where a long text is cut is not recognized there, and must not
// be visible.
func TestLine_LongText(t *testing.T) {
	signature := strings.Repeat("0a", 32)
	for _, secret := range []string{signature, "https://key:" + signature + "@example.com", "auth_key=" + signature} {
		for filling, text := range map[string]string{"spaces": " ", "signatures": signature + "-", "words": "word "} {
			for length := 16<<10 - 150; length < 16<<10+10; length += 29 {
				prefix := strings.Repeat(text, length/len(text)+1)[:length]
				got := redact.Line(prefix+" "+secret, 1024)
				if strings.Contains(got, signature[:8]) {
					t.Fatalf("%d bytes of %s before a secret: Line = …%s, want no part of the secret", length, filling, got[max(0, len(got)-80):])
				}
				if len(got) > 1024 {
					t.Fatalf("Line returned %d bytes, want at most 1024", len(got))
				}
			}
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	type secret struct {
		redact.Value
		Text string
	}
	value := secret{Text: "hidden"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{value, &value, struct{ Public secret }{value}} {
			if got := fmt.Sprintf(format, v); strings.Contains(got, "hidden") || strings.Contains(got, "68696464656e") {
				t.Errorf("Sprintf(%q, %T) = %s: the secret is visible", format, v, got)
			}
		}
	}
	asJSON, err := json.Marshal(value)
	if err != nil || string(asJSON) != `"[REDACTED]"` {
		t.Errorf("json.Marshal = %s, %v", asJSON, err)
	}
	asXML, err := xml.Marshal(value)
	if err != nil || string(asXML) != `<secret>[REDACTED]</secret>` {
		t.Errorf("xml.Marshal = %s, %v", asXML, err)
	}
	if got := value.LogValue().String(); got != "[REDACTED]" {
		t.Errorf("LogValue = %s", got)
	}
}
