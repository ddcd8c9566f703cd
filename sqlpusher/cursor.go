package sqlpusher

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rescanInterval is after what time a read of SQLite starts at the beginning, for events
// that were sent again with [Store.Resend]. In PostgreSQL they have a new transaction.
const rescanInterval = 30 * time.Second

// fetchTimeout limits one read. A relay that starts reads past all rows that were deleted
// and could not be removed yet, which takes a few seconds for ten million.
const fetchTimeout = time.Minute

// A cursor is how far a relay has read: everything that its last read could see, up to
// the event with ID last.
type cursor struct {
	last     int64
	snapshot string    // of the last read, in PostgreSQL
	began    time.Time // when it started at the beginning
}

// newCursor starts at the beginning. In its snapshot every transaction is visible.
func newCursor() cursor {
	return cursor{snapshot: "9000000000000000000:9000000000000000000:", began: time.Now()}
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

// fetchSQL reads a range of IDs that begins with the first pending event. A LIMIT in its
// place would sort all pending events, if the planner underestimates their number, as it
// does when there usually are none. If there is no event, the statement has one row
// with the snapshot. The condition on m.id is for its index: within [Store.indexed],
// reading the one row without it looks so expensive that the plan would be compiled.
const fetchSQL = `WITH first AS (SELECT (SELECT id FROM {}events WHERE state = 0 AND id > %[1]s ORDER BY id LIMIT 1) AS id)
SELECT %[2]s, m.epoch, coalesce((SELECT id FROM first), 0),
	EXISTS (SELECT 1 FROM {}events WHERE state = 0 AND id >= (SELECT id + %[3]d FROM first)),
	coalesce(e.id, 0), coalesce(e.shard, 0), coalesce(e.channel, ''), coalesce(e.seq, 0),
	coalesce(e.name, ''), e.data, coalesce(e.socket_id, ''), coalesce(e.idempotency_key, '')
FROM {}meta m LEFT JOIN (
	SELECT id, shard, channel, seq, name, CASE WHEN seq = 0 OR length(data) <= %[5]d THEN data END AS data, socket_id, idempotency_key
	FROM {}events WHERE state = 0 AND shard IN (%[4]s) AND id >= (SELECT id FROM first) AND id < (SELECT id + %[3]d FROM first)
) e ON true WHERE m.id = 1 ORDER BY e.id`

// maxInline limits the data that is read for events with history, and so the memory of a
// relay: subscribers fetch larger data, whatever the limit of the server is.
const maxInline = 64 << 10

// start is the ID after which PostgreSQL reads: last, or less if the last read could not
// see an event with a lower ID, because its transaction was open or had not begun. OFFSET
// keeps the planner from searching the lowest ID in the order of IDs.
const start = `(SELECT least($1::bigint, (
	SELECT min(id) - 1 FROM (SELECT id FROM {}events WHERE tx >= pg_snapshot_xmax($2::pg_snapshot) OFFSET 0) AS began
), (
	SELECT min((SELECT min(id) - 1 FROM (SELECT id FROM {}events WHERE tx = x.id OFFSET 0) AS ended))
	FROM pg_snapshot_xip($2::pg_snapshot) AS x (id) WHERE pg_visible_in_snapshot(x.id, pg_current_snapshot())
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
	if s.store.dialect == SQLite && time.Since(s.cursor.began) >= rescanInterval {
		s.cursor = newCursor()
	}
	after, snapshot, args := "$1", "''", []any{s.cursor.last}
	if s.store.dialect == PostgreSQL {
		after, snapshot, args = start, "pg_current_snapshot()::text", append(args, s.cursor.snapshot)
	}
	query := fmt.Sprintf(fetchSQL, after, snapshot, s.page(), strings.Join(in, ", "), maxInline)
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	var first int64
	last := s.cursor.last
	err = s.store.indexed(ctx, func(tx Tx) error {
		rows, err := tx.QueryContext(ctx, s.store.sql(query), args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var e event
			if err := rows.Scan(&snapshot, &e.epoch, &first, &more, &e.row.id, &e.row.shard, &e.channel, &e.seq, &e.name, &e.data, &e.socketID, &e.key); err != nil {
				return err
			}
			if e.row.id == 0 {
				continue
			}
			last, e.row.history = max(last, e.row.id), e.seq > 0
			if _, known := s.inFlight[e.row.id]; !known {
				events = append(events, e)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, false, err
	}
	if more { // last may decrease: the events up to it are read again
		last = first + int64(s.page()) - 1
	}
	s.cursor.last, s.cursor.snapshot = last, snapshot
	return events, more, nil
}
