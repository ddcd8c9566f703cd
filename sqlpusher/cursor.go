package sqlpusher

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rescanInterval is after what time a read starts at the beginning, for events that were
// sent again with [Store.Resend].
const rescanInterval = 30 * time.Second

// A cursor is how far a relay has read.
type cursor struct {
	last int64 // ID of the newest event that was read
	// open has the transactions that were open during the last read, and the position
	// of the last read before they took their IDs: all their events have higher IDs.
	open    map[string]int64
	scanned time.Time // when it last started at the beginning
}

func newCursor() cursor { return cursor{open: map[string]int64{}, scanned: time.Now()} }

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
// epoch. Which transactions have ended is decided by the snapshot of the statement that
// returns their events.
const fetchSQL = `SELECT %s, m.epoch, coalesce(e.id, 0), coalesce(e.shard, 0), coalesce(e.channel, ''), coalesce(e.seq, 0),
	coalesce(e.name, ''), e.data, coalesce(e.socket_id, ''), coalesce(e.idempotency_key, '')
FROM {}meta m LEFT JOIN (
	SELECT id, shard, channel, seq, name, data, socket_id, idempotency_key FROM {}events
	WHERE state = 0 AND shard IN (%s) AND id > %s ORDER BY id LIMIT %d
) e ON true ORDER BY e.id`

const lowestEnded = `(SELECT least($1::bigint, min(value::bigint)) FROM json_each_text($2::json)
	WHERE pg_visible_in_snapshot(key::xid8, pg_current_snapshot()))`

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
		open, err := json.Marshal(s.cursor.open)
		if err != nil {
			return nil, false, err
		}
		query, args = fmt.Sprintf(fetchSQL, "pg_current_snapshot()::text", strings.Join(in, ", "), lowestEnded, s.page()), append(args, string(open))
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
	more = n == s.page()
	return events, more, s.cursor.advance(snapshot, last, more)
}

// advance moves the cursor after a read. The snapshot is xmin:xmax:xip,xip,… in
// PostgreSQL, see its documentation of pg_snapshot, and empty in SQLite.
func (c *cursor) advance(snapshot string, last int64, full bool) error {
	before := c.last
	if full {
		c.last = last // maybe lower than before: the following pages are read again
	} else {
		c.last = max(before, last)
	}
	open := map[string]int64{}
	if snapshot != "" {
		parts := strings.Split(snapshot, ":")
		if len(parts) != 3 {
			return fmt.Errorf("pg_current_snapshot returned %q", snapshot)
		}
		for id := range strings.SplitSeq(parts[2], ",") {
			if id == "" {
				continue
			}
			position, known := c.open[id]
			if !known {
				position = before
			}
			open[id] = position
		}
	}
	c.open = open
	return nil
}
