package webhook

import (
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
			if err != nil && i > 0 {
				return fmt.Errorf("%w: WithEncryptionMasterKey: previous key %d: %w", ErrConfiguration, i, err)
			}
			if err != nil {
				return fmt.Errorf("%w: WithEncryptionMasterKey: %w", ErrConfiguration, err)
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
			return fmt.Errorf("%w: WithMaxBytes(%d): must be at least 1", ErrConfiguration, n)
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
			return fmt.Errorf("%w: WithMaxAge(%v): must be positive", ErrConfiguration, d)
		}
		c.maxAge = d
		return nil
	}
}

// WithDuplicateFilter makes [Verifier.Handler] drop duplicates: a webhook with the
// signature of one that was handled successfully less than window ago gets status
// code 200 and is not handled again. At most maxEntries signatures are kept, about
// 200 bytes each; beyond that the oldest is forgotten early. The default is no
// filter.
//
// A webhook whose handling failed or panicked is handled again. A duplicate that
// arrives while the first is still being handled waits for its outcome. Equal
// bodies have equal signatures, so two batches that are identical including their
// time count as one. The filter is in memory: if several instances receive
// webhooks, deduplicate in your database.
//
// Pusher retries for 5 minutes, so a longer window is of little use, except
// against replays together with [WithMaxAge]. [Verifier.Parse] and
// [Verifier.ParseBytes] do not filter, because they cannot know whether the
// webhook is handled successfully.
func WithDuplicateFilter(window time.Duration, maxEntries int) Option {
	return func(c *config) error {
		if window <= 0 || maxEntries <= 0 {
			return fmt.Errorf("%w: WithDuplicateFilter(%v, %d): both must be positive", ErrConfiguration, window, maxEntries)
		}
		c.duplicates = newDuplicates(window, maxEntries)
		return nil
	}
}

// WithLogger sets the logger of [Verifier.Handler]. Rejected webhooks are logged
// as warnings, errors of the handler's function as errors, dropped duplicates as
// debug messages. The text of an error is redacted, on one line and at most 500
// bytes long, because it may quote the request. The default is [slog.Default] at
// the time of [New].
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return fmt.Errorf("%w: WithLogger: logger is nil", ErrConfiguration)
		}
		c.logger = logger
		return nil
	}
}
