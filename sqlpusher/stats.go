package sqlpusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// Stats are for monitoring.
type Stats struct {
	Pending       int64         // events that are not published yet
	OldestPending time.Duration // age of the oldest of them, by the database's clock; 0 if there is none
	Failed        int64         // see [Store.Failed]
	Relays        int64         // running relays
}

// Stats counts events and relays. It reads all pending and failed events.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var stats Stats
	var age int64
	err := s.db.QueryRowContext(ctx, s.sql(`SELECT
	(SELECT count(*) FROM {}events WHERE state = 0),
	(SELECT coalesce({now} - min(added), 0) FROM {}events WHERE state = 0),
	(SELECT count(*) FROM {}events WHERE state = 1),
	(SELECT count(*) FROM {}relays WHERE lease_end > {now})`)).Scan(&stats.Pending, &age, &stats.Failed, &stats.Relays)
	if err != nil {
		return Stats{}, fmt.Errorf("sqlpusher: stats: %w", err)
	}
	stats.OldestPending = max(0, time.Duration(age)*time.Millisecond)
	return stats, nil
}

// A FailedEvent is an event that was rejected because of its content.
type FailedEvent struct {
	ID    int64
	Event pusher.Event // Data is a []byte
	Seq   int64        // number on a channel with history, or 0
	Added time.Time
	Error string
}

// Failed returns up to limit failed events, the oldest first. They are kept until they
// are sent again or deleted.
func (s *Store) Failed(ctx context.Context, limit int) ([]FailedEvent, error) {
	rows, err := s.db.QueryContext(ctx, s.sql(`SELECT id, channel, seq, name, data, socket_id, idempotency_key, added, error
FROM {}events WHERE state = 1 ORDER BY id LIMIT $1`), limit)
	if err != nil {
		return nil, fmt.Errorf("sqlpusher: failed: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []FailedEvent
	for rows.Next() {
		var f FailedEvent
		var data []byte
		var added int64
		if err := rows.Scan(&f.ID, &f.Event.Channel, &f.Seq, &f.Event.Name, &data, &f.Event.SocketID, &f.Event.IdempotencyKey, &added, &f.Error); err != nil {
			return nil, fmt.Errorf("sqlpusher: failed: %w", err)
		}
		f.Event.Data, f.Added = data, time.UnixMilli(added)
		list = append(list, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlpusher: failed: %w", err)
	}
	return list, nil
}

// Resend makes failed events pending, and returns how many there were. Relays send them
// within 30 seconds, after later events of their channels.
func (s *Store) Resend(ctx context.Context, ids ...int64) (int64, error) {
	return s.byID(ctx, "resend", "UPDATE {}events SET "+s.setState(pending)+", error = '' WHERE state = "+failed+" AND id ", ids)
}

// Discard gives failed events up, and returns how many there were. Those on channels with
// history stay in the history.
func (s *Store) Discard(ctx context.Context, ids ...int64) (int64, error) {
	n, err := s.byID(ctx, "discard", "UPDATE {}events SET "+s.setState(published)+" WHERE state = "+failed+" AND seq > 0 AND id ", ids)
	if err != nil {
		return 0, err
	}
	m, err := s.byID(ctx, "discard", "DELETE FROM {}events WHERE state = "+failed+" AND seq = 0 AND id ", ids)
	return n + m, err
}

func (s *Store) byID(ctx context.Context, op, statement string, ids []int64) (int64, error) {
	n, err := s.write(ctx, statement+s.idList(), idArray(ids))
	if err != nil {
		return 0, fmt.Errorf("sqlpusher: %s: %w", op, err)
	}
	return n, nil
}

// idArray returns the parameter of idList.
func idArray(ids []int64) string {
	list, _ := json.Marshal(append([]int64{}, ids...)) // numbers can be encoded
	return string(list)
}

// record writes the results of published events.
func (s *Store) record(ctx context.Context, batch []result) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	// Without "+ 0" the planner may read the index of pending events, with all its dead
	// rows, in place of the primary key.
	const stillPending = " WHERE state + 0 = " + pending + " AND id "
	return s.indexed(ctx, func(tx Tx) error {
		var sent, kept []int64
		for _, r := range batch {
			switch {
			case r.err != nil:
				if _, err := s.exec(ctx, tx, "UPDATE {}events SET "+s.setState(failed)+", error = $1"+stillPending+"= $2", r.err.Error(), r.id); err != nil {
					return err
				}
			case r.history:
				kept = append(kept, r.id)
			default:
				sent = append(sent, r.id)
			}
		}
		var errs [2]error
		if len(sent) > 0 {
			_, errs[0] = s.exec(ctx, tx, "DELETE FROM {}events"+stillPending+s.idList(), idArray(sent))
		}
		if len(kept) > 0 {
			_, errs[1] = s.exec(ctx, tx, "UPDATE {}events SET "+s.setState(published)+stillPending+s.idList(), idArray(kept))
		}
		return errors.Join(errs[:]...)
	})
}

// cleanBatch is the number of rows that Clean deletes in one transaction.
const cleanBatch = 1000

// Clean deletes events of channels with history that were published and are older than
// retention, and expired rows of the inbox. It returns how many rows it has deleted. Each
// transaction deletes at most 1,000 rows, so nobody waits for locks. Relays call it every
// minute, see [RelayConfig].
//
// A subscriber that needs a deleted event loads its state again.
func (s *Store) Clean(ctx context.Context, retention time.Duration) (deleted int64, err error) {
	for after := int64(0); ; {
		var last int64
		// The rows are nearly in the order of their age.
		err := s.db.QueryRowContext(ctx, s.sql(`SELECT coalesce(max(id), 0) FROM (
	SELECT id, added FROM {}events WHERE id > $1 ORDER BY id LIMIT $2) AS oldest WHERE added < {now} - $3`),
			after, cleanBatch, retention.Milliseconds()).Scan(&last)
		if err == nil && last > 0 {
			var n int64
			n, err = s.write(ctx, "DELETE FROM {}events WHERE id > $1 AND id <= $2 AND state = "+published+" AND added < {now} - $3", after, last, retention.Milliseconds())
			deleted += n
		}
		if err != nil {
			return deleted, fmt.Errorf("sqlpusher: clean: %w", err)
		}
		if last == 0 {
			break
		}
		after = last
	}
	for {
		n, err := s.write(ctx, "DELETE FROM {}inbox WHERE id IN (SELECT id FROM {}inbox WHERE expires <= {now} LIMIT $1)", cleanBatch)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("sqlpusher: clean: %w", err)
		}
		if n < cleanBatch {
			return deleted, nil
		}
	}
}
