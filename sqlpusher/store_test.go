package sqlpusher_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/sqlpusher"
)

func TestNew_Invalid(t *testing.T) {
	a := newApp(t, databases[0])
	tests := map[string]struct {
		dialect sqlpusher.Dialect
		option  sqlpusher.Option
		want    string
	}{
		"dialect":      {0, sqlpusher.WithPrefix("x_"), "Dialect(0) is unknown"},
		"SQL":          {sqlpusher.SQLite, sqlpusher.WithPrefix("x; DROP TABLE orders; --"), "WithPrefix"},
		"quote":        {sqlpusher.SQLite, sqlpusher.WithPrefix(`x"_`), "WithPrefix"},
		"line feed":    {sqlpusher.SQLite, sqlpusher.WithPrefix("x_\n"), "WithPrefix"},
		"upper case":   {sqlpusher.SQLite, sqlpusher.WithPrefix("X_"), "WithPrefix"},
		"empty prefix": {sqlpusher.SQLite, sqlpusher.WithPrefix(""), "WithPrefix"},
		"long prefix":  {sqlpusher.SQLite, sqlpusher.WithPrefix(strings.Repeat("x", 31)), "WithPrefix"},
		"history":      {sqlpusher.SQLite, sqlpusher.WithHistory(nil), "WithHistory"},
		"data":         {sqlpusher.SQLite, sqlpusher.WithMaxDataBytes(0), "WithMaxDataBytes"},
		"logger":       {sqlpusher.SQLite, sqlpusher.WithLogger(nil), "WithLogger"},
		"nil option":   {sqlpusher.SQLite, nil, "an option is nil"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sqlpusher.New(a.db, test.dialect, a.client, test.option)
			if !errors.Is(err, pusher.ErrConfiguration) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want ErrConfiguration with %q", err, test.want)
			}
		})
	}
	if _, err := sqlpusher.New(nil, sqlpusher.SQLite, nil); !errors.Is(err, pusher.ErrConfiguration) {
		t.Errorf("error %v without a database and a client, want ErrConfiguration", err)
	}
}

// Tables can have another prefix, in another schema, and be created by another tool.
func TestStore_Migrations(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		prefix := "other_"
		a := newApp(t, d)
		if d.dialect == sqlpusher.PostgreSQL {
			prefix = "realtime.other_"
			if _, err := a.db.ExecContext(t.Context(), "CREATE SCHEMA realtime"); err != nil {
				t.Fatal(err)
			}
		}
		a.store = a.newStore(a.db, d, sqlpusher.WithPrefix(prefix))
		for _, migration := range a.store.Migrations() {
			// The driver executes several statements if there are no arguments.
			if _, err := a.db.ExecContext(t.Context(), migration.SQL); err != nil {
				t.Fatalf("version %d: %v", migration.Version, err)
			}
		}
		for range 2 {
			if err := a.store.Migrate(t.Context()); err != nil {
				t.Errorf("Migrate with current tables: %v", err)
			}
		}
		a.run(a.store, sqlpusher.RelayConfig{})
		a.add(numbered("c", 0, 3)...)
		a.drained()
		equal(t, data(a.server.Events(), "c"), count(0, 3))
	})
}

func TestStore_Migrate_Newer(t *testing.T) {
	a := newApp(t, databases[0])
	if _, err := a.db.Exec("UPDATE pusher_meta SET version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := a.store.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("error %v, want one that names version 99", err)
	}
}
