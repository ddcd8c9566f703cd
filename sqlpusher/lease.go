package sqlpusher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

var (
	errLeaseLost   = errors.New("the lease was lost: the relay was paused, or the database has other data")
	errLeaseEnding = errors.New("the lease could not be renewed in time")
)

// register creates the row of the session's lease, without shards.
func (s *session) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	_, err := s.store.write(ctx, "INSERT INTO {}relays (id, beat, lease_end) VALUES ($1, 0, {now} + $2)", s.id, s.config.Lease.Milliseconds())
	return err
}

// leave ends the lease.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if _, err := s.store.write(ctx, "DELETE FROM {}relays WHERE id = $1", s.id); err != nil {
		s.logs.failed(ctx, "sqlpusher: leave", err)
	}
}

// renew extends the lease until ctx is done. It aborts the session when less than a
// request's timeout of the lease is left.
//
// Renewals are numbered: a number lower than the last confirmed one means that the
// database was replaced by an older copy, so that the cursor is worthless.
func (s *session) renew(ctx context.Context) {
	end := time.Now().Add(s.config.Lease - s.config.RequestTimeout - time.Second) // register took up to a second
	ending := time.AfterFunc(time.Until(end), func() { s.abort(errLeaseEnding) })
	defer ending.Stop()
	confirmed := int64(0)
	for beat := int64(1); ; beat++ {
		sleep(ctx, s.config.Lease/10)
		if ctx.Err() != nil {
			return
		}
		sent := time.Now()
		attempt, cancel := context.WithTimeout(ctx, s.config.Lease/4)
		n, err := s.store.write(attempt, "UPDATE {}relays SET beat = $1, lease_end = {now} + $2 WHERE id = $3 AND lease_end > {now} AND beat >= $4",
			beat, s.config.Lease.Milliseconds(), s.id, confirmed)
		cancel()
		switch {
		case err != nil:
			if ctx.Err() == nil {
				s.logs.failed(ctx, "sqlpusher: renew lease", err)
			}
		case n == 0:
			s.abort(errLeaseLost)
			return
		case !ending.Stop(): // the relay was paused, or the session is ending anyway
			return
		default:
			confirmed = beat
			ending.Reset(time.Until(sent.Add(s.config.Lease - s.config.RequestTimeout)))
		}
	}
}

// share ends leases of dead relays, takes free shards up to an equal share, and returns
// those that exceed it when none of their events is in flight.
func (s *session) share(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Lease/4)
	defer cancel()
	// A renewal that is not committed yet locks the row, so a relay whose row
	// was deleted cannot renew its lease.
	if _, err := s.store.write(ctx, "DELETE FROM {}relays WHERE lease_end <= {now}"); err != nil {
		return err
	}
	rows, err := s.store.db.QueryContext(ctx, s.store.sql(`SELECT s.shard, s.relay, r.id IS NOT NULL, (SELECT count(*) FROM {}relays)
FROM {}shards s LEFT JOIN {}relays r ON r.id = s.relay ORDER BY s.shard`))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	free := map[int]string{} // dead relay by shard
	mine := map[int]bool{}
	relays := 0
	for rows.Next() {
		var shard int
		var relay string
		var alive bool
		if err := rows.Scan(&shard, &relay, &alive, &relays); err != nil {
			return err
		}
		if relay == s.id {
			mine[shard] = true
		} else if !alive {
			free[shard] = relay
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for shard := range s.held {
		if !mine[shard] {
			s.abort(errLeaseLost)
			return errLeaseLost
		}
	}
	for shard := range mine {
		if _, known := s.held[shard]; !known { // the response to an earlier UPDATE was lost
			s.take(shard)
		}
	}
	share := (shards + relays - 1) / max(relays, 1)
	if err := s.returnExcess(ctx, share); err != nil {
		return err
	}
	for shard, relay := range free {
		if len(s.held) >= share {
			break
		}
		n, err := s.store.write(ctx, "UPDATE {}shards SET relay = $1 WHERE shard = $2 AND relay = $3", s.id, shard, relay)
		if err != nil {
			return fmt.Errorf("take shard: %w", err)
		}
		if n == 1 {
			s.take(shard)
		}
	}
	s.cleans.Store(s.held[0])
	return nil
}

// take reads events of the shard from now on. They may have any ID.
func (s *session) take(shard int) {
	s.held[shard] = true
	s.cursor = newCursor()
}

// returnExcess stops reading the shards that exceed the share, and returns those that
// have no event in flight.
func (s *session) returnExcess(ctx context.Context, share int) error {
	busy := map[int]bool{}
	for _, r := range s.inFlight {
		busy[r.shard] = true
	}
	for i, shard := range slices.Sorted(maps.Keys(s.held)) {
		if i < share {
			if !s.held[shard] {
				s.take(shard)
			}
			continue
		}
		s.held[shard] = false
		if busy[shard] {
			continue
		}
		if _, err := s.store.write(ctx, "UPDATE {}shards SET relay = '' WHERE shard = $1 AND relay = $2", shard, s.id); err != nil {
			return fmt.Errorf("return shard: %w", err)
		}
		delete(s.held, shard)
	}
	return nil
}
