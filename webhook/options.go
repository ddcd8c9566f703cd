package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/openchannels/pusher-go/internal/encryption"
)

// defaultMaxBytes holds a full batch with room to spare: Pusher sends at most 20
// events at once, and a client event's data has at most 10 KiB before JSON
// escapes it.
const defaultMaxBytes = 1 << 20

// An Option changes a [Verifier] that [NewVerifier] makes.
type Option func(*config) error

type config struct {
	tokens     []Token
	masterKey  *encryption.MasterKey
	maxBytes   int64
	maxAge     time.Duration
	duplicates *duplicates
	logger     *slog.Logger
}

// WithToken accepts deliveries signed with a further key. Pusher signs with the
// app's oldest active key, so rotating keys takes both for a while.
//
// Source: Pusher Channels docs, Webhooks.
func WithToken(token Token) Option {
	return func(c *config) error {
		c.tokens = append(c.tokens, token)
		if err := token.validate(); err != nil {
			return fmt.Errorf("WithToken: %w", err)
		}
		return nil
	}
}

// WithEncryptionMasterKey decrypts client events on private-encrypted- channels.
// The key is the app's master key: 32 bytes in base64. Without it such an event
// carries [ErrDecrypt] and its data as it came.
func WithEncryptionMasterKey(base64 string) Option {
	return func(c *config) error {
		key, err := encryption.ParseMasterKey(base64)
		if err != nil {
			return fmt.Errorf("WithEncryptionMasterKey: %w", err)
		}
		c.masterKey = key
		return nil
	}
}

// WithMaxBytes refuses bodies of more than n bytes with [ErrTooLarge]. The
// default is 1 MiB, which a batch of 20 events, the most Pusher sends, does not
// reach in practice.
func WithMaxBytes(n int) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxBytes(%d): want at least 1", n)
		}
		c.maxBytes = int64(n)
		return nil
	}
}

// WithMaxAge refuses webhooks that were created more than d ago with
// [ErrTooOld], so that one recorded on the way cannot be replayed later. The
// default is no limit.
//
// Pusher repeats a failed delivery for 5 minutes: an age below that loses
// repeats, and clocks that differ take from it too. A time in the future is
// never too old.
func WithMaxAge(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("WithMaxAge(%v): want more than 0", d)
		}
		c.maxAge = d
		return nil
	}
}

// WithDuplicateFilter keeps [Verifier.Handler] from handing over a delivery
// twice: one with the signature of a delivery that succeeded less than window ago
// is answered with 200 and dropped. At most maxEntries signatures are kept, about
// 200 bytes each; when there are more, the oldest is forgotten early. The default
// is no filter.
//
// Only success counts: after an error or a panic the repeat is handed over. A
// repeat that arrives while the first is still being handled waits for its
// outcome. Equal bodies have equal signatures, so two batches that do not differ
// in a byte, time included, are taken for one. The memory is this process's own:
// behind several instances, deduplicate in your store.
//
// Pusher repeats for 5 minutes, so a window above that is of little use, except
// against replays together with [WithMaxAge]. [Verifier.Parse] and
// [Verifier.ParseBytes] do not filter, because they cannot know of success.
func WithDuplicateFilter(window time.Duration, maxEntries int) Option {
	return func(c *config) error {
		if window <= 0 || maxEntries <= 0 {
			return fmt.Errorf("WithDuplicateFilter(%v, %d): want more than 0 of both", window, maxEntries)
		}
		c.duplicates = newDuplicates(window, maxEntries)
		return nil
	}
}

// WithLogger sets the logger of [Verifier.Handler]: refused deliveries are
// warnings, failed callbacks errors, dropped duplicates debug messages. The
// default is [slog.Default] at the time of [NewVerifier].
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		c.logger = logger
		return nil
	}
}
