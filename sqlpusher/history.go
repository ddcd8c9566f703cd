package sqlpusher

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/auth"
)

// envelope returns the data that is published on a channel with history. Data that is
// too large for an event is nil: subscribers fetch it.
func envelope(epoch string, seq int64, data []byte) string {
	if data == nil {
		return fmt.Sprintf(`{"epoch":%q,"seq":%d}`, epoch, seq)
	}
	return fmt.Sprintf(`{"epoch":%q,"seq":%d,"data":%s}`, epoch, seq, data)
}

// A Position is a place in the events of a channel with history: after the event with
// number Seq. The zero value is not a position.
type Position struct {
	Epoch string `json:"epoch"`
	Seq   int64  `json:"seq"`
}

// Position returns the position after the newest event of the channel that the
// transaction can see. A page that loads state passes it to the subscriber, which
// continues there. Read the state in the same transaction, with isolation level
// repeatable read, or else after the position: then events can be both in the state and
// delivered.
func (s *Store) Position(ctx context.Context, tx Tx, channel string) (Position, error) {
	var p Position
	rows, err := tx.QueryContext(ctx, s.sql("SELECT m.epoch, coalesce(c.seq, 0) FROM {}meta m LEFT JOIN {}channels c ON c.channel = $1"), channel)
	if err == nil {
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := rows.Scan(&p.Epoch, &p.Seq); err != nil {
				return Position{}, fmt.Errorf("sqlpusher: position: %w", err)
			}
		}
		err = rows.Err()
	}
	if err != nil {
		return Position{}, fmt.Errorf("sqlpusher: position: %w", err)
	}
	return p, nil
}

const (
	maxPageEvents = 1000
	maxPageBytes  = 1 << 20 // of data, unless the first event alone has more
)

// A historyPage is the response of [Store.Handler].
type historyPage struct {
	Epoch    string         `json:"epoch"`
	Seq      int64          `json:"seq"` // of the newest event of the channel
	Complete bool           `json:"complete"`
	Events   []historyEvent `json:"events"`
}

type historyEvent struct {
	Seq  int64           `json:"seq"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

// Handler returns an endpoint for the events of channels with history, which the modules
// for browsers and Go use. It responds to
//
//	GET ?channel=C&epoch=E&after=N
//
// with the events after number N, up to 1,000 and about 1 MiB, and the number of the
// newest one, all from one snapshot:
//
//	{"epoch":"…","seq":18,"complete":true,"events":[{"seq":18,"name":"paid","data":{…}}]}
//
// If events after N were deleted, the epoch differs or N is in the future, complete is
// false and there are no events: the subscriber has to load its state again. Without
// epoch and after, the response has the position and no events.
//
// The function authorize decides whether the client may read the channel, like the
// function that authorizes its subscription. After [auth.ErrForbidden] the status code
// is 403, after any other error 500, and the error is logged. A channel without history
// has status 404. Handler panics if authorize is nil.
func (s *Store) Handler(authorize func(r *http.Request, channel string) error) http.Handler {
	if authorize == nil {
		panic("sqlpusher: Handler called with a nil function")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			respond(w, http.StatusMethodNotAllowed)
			return
		}
		query := r.URL.Query()
		channel, epoch := query.Get("channel"), query.Get("epoch")
		after := int64(-1)
		if text := query.Get("after"); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 0 || epoch == "" {
				respond(w, http.StatusBadRequest)
				return
			}
			after = n
		}
		if channel == "" || len(channel) > 200 || !s.history(channel) {
			respond(w, http.StatusNotFound)
			return
		}
		if err := authorize(r, channel); errors.Is(err, auth.ErrForbidden) {
			respond(w, http.StatusForbidden)
			return
		} else if err != nil {
			s.log().ErrorContext(r.Context(), "sqlpusher: history not authorized", "channel", channel, "error", err)
			respond(w, http.StatusInternalServerError)
			return
		}
		page, err := s.readHistory(r.Context(), channel, epoch, after)
		if err != nil {
			if r.Context().Err() == nil {
				s.log().ErrorContext(r.Context(), "sqlpusher: history not read", "channel", channel, "error", err)
			}
			respond(w, http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page)
	})
}

func respond(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// readHistory returns a page of the events after a number, or only the position if after
// is negative.
func (s *Store) readHistory(ctx context.Context, channel, epoch string, after int64) (*historyPage, error) {
	limit := maxPageEvents
	if after < 0 {
		limit = 0
	}
	// octet lengths of large values are known without reading them.
	rows, err := s.db.QueryContext(ctx, s.sql(`SELECT m.epoch, coalesce(c.seq, 0), e.seq, e.name, e.data
FROM {}meta m LEFT JOIN {}channels c ON c.channel = $1 LEFT JOIN (
	SELECT seq, name, data, sum(length(data)) OVER (ORDER BY seq) - length(data) AS before FROM (
		SELECT seq, name, data FROM {}events WHERE channel = $1 AND seq > 0 AND seq > $2 ORDER BY seq LIMIT $3
	) AS next
) AS e ON before < $4 ORDER BY e.seq`), channel, after, limit, maxPageBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	page := &historyPage{Events: []historyEvent{}}
	for rows.Next() {
		var seq sql.NullInt64
		var name sql.NullString
		var data []byte
		if err := rows.Scan(&page.Epoch, &page.Seq, &seq, &name, &data); err != nil {
			return nil, err
		}
		if seq.Valid {
			page.Events = append(page.Events, historyEvent{seq.Int64, name.String, data})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	page.Complete = after < 0 || epoch == page.Epoch && after <= page.Seq
	for i, e := range page.Events {
		page.Complete = page.Complete && e.Seq == after+1+int64(i)
	}
	if len(page.Events) == 0 && after >= 0 && after < page.Seq {
		page.Complete = false
	}
	if !page.Complete {
		page.Events = page.Events[:0]
	}
	return page, nil
}

//go:embed js/catchup.js
var script string

// ScriptHandler returns an endpoint for the JavaScript module of this version, for pages
// that do not bundle it:
//
//	import { catchUp } from "/catchup.js"
func ScriptHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		http.ServeContent(w, r, "catchup.js", time.Time{}, strings.NewReader(script))
	})
}
