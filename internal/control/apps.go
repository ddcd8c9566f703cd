package control

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// maxEvents limits the recorded events of an app.
const maxEvents = 1000

// Apps are the apps of a server. Apps is a handler of the Pusher API of all of them. It
// is safe for concurrent use.
type Apps struct {
	logs    slog.Handler
	delay   time.Duration
	options []pushertest.Option

	mu          sync.RWMutex
	list        []*app // in the order in which they were added
	byID, byKey map[string]*app
}

type app struct {
	*pushertest.Server
	log *log
}

// NewApps returns no apps. Those that are added later log to logs, have the delay, and
// are created with the options. Apps sets the app, the logger and the number of recorded
// events itself.
func NewApps(logs slog.Handler, delay time.Duration, options ...pushertest.Option) *Apps {
	return &Apps{logs: logs, delay: delay, options: options, byID: make(map[string]*app), byKey: make(map[string]*app)}
}

// Add adds an app. The log lines of all apps but the first one name the app. Add returns an
// error if another app has the ID or the key, and [pushertest.ErrConfiguration] if the app
// or an option is invalid.
func (a *Apps) Add(credentials pushertest.App) error {
	_, err := a.add(credentials)
	return err
}

func (a *Apps) add(credentials pushertest.App) (*app, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID[credentials.ID] != nil || a.byKey[credentials.Key] != nil {
		return nil, &statusError{http.StatusConflict, fmt.Sprintf("an app has the ID %.100q or the key %.100q already", credentials.ID, credentials.Key)}
	}
	logs := a.logs
	if len(a.list) > 0 {
		logs = logs.WithAttrs([]slog.Attr{slog.String("app", credentials.ID)})
	}
	added := &app{log: newLog()}
	options := append(slices.Clone(a.options), pushertest.WithApp(credentials),
		pushertest.WithLogger(slog.New(logHandler{added.log, logs, nil})), pushertest.WithMaxEvents(maxEvents))
	var err error
	if added.Server, err = pushertest.New(options...); err != nil {
		return nil, err
	}
	added.Delay(a.delay)
	a.list = append(a.list, added)
	a.byID[credentials.ID], a.byKey[credentials.Key] = added, added
	return added, nil
}

// remove removes an app and closes its connections. A second call does nothing.
func (a *Apps) remove(removed *app) {
	a.mu.Lock()
	isApp := func(_ string, other *app) bool { return other == removed }
	maps.DeleteFunc(a.byID, isApp)
	maps.DeleteFunc(a.byKey, isApp)
	a.list = slices.DeleteFunc(a.list, func(other *app) bool { return other == removed })
	a.mu.Unlock()
	removed.Close()
}

// ByKey returns the app with a key. The empty key means the first app.
func (a *Apps) ByKey(key string) (pushertest.App, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	found := a.byKey[key]
	if key == "" && len(a.list) > 0 {
		found = a.list[0]
	}
	if found == nil {
		return pushertest.App{}, false
	}
	return found.App(), true
}

func (a *Apps) get(id string) *app {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.byID[id]
}

func (a *Apps) all() []*app {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.list)
}

// ServeHTTP passes a request to its app. The first app rejects a request that belongs to
// none.
func (a *Apps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name, _, _ := strings.Cut(rest, "/")
	a.mu.RLock()
	var found *app
	switch kind {
	case "apps":
		found = a.byID[name]
	case "app":
		found = a.byKey[name]
	}
	if found == nil && len(a.list) > 0 {
		found = a.list[0]
	}
	a.mu.RUnlock()
	if found == nil {
		http.Error(w, "the server has no app", http.StatusNotFound)
		return
	}
	found.ServeHTTP(w, r)
}

// Close closes the connections of all apps.
func (a *Apps) Close() {
	for _, app := range a.all() {
		app.Close()
	}
}
