package sqlpusher

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rescanInterval is after what time a read starts at the beginning, for events that were
// sent again with [Store.Resend].
const rescanInterval = 30 * time.Second

// A cursor is how far a relay has read: everything that its last read could see, up to
// the event with ID last.
type cursor struct {
	last     int64
	snapshot string    // of the last read, in PostgreSQL
	scanned  time.Time // when it last started at the beginning
}

// newCursor starts at the beginning. In its snapshot every transaction is visible.
func newCursor() cursor {
	return cursor{snapshot: "9000000000000000000:9000000000000000000:", scanned: time.Now()}
}

// An event is a pending event as it is stored.
type event struct {
	row      row
	channel  string
	seq      int64
	name     string
	data     []byte
	socketID string
	key      string
	epoch    string
}

// fetchSQL has one row without an event if there is none, for the snapshot and the
// epoch.
const fetchSQL = `SELECT %s, m.epoch, coalesce(e.id, 0), coalesce(e.shard, 0), coalesce(e.channel, ''), coalesce(e.seq, 0),
	coalesce(e.name, ''), e.data, coalesce(e.socket_id, ''), coalesce(e.idempotency_key, '')
FROM {}meta m LEFT JOIN (
	SELECT id, shard, channel, seq, name, data, socket_id, idempotency_key FROM {}events
	WHERE state = 0 AND shard IN (%s) AND id > %s ORDER BY id LIMIT %d
) e ON true ORDER BY e.id`

// start is the ID after which PostgreSQL reads: last, or less if the last read could not
// see an event with a lower ID, because its transaction was open or had not begun. OFFSET
// keeps the planner from searching the lowest ID in the order of IDs.
const start = `(SELECT least($1::bigint, (
	SELECT min(id) - 1 FROM (SELECT id FROM {}events WHERE state = 0 AND tx >= pg_snapshot_xmax($2::pg_snapshot) OFFSET 0) AS began
), (
	SELECT min(id) - 1 FROM (
		SELECT e.id FROM pg_snapshot_xip($2::pg_snapshot) AS x JOIN {}events e ON e.state = 0 AND e.tx = x
		WHERE pg_visible_in_snapshot(x, pg_current_snapshot()) OFFSET 0
	) AS ended
)))`

// fetch reads the next events of the session's shards, without those in flight. More
// reports that there may be further ones.
func (s *session) fetch(ctx context.Context) (events []event, more bool, err error) {
	var in []string
	for shard, reading := range s.held {
		if reading {
			in = append(in, fmt.Sprint(shard))
		}
	}
	if len(in) == 0 {
		return nil, false, nil
	}
	slices.Sort(in)
	if time.Since(s.cursor.scanned) >= rescanInterval {
		s.cursor = newCursor()
	}
	query, args := fmt.Sprintf(fetchSQL, "''", strings.Join(in, ", "), "$1", s.page()), []any{s.cursor.last}
	if s.store.dialect == PostgreSQL {
		query = fmt.Sprintf(fetchSQL, "pg_current_snapshot()::text", strings.Join(in, ", "), start, s.page())
		args = append(args, s.cursor.snapshot)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Lease)
	defer cancel()
	rows, err := s.store.db.QueryContext(ctx, s.store.sql(query), args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }()
	var snapshot string
	var last int64
	n := 0
	for rows.Next() {
		var e event
		if err := rows.Scan(&snapshot, &e.epoch, &e.row.id, &e.row.shard, &e.channel, &e.seq, &e.name, &e.data, &e.socketID, &e.key); err != nil {
			return nil, false, err
		}
		if e.row.id == 0 {
			continue
		}
		n++
		last, e.row.history = e.row.id, e.seq > 0
		if _, known := s.inFlight[e.row.id]; !known {
			events = append(events, e)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	if more = n == s.page(); !more {
		last = max(last, s.cursor.last)
	}
	s.cursor.last, s.cursor.snapshot = last, snapshot
	return events, more, nil
}
