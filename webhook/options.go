package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/openchannels/pusher-go/internal/encryption"
)

// defaultMaxBytes leaves room for a full batch of 20 events: the data of a client
// event has up to 10 KiB before JSON escapes it.
const defaultMaxBytes = 1 << 20

// An Option configures a [Verifier], see [New].
type Option func(*config) error

// WithKey adds a further key of the app, so that webhooks are accepted while keys
// are rotated. Pusher signs with the oldest active key of the app.
//
// Source: Pusher Channels docs, Webhooks.
func WithKey(key, secret string) Option {
	return func(c *config) error {
		if err := c.addKey(key, secret); err != nil {
			return fmt.Errorf("WithKey: %w", err)
		}
		return nil
	}
}

// WithEncryptionMasterKey decrypts client events on private-encrypted- channels.
// A master key is 32 bytes in standard base64 with padding. Without this option
// such an event keeps its encrypted data and has [ErrDecrypt] in its Err field.
//
// To rotate the master key, pass the previous keys as well. They decrypt client events
// of subscribers that have not received the new key of their channel yet. The current
// key is tried first. If the option is given more than once, the last one wins.
func WithEncryptionMasterKey(current string, previous ...string) Option {
	return func(c *config) error {
		c.masterKeys = nil
		for i, base64 := range append([]string{current}, previous...) {
			key, err := encryption.ParseMasterKey(base64)
			if err != nil {
				return fmt.Errorf("WithEncryptionMasterKey: argument %d: %w", i+1, err)
			}
			c.masterKeys = append(c.masterKeys, key)
		}
		return nil
	}
}

// WithMaxBytes limits the size of a body to n bytes. The methods of the [Verifier]
// return [ErrTooLarge] for a larger body. The default is 1 MiB; a batch of 20 events,
// the most that Pusher sends, stays below it in practice.
func WithMaxBytes(n int) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxBytes(%d): at least 1 is required", n)
		}
		c.maxBytes = int64(n)
		return nil
	}
}

// WithMaxAge rejects webhooks that were created more than d ago with [ErrTooOld],
// so that a recorded webhook cannot be replayed later. The default is no limit.
//
// Pusher retries a failed webhook for 5 minutes, so a shorter limit loses webhooks.
// Leave room for clock skew too. A time in the future is never too old.
func WithMaxAge(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("WithMaxAge(%v): a positive duration is required", d)
		}
		c.maxAge = d
		return nil
	}
}

// WithDuplicateStore makes [Verifier.Handler] skip webhooks that were handled before,
// according to the store. Processes that share a store handle each webhook once. A
// claim has a lease of 1 minute, and a handled webhook stays Handled for 10 minutes,
// twice as long as Pusher retries.
//
// The handler responds with status code 200 to a webhook that is Handled, and with 503
// if it is Running or if Begin fails, so that Pusher sends it again. After the
// function, it calls End with a context of its own that ends after 5 seconds. A failed
// End is logged and does not change the response.
//
// A webhook is still handled twice if the process dies after the function has returned
// and before End has, or if the function takes longer than the lease.
//
// Only one of [WithDuplicateStore] and [WithDuplicateFilter] is used: the last option
// wins. [Verifier.Parse] and [Verifier.ParseBytes] do not use it, because they cannot
// know whether the webhook is handled successfully.
func WithDuplicateStore(store DuplicateStore) Option {
	return func(c *config) error {
		if store == nil {
			return errors.New("WithDuplicateStore: the store is nil")
		}
		c.duplicates, c.keep = store, 10*time.Minute
		return nil
	}
}

// WithDuplicateFilter is like [WithDuplicateStore] with a store in memory, for a
// single process: a webhook that was handled successfully less than window ago is
// skipped. The store keeps at most maxEntries webhooks, about 200 bytes each, and
// forgets the oldest ones early.
//
// Pusher retries for 5 minutes, so a longer window is of little use, except
// against replays together with [WithMaxAge].
func WithDuplicateFilter(window time.Duration, maxEntries int) Option {
	return func(c *config) error {
		if window <= 0 || maxEntries < 1 {
			return fmt.Errorf("WithDuplicateFilter(%v, %d): a positive duration and at least 1 entry are required", window, maxEntries)
		}
		c.duplicates, c.keep = newMemoryStore(maxEntries), window
		return nil
	}
}

// WithLogger sets the logger of [Verifier.Handler]. Rejected webhooks are logged as
// warnings, errors of the handler's function and of a [DuplicateStore] as errors, and
// duplicates as debug messages. The text of an error is redacted, on one line and at
// most 500 bytes long, because it may quote the request. The default is [slog.Default]
// at the time of logging.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		c.logger = logger
		return nil
	}
}
