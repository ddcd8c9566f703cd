package webhook_test

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/internal/sentinel"
	"github.com/openchannels/pusher-go/webhook"
)

func TestErrInvalid(t *testing.T) {
	verifier := newVerifier(t, webhook.WithMaxBytes(len(docsBody)))
	for body, want := range map[string]error{"no JSON": webhook.ErrMalformed, docsBody + " ": webhook.ErrTooLarge} {
		if _, err := verifier.ParseBytes(signed(body), []byte(body)); !errors.Is(err, want) || !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("ParseBytes(%q) = %v, want %v and %v", body, err, want, webhook.ErrInvalid)
		}
	}
	if _, err := verifier.ParseBytes(nil, nil); errors.Is(err, webhook.ErrInvalid) {
		t.Errorf("ParseBytes without headers = %v, want no %v", err, webhook.ErrInvalid)
	}
}

// A package that wraps an error names itself and the kind of error once.
func TestErrors_Details(t *testing.T) {
	verifier := newVerifier(t, webhook.WithMaxBytes(100), webhook.WithMaxAge(time.Minute))
	parse := func(header http.Header, body string) error {
		_, err := verifier.ParseBytes(header, []byte(body))
		return err
	}
	_, zero := new(webhook.Verifier).ParseBytes(nil, nil)
	_, option := webhook.New(docsKey, docsSecret, webhook.WithMaxBytes(0))
	tests := []struct {
		name          string
		err           error
		kind          error
		text, details string
	}{
		{"option", option, webhook.ErrConfiguration, "webhook: invalid configuration: ", "WithMaxBytes(0): at least 1 is required"},
		{"zero Verifier", zero, webhook.ErrConfiguration, "webhook: invalid configuration: ", "the Verifier was not created with webhook.New"},
		{"no key", parse(nil, docsBody), webhook.ErrUnknownKey, "webhook: unknown key: ", "X-Pusher-Key occurs 0 times, want once"},
		{"unknown key", parse(headerOf("x", docsSignature), docsBody), webhook.ErrUnknownKey, "webhook: unknown key: ", "X-Pusher-Key is not a key of this verifier, see WithKey"},
		{"no signature", parse(http.Header{"X-Pusher-Key": {docsKey}}, docsBody), webhook.ErrSignature, "webhook: invalid signature: ", "X-Pusher-Signature occurs 0 times, want once"},
		{"malformed signature", parse(headerOf(docsKey, "x"), docsBody), webhook.ErrSignature, "webhook: invalid signature: ", "X-Pusher-Signature is not 64 characters of lower-case hex"},
		{"another body", parse(headerOf(docsKey, docsSignature), "{}"), webhook.ErrSignature, "webhook: invalid signature: ", "X-Pusher-Signature does not match the body and the secret of this key"},
		{"body that was read before", parse(headerOf(docsKey, docsSignature), ""), webhook.ErrSignature, "webhook: invalid signature: ", "body is empty; it may have been read before, by a middleware for example"},
		{"too large", parse(headerOf(docsKey, docsSignature), strings.Repeat(" ", 101)), webhook.ErrTooLarge, "webhook: too large: ", "body has more than 100 bytes, see WithMaxBytes"},
		{"malformed", parse(signed("{}"), "{}"), webhook.ErrMalformed, "webhook: malformed body: ", "events is missing or null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !errors.Is(tt.err, tt.kind) || tt.err.Error() != tt.text+tt.details {
				t.Errorf("error = %v, want %s%s", tt.err, tt.text, tt.details)
			}
			if got := sentinel.Details(tt.err); !errors.Is(got, tt.kind) || got.Error() != tt.details {
				t.Errorf("details = %v, want %s", got, tt.details)
			}
		})
	}
}

func TestErrMalformed(t *testing.T) {
	timed := func(timeMS string) string { return `{"time_ms":` + timeMS + `,"events":[]}` }
	event := func(event string) string { return `{"time_ms":1327078148132,"events":[` + event + `]}` }
	tests := []struct {
		name string
		body string
		want string // part of the error text
	}{
		{"text", `hello`, "invalid character"},
		{"truncated", docsBody[:len(docsBody)-2], "unexpected end"},
		{"more than one value", docsBody + docsBody, "after top-level value"},
		{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "invalid character"},
		{"null", `null`, "events is missing"},
		{"array", `[` + docsBody + `]`, "unexpected array"},
		{"string", `"hello"`, "unexpected string"},
		{"deeply nested", strings.Repeat("[", 20_000), "depth"},

		{"no events", `{"time_ms":1327078148132}`, "events is missing"},
		{"null events", `{"time_ms":1327078148132,"events":null}`, "events is missing"},
		{"events that are an object", `{"time_ms":1327078148132,"events":{}}`, "events: unexpected object"},

		{"no time", `{"events":[]}`, "time_ms is missing"},
		{"null time", timed(`null`), "time_ms is missing"},
		{"time zero", timed(`0`), "time_ms is out of range: 0"},
		{"negative time", timed(`-1327078148132`), "time_ms"},
		{"time with a fraction", timed(`1327078148132.5`), "time_ms: unexpected value (want a whole number)"},
		{"time with an exponent", timed(`1.327078148132e12`), "time_ms"},
		{"time after the year 9999", timed(`253402300800000`), "time_ms"},
		{"time above 64 bits", timed(`18446744073709551617`), "time_ms"},
		{"time that is a word", timed(`"now"`), "time_ms"},
		{"time that is an empty string", timed(`""`), "time_ms"},
		{"time with a plus sign", timed(`"+1327078148132"`), "time_ms"},
		{"time that is an array", timed(`[1]`), "time_ms"},
		{"time that is a boolean", timed(`true`), "time_ms"},

		{"event that is a number", event(`5`), "event 0: unexpected number"},
		{"event that is null", event(`null`), "event 0"},
		{"event without a name", event(`{"channel":"my-channel"}`), "name is missing"},
		{"name that is a number", event(`{"name":5}`), "name"},
		{"second event", event(`{"name":"channel_occupied","channel":"a"},{}`), "event 1"},
		{"channel_occupied without a channel", event(`{"name":"channel_occupied"}`), "has no channel"},
		{"channel that is a number", event(`{"name":"channel_vacated","channel":5}`), "event 0: channel: unexpected number"},
		{"member_added without a user", event(`{"name":"member_added","channel":"presence-a"}`), "has no user_id"},
		{"member_removed with a null user", event(`{"name":"member_removed","channel":"presence-a","user_id":null}`), "has no user_id"},
		{"client_event without an event", event(`{"name":"client_event","channel":"private-a"}`), "has no event"},
		{"subscription_count without a count", event(`{"name":"subscription_count","channel":"a"}`), "has no subscription_count"},
		{"negative count", event(`{"name":"subscription_count","channel":"a","subscription_count":-1}`), "subscription_count"},
		{"count with a fraction", event(`{"name":"subscription_count","channel":"a","subscription_count":1.5}`), "subscription_count"},
		{"count that is a word", event(`{"name":"subscription_count","channel":"a","subscription_count":"many"}`), "subscription_count"},
		{"count above the maximum", event(`{"name":"subscription_count","channel":"a","subscription_count":` + strconv.FormatUint(math.MaxInt+1, 10) + `}`), "subscription_count: unexpected value"},
	}
	verifier := newVerifier(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifier.ParseBytes(signed(tt.body), []byte(tt.body))
			if !errors.Is(err, webhook.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseBytes(%.100q) = %v, want %v with %q", tt.body, err, webhook.ErrMalformed, tt.want)
			}
		})
	}
}
