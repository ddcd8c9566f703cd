package sqlpusher

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
)

// shards is how many relays can share the work. It is part of the schema.
const shards = 16

// States of an event.
const (
	pending   = "0"
	failed    = "1"
	published = "2"
)

// migrations are the statements of each version of the schema. A version that was
// released is never changed. {index} stands for the prefix without the schema, {id} and
// the names after it for what databases call differently.
var migrations = [][]string{{
	// One row.
	`CREATE TABLE IF NOT EXISTS {}meta (
	id integer PRIMARY KEY CHECK (id = 1),
	version integer NOT NULL,
	epoch text NOT NULL
)`,
	// data is text as bytes, because text of PostgreSQL cannot contain U+0000. seq is 0 on
	// channels without history. tx is the ID of the transaction that made the event pending,
	// and NULL if it is not.
	`CREATE TABLE {}events (
	id {id},
	shard {int2} NOT NULL,
	state {int2} NOT NULL DEFAULT 0,
	channel text {C} NOT NULL,
	seq bigint NOT NULL,
	name text NOT NULL,
	data {bytes} NOT NULL,
	socket_id text NOT NULL,
	idempotency_key text NOT NULL,
	added bigint NOT NULL DEFAULT ({now}),
	error text NOT NULL DEFAULT ''{tx}
){events}`,
	`CREATE INDEX {index}events_pending ON {}events (id) WHERE state = 0`,
	`{txIndex}`,
	`CREATE INDEX {index}events_failed ON {}events (id) WHERE state = 1`,
	`CREATE UNIQUE INDEX {index}events_history ON {}events (channel, seq) WHERE seq > 0`,
	`CREATE TABLE {}channels (
	channel text {C} PRIMARY KEY,
	seq bigint NOT NULL
){channels}`,
	// Times are in milliseconds since 1970 by the database's clock.
	`CREATE TABLE {}relays (
	id text PRIMARY KEY,
	beat bigint NOT NULL,
	lease_end bigint NOT NULL
)`,
	`CREATE TABLE {}shards (
	shard {int2} PRIMARY KEY,
	relay text NOT NULL DEFAULT ''
)`,
	`INSERT INTO {}shards (shard) VALUES {shards}`,
	// A row is a claim with a token until lease_end, or applied and kept until expires.
	`CREATE TABLE {}inbox (
	id text PRIMARY KEY,
	token text NOT NULL DEFAULT '',
	lease_end bigint NOT NULL DEFAULT 0,
	applied boolean NOT NULL DEFAULT false,
	expires bigint NOT NULL
)`,
	`CREATE INDEX {index}inbox_expires ON {}inbox (expires)`,
	`{trigger}`,
	`INSERT INTO {}meta (id, version, epoch) VALUES (1, 1, {epoch})`,
}}

// sqliteTrigger numbers the events of channels with history, which Add inserts with the
// number -1. PostgreSQL does this within the statement of Add, in sorted order.
const sqliteTrigger = `CREATE TRIGGER {}number AFTER INSERT ON {}events WHEN NEW.seq < 0 BEGIN
	INSERT INTO {}channels (channel, seq) VALUES (NEW.channel, 1)
		ON CONFLICT (channel) DO UPDATE SET seq = seq + 1;
	UPDATE {}events SET seq = (SELECT seq FROM {}channels WHERE channel = NEW.channel) WHERE id = NEW.id;
END`

func (s *Store) schemaSQL(text string) string {
	index := s.prefix[strings.LastIndex(s.prefix, ".")+1:]
	rows := make([]string, shards)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d)", i)
	}
	replacements := []string{"{index}", index, "{shards}", strings.Join(rows, ", "), "{epoch}", s.newEpoch()}
	if s.dialect == SQLite {
		if schema, _, found := strings.Cut(s.prefix, "."); found {
			replacements[1] = schema + "." + index // SQLite puts the schema before the name of the index
			text = strings.ReplaceAll(text, " ON {}events", " ON "+index+"events")
			text = strings.ReplaceAll(text, " ON {}inbox", " ON "+index+"inbox")
		}
		replacements = append(replacements, "{id}", "integer PRIMARY KEY AUTOINCREMENT", "{int2}", "integer",
			"{C}", "", "{bytes}", "blob", "{events}", "", "{channels}", "", "{trigger}", sqliteTrigger, "{tx}", "", "{txIndex}", "")
	} else {
		replacements = append(replacements, "{id}", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "{int2}", "smallint",
			// Published events leave dead rows, and numbers are updated in place.
			"{C}", `COLLATE "C"`, "{bytes}", "bytea", "{events}", " WITH (autovacuum_vacuum_scale_factor = 0.02)",
			"{channels}", " WITH (fillfactor = 50)", "{trigger}", "",
			"{tx}", ",\n\ttx xid8 DEFAULT pg_current_xact_id()",
			// Its condition follows from a comparison of tx, and from nothing else: if many rows
			// are dead, the planner believes that every index is small, and would read all of
			// this one in place of a few rows of the primary key.
			"{txIndex}", "CREATE INDEX "+index+"events_tx ON {}events (tx) WHERE tx IS NOT NULL")
	}
	return s.sql(strings.NewReplacer(replacements...).Replace(text))
}

// newEpoch returns an expression for a random epoch of 16 characters.
func (s *Store) newEpoch() string {
	if s.dialect == SQLite {
		return "lower(hex(randomblob(8)))"
	}
	return "substr(md5(gen_random_uuid()::text), 1, 16)"
}

// A Migration is one version of the schema.
type Migration struct {
	Version int
	SQL     string // statements, each followed by a semicolon and a line feed
}

// Migrations returns the versions of the schema, for tools that apply migrations
// themselves. Apply each once, in a transaction.
func (s *Store) Migrations() []Migration {
	list := make([]Migration, len(migrations))
	for i := range migrations {
		list[i] = Migration{i + 1, strings.Join(s.statements(i), ";\n\n") + ";\n"}
	}
	return list
}

func (s *Store) statements(version int) []string {
	var list []string
	for _, text := range migrations[version] {
		if text = s.schemaSQL(text); text != "" {
			list = append(list, strings.ReplaceAll(text, "{}", s.prefix))
		}
	}
	return list
}

// Migrate creates the tables or changes them to the current version of the schema, in
// one transaction. It does nothing if they are current, and can be called by several
// processes. It needs the right to create tables; see [Store.Migrations] otherwise.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("sqlpusher: migrate: %w", err)
	}
	return nil
}

func (s *Store) migrate(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if s.dialect == PostgreSQL {
		hash := fnv.New64a()
		hash.Write([]byte(s.prefix))
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(hash.Sum64())); err != nil { //nolint:gosec // any number will do
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, s.schemaSQL(migrations[0][0])); err != nil {
		return err
	}
	version := 0
	if err := tx.QueryRowContext(ctx, s.sql("SELECT coalesce(max(version), 0) FROM {}meta")).Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("the tables have version %d of the schema, this program knows %d", version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		for _, statement := range s.statements(version) {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("version %d: %w", version+1, err)
			}
		}
	}
	return tx.Commit()
}

// NewEpoch begins a new epoch: all subscribers of channels with history load their state
// again. Call it after a backup was restored, and after a failover that may have lost
// transactions, because numbers of events are then used again. It is one UPDATE:
//
//	UPDATE pusher_meta SET epoch = 'any 16 new characters'
func (s *Store) NewEpoch(ctx context.Context) error {
	if _, err := s.write(ctx, "UPDATE {}meta SET epoch = "+s.newEpoch()); err != nil {
		return fmt.Errorf("sqlpusher: new epoch: %w", err)
	}
	return nil
}
