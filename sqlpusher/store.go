package sqlpusher

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"

	"github.com/openchannels/pusher-go/pusher"
)

// A Dialect is the SQL of a database.
type Dialect int

// The databases that a [Store] can use.
const (
	PostgreSQL Dialect = iota + 1 // version 14 and later
	SQLite                        // version 3.35 and later
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case SQLite:
		return "SQLite"
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

// A Tx is a transaction of the app. [*sql.Tx] and [*sql.Conn] implement it, and so do
// the transactions of libraries that are built on database/sql. For others, see
// [Store.Statement].
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A Store is a set of tables in the database of the app. It is safe for concurrent use.
type Store struct {
	db       *sql.DB
	client   *pusher.Client
	dialect  Dialect
	prefix   string
	history  func(channel string) bool
	maxBytes int
	logger   *slog.Logger

	// writer has a token while a transaction of this store writes to SQLite, which has one
	// writer and does not queue those that wait: a busy app would starve the relay.
	writer chan struct{}

	mu    sync.Mutex
	wakes map[chan struct{}]bool // of relays in this process
}

// An Option configures a [Store].
type Option func(*Store) error

// WithPrefix sets what the names of the tables begin with, optionally after the name
// of a schema that exists: "pusher_", the default, or "realtime.pusher_". Both parts
// consist of lower-case letters, digits and underscores, at most 30 each.
func WithPrefix(prefix string) Option {
	return func(s *Store) error {
		if !validPrefix.MatchString(prefix) {
			return fmt.Errorf("WithPrefix(%q): want lower-case letters, digits and underscores, at most 30, optionally after a schema and a dot", prefix)
		}
		s.prefix = prefix
		return nil
	}
}

var validPrefix = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,29}\.)?[a-z_][a-z0-9_]{0,29}$`)

// WithHistory selects the channels with history. All processes that add events to a
// channel must agree. By default no channel has history.
func WithHistory(history func(channel string) bool) Option {
	return func(s *Store) error {
		if history == nil {
			return errors.New("WithHistory: the function is nil")
		}
		s.history = history
		return nil
	}
}

// WithMaxDataBytes sets how many bytes the data of an event on a channel with history
// may have. The default is 1 MiB. Subscribers fetch data that is larger than 64 KiB or
// than the limit of the client. The limit of other channels is that of the client.
func WithMaxDataBytes(n int) Option {
	return func(s *Store) error {
		if n < 1 {
			return fmt.Errorf("WithMaxDataBytes(%d): at least 1 is required", n)
		}
		s.maxBytes = n
		return nil
	}
}

// WithLogger sets the logger of relays and of [Store.Handler]. The default is
// [slog.Default].
func WithLogger(logger *slog.Logger) Option {
	return func(s *Store) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		s.logger = logger
		return nil
	}
}

// New returns a store. It performs no I/O: the tables are created by [Store.Migrate].
// The client validates events in [Store.Add] and publishes them in a [Relay]; both need
// the same limits and master key. New returns [pusher.ErrConfiguration] with all reasons
// if an argument is invalid.
func New(db *sql.DB, dialect Dialect, client *pusher.Client, opts ...Option) (*Store, error) {
	s := &Store{
		db: db, client: client, dialect: dialect,
		prefix: "pusher_", history: func(string) bool { return false }, maxBytes: 1 << 20,
		writer: make(chan struct{}, 1), wakes: map[chan struct{}]bool{},
	}
	var errs []error
	if db == nil {
		errs = append(errs, errors.New("the database is nil"))
	}
	if client == nil {
		errs = append(errs, errors.New("the client is nil"))
	}
	if dialect != PostgreSQL && dialect != SQLite {
		errs = append(errs, fmt.Errorf("%v is unknown: want PostgreSQL or SQLite", dialect))
	}
	for _, opt := range opts {
		if opt == nil {
			errs = append(errs, errors.New("an option is nil"))
		} else if err := opt(s); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("sqlpusher: New: %w: %w", pusher.ErrConfiguration, err)
	}
	return s, nil
}

// InTx calls f with a transaction, commits it if f returns nil, and wakes the relays of
// this process, so that they need not poll. If f returns an error or panics, the
// transaction is rolled back. Errors of f and of the database are returned wrapped;
// serialization failures and deadlocks (40001 and 40P01 in PostgreSQL) are the caller's
// to retry.
//
// With SQLite, a transaction of InTx and the relays of the same store wait for each
// other in a queue. Begin transactions that write with BEGIN IMMEDIATE, an option of the
// driver, and do not call methods of the store within f that have no tx.
func (s *Store) InTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("sqlpusher: begin: %w", err)
	}
	defer unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlpusher: begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlpusher: commit: %w", err)
	}
	s.wakeRelays()
	return nil
}

func (s *Store) wakeRelays() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for wake := range s.wakes {
		signal(wake)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sql returns a statement for the store's tables and database. In the text, {} stands
// for the prefix, $1 to $9 for arguments and {now} for the time in milliseconds by the
// database's clock.
func (s *Store) sql(text string) string {
	now := `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`
	if s.dialect == SQLite {
		now = `CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)`
		text = strings.ReplaceAll(text, "$", "?")
	}
	return strings.NewReplacer("{}", s.prefix, "{now}", now).Replace(text)
}

// idList returns the condition that an ID is in a JSON array, which is the parameter $1.
// As an array it cannot become a join, which may read a whole index.
func (s *Store) idList() string {
	if s.dialect == SQLite {
		return "IN (SELECT value FROM json_each($1))"
	}
	return "= ANY (ARRAY(SELECT value::bigint FROM json_array_elements_text($1::json)))"
}

// setState returns the assignment of a state. In PostgreSQL it includes the transaction,
// which only pending events have.
func (s *Store) setState(state string) string {
	switch {
	case s.dialect == SQLite:
		return "state = " + state
	case state == pending:
		return "state = " + state + ", tx = DEFAULT"
	default:
		return "state = " + state + ", tx = NULL"
	}
}

// lock waits until no other transaction of this store writes to SQLite.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if s.dialect != SQLite {
		return func() {}, nil
	}
	select {
	case s.writer <- struct{}{}:
		return func() { <-s.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// write executes a statement in a transaction of its own.
func (s *Store) write(ctx context.Context, text string, args ...any) (int64, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	return s.exec(ctx, s.db, text, args...)
}

// indexed calls f with a transaction in which PostgreSQL reads no table as a whole. The
// driver's prepared statements keep plans that were made when the table was small, and a
// table that an open transaction fills with deleted rows looks small all the time.
func (s *Store) indexed(ctx context.Context, f func(Tx) error) error {
	if s.dialect == SQLite {
		return f(s.db)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *Store) exec(ctx context.Context, tx Tx, text string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, s.sql(text), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *Store) log() *slog.Logger { return cmp.Or(s.logger, slog.Default()) }
