package sqlpusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/openchannels/pusher-go/pusher"
)

// maxAdd is the number of events of one Add. A statement of SQLite has at most 32,766
// arguments.
const maxAdd = 1000

// Add writes events in the transaction tx. A [Relay] publishes them after the commit,
// and never if the transaction is rolled back. Events of one Add keep their order.
//
// Call Add once in a transaction, as its last statement: on channels with history it
// locks the channel until the transaction ends. Wake the relay of this process with
// [Store.InTx].
//
// Add takes up to 1,000 events. It returns [pusher.ErrInvalid] if one of them breaks a
// limit of [pusher.Client.Trigger], or requests Info, which a relay could report to
// nobody. On channels with history the data has to be JSON, of at most
// [WithMaxDataBytes]. Data is stored unencrypted; the relay encrypts it. Metadata is not
// stored.
func (s *Store) Add(ctx context.Context, tx Tx, events ...pusher.Event) error {
	if len(events) == 0 {
		return nil
	}
	query, args, err := s.Statement(events...)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("sqlpusher: add: %w", err)
	}
	return nil
}

// Statement returns the SQL statement that [Store.Add] executes, and its arguments, for
// transactions that are not a [Tx], such as those of pgx. The arguments have the types
// int64, string and []byte.
func (s *Store) Statement(events ...pusher.Event) (query string, args []any, err error) {
	if len(events) == 0 || len(events) > maxAdd {
		return "", nil, fmt.Errorf("sqlpusher: add: %w: %d events, want 1 to %d", pusher.ErrInvalid, len(events), maxAdd)
	}
	history := map[string]int64{} // number of events by channel with history
	for i, event := range events {
		data, err := s.encode(event)
		if err != nil {
			return "", nil, fmt.Errorf("sqlpusher: add: event %d: %w", i+1, err)
		}
		args = append(args, int64(shardOf(event.Channel)), event.Channel, event.Name, []byte(data), event.SocketID, event.IdempotencyKey)
		if s.history(event.Channel) {
			history[event.Channel]++
		}
	}
	if s.dialect == SQLite {
		query, args = s.sqliteStatement(args, history)
	} else {
		query, args = s.postgresStatement(args, history)
	}
	return query, args, nil
}

// columns is the number of arguments of an event.
const columns = 6

func (s *Store) sqliteStatement(values []any, history map[string]int64) (query string, args []any) {
	var b strings.Builder
	b.WriteString(s.sql("INSERT INTO {}events (shard, channel, name, data, socket_id, idempotency_key, seq) VALUES "))
	for row := range slices.Chunk(values, columns) {
		if len(args) > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(?, ?, ?, ?, ?, ?, ?)")
		seq := int64(0)
		if history[row[1].(string)] > 0 {
			seq = -1 // see sqliteTrigger
		}
		args = append(append(args, row...), seq)
	}
	return b.String(), args
}

// The channels are locked in the order of their names, and the rows are sorted after
// that, before the identity column takes its numbers.
func (s *Store) postgresStatement(values []any, history map[string]int64) (query string, args []any) {
	var b strings.Builder
	arg := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	seq, join := "0", ""
	if len(history) > 0 {
		seq, join = "coalesce(n.seq - v.later, 0)", "LEFT JOIN numbered n ON n.channel = v.channel "
		b.WriteString("WITH numbered AS (INSERT INTO {}channels AS c (channel, seq) VALUES ")
		for i, channel := range slices.Sorted(maps.Keys(history)) {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "(%s, %s)", arg(channel), arg(history[channel]))
		}
		b.WriteString(" ON CONFLICT (channel) DO UPDATE SET seq = c.seq + excluded.seq RETURNING c.channel, c.seq) ")
	}
	b.WriteString("INSERT INTO {}events (shard, channel, name, data, socket_id, idempotency_key, seq) " +
		"SELECT v.shard, v.channel, v.name, v.data, v.socket_id, v.idempotency_key, " + seq + " FROM (VALUES ")
	later := maps.Clone(history)
	for i := 0; i < len(values); i += columns {
		row := values[i : i+columns]
		channel := row[1].(string)
		if history[channel] > 0 {
			later[channel]--
		}
		const casts = "($%d::smallint, $%d::text, $%d::text, $%d::bytea, $%d::text, $%d::text, $%d::bigint, %d)"
		if i > 0 {
			b.WriteString(", ")
		}
		n := len(args)
		fmt.Fprintf(&b, casts, n+1, n+2, n+3, n+4, n+5, n+6, n+7, i/columns)
		args = append(append(args, row...), later[channel])
	}
	b.WriteString(") AS v (shard, channel, name, data, socket_id, idempotency_key, later, place) " + join + "ORDER BY v.place")
	return s.sql(b.String()), args
}

// encode validates an event and returns its data.
func (s *Store) encode(event pusher.Event) (string, error) {
	if len(event.Info) > 0 {
		return "", fmt.Errorf("%w: the event requests info, which a relay cannot report", pusher.ErrInvalid)
	}
	data, err := s.client.Encode(event)
	if !s.history(event.Channel) {
		return data, err
	}
	switch tooLarge := errors.Is(err, pusher.ErrTooLarge); {
	case err != nil && !tooLarge:
		return "", err
	case len(data) > s.maxBytes:
		return "", fmt.Errorf("%w: %w: the data has %d bytes, the limit of WithMaxDataBytes is %d", pusher.ErrInvalid, pusher.ErrTooLarge, len(data), s.maxBytes)
	case !json.Valid([]byte(data)):
		return "", fmt.Errorf("%w: the data of an event on a channel with history has to be JSON", pusher.ErrInvalid)
	}
	return data, nil
}

func shardOf(channel string) uint32 {
	hash := fnv.New32a()
	hash.Write([]byte(channel))
	return hash.Sum32() % shards
}
