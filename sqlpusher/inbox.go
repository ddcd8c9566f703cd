package sqlpusher

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// inboxRetention is how long an applied webhook is remembered. Pusher sends a webhook
// again for 5 minutes.
const inboxRetention = 24 * time.Hour

// Once reports whether the webhook with this ID, see [webhook.Webhook], is applied for the
// first time, and marks it as applied in the transaction tx:
//
//	first, err := store.Once(ctx, tx, hook.ID)
//	if err != nil || !first {
//		return err
//	}
//	// change the data of the app in tx
//
// If tx is rolled back, the webhook was not applied. A concurrent transaction with the
// same ID waits for the end of tx. IDs are kept for 24 hours.
func (s *Store) Once(ctx context.Context, tx Tx, id string) (first bool, err error) {
	n, err := s.exec(ctx, tx, `INSERT INTO {}inbox AS i (id, applied, expires) VALUES ($1, true, {now} + $2)
ON CONFLICT (id) DO UPDATE SET applied = true, expires = excluded.expires WHERE NOT i.applied OR i.expires <= {now}`,
		id, inboxRetention.Milliseconds())
	if err != nil {
		return false, fmt.Errorf("sqlpusher: once: %w", err)
	}
	return n == 1, nil
}

// Duplicates returns a store for [webhook.WithDuplicateStore] that all processes with
// this database share. It uses the table of [Store.Once], so a webhook that Once has
// marked is Handled even if the process died before the response.
func (s *Store) Duplicates() webhook.DuplicateStore { return duplicates{s} }

type duplicates struct{ *Store }

func (d duplicates) Begin(ctx context.Context, id string, lease time.Duration) (token string, state webhook.ClaimState, err error) {
	token = rand.Text()
	n, err := d.write(ctx, `INSERT INTO {}inbox AS i (id, token, lease_end, expires) VALUES ($1, $2, {now} + $3, {now} + $3)
ON CONFLICT (id) DO UPDATE SET token = excluded.token, lease_end = excluded.lease_end, applied = false, expires = excluded.expires
WHERE i.expires <= {now}`, id, token, lease.Milliseconds())
	if err != nil {
		return "", 0, fmt.Errorf("sqlpusher: begin: %w", err)
	}
	if n == 1 {
		return token, webhook.Claimed, nil
	}
	handled := false
	if err := d.db.QueryRowContext(ctx, d.sql("SELECT coalesce((SELECT applied FROM {}inbox WHERE id = $1), false)"), id).Scan(&handled); err != nil {
		return "", 0, fmt.Errorf("sqlpusher: begin: %w", err)
	}
	if handled {
		return "", webhook.Handled, nil
	}
	return "", webhook.Running, nil
}

func (d duplicates) End(ctx context.Context, id, token string, handled bool, keep time.Duration) error {
	var n int64
	var err error
	if handled {
		n, err = d.write(ctx, `UPDATE {}inbox SET token = '', applied = true, expires = CASE WHEN applied THEN expires ELSE {now} + $3 END
WHERE id = $1 AND token = $2`, id, token, keep.Milliseconds())
	} else {
		n, err = d.write(ctx, `UPDATE {}inbox SET token = '', expires = CASE WHEN applied THEN expires ELSE 0 END
WHERE id = $1 AND token = $2`, id, token)
	}
	if err != nil {
		return fmt.Errorf("sqlpusher: end: %w", err)
	}
	if n == 0 {
		return webhook.ErrClaimLost
	}
	return nil
}
