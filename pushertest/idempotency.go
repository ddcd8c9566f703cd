package pushertest

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Source: Sockudo 5.0.1, crates/sockudo-server/src/http_handler.
const (
	idempotencyHeader = "X-Idempotency-Key"
	idempotencyParam  = "idempotency_key"

	maxIdempotencyKey = 128 // bytes
	idempotencyWindow = 120 * time.Second
)

// idempotencyKeys are the keys of a request. An empty key is none.
type idempotencyKeys struct {
	request string   // of a single event, or of a batch as a whole
	events  []string // of the events of a batch
}

// takeIdempotencyKeys removes the keys from the parameters of a trigger, so that the
// OpenAPI document need not describe them. A key in the body takes precedence over the
// header.
func takeIdempotencyKeys(params map[string]any, header http.Header) (keys idempotencyKeys, err error) {
	if keys.request, err = takeIdempotencyKey(params, header.Get(idempotencyHeader)); err != nil {
		return idempotencyKeys{}, err
	}
	batch, _ := params["batch"].([]any)
	for _, event := range batch {
		event, _ := event.(map[string]any)
		key, err := takeIdempotencyKey(event, "")
		if err != nil {
			return idempotencyKeys{}, err
		}
		keys.events = append(keys.events, key)
	}
	return keys, nil
}

// takeIdempotencyKey removes and returns the key of an event. The default is the key of
// the header, or "".
func takeIdempotencyKey(params map[string]any, key string) (string, error) {
	value, given := params[idempotencyParam]
	if given {
		delete(params, idempotencyParam)
		var isString bool
		if key, isString = value.(string); !isString {
			return "", badRequest(textNotString, idempotencyParam)
		}
	}
	if given && key == "" || len(key) > maxIdempotencyKey {
		return "", badRequest(textIdempotencyKey, maxIdempotencyKey)
	}
	return key, nil
}

type idempotencyContextKey struct{}

// with returns a copy of r that passes the keys through the generated server.
func (k idempotencyKeys) with(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), idempotencyContextKey{}, k))
}

func idempotencyKeysFrom(ctx context.Context) idempotencyKeys {
	keys, _ := ctx.Value(idempotencyContextKey{}).(idempotencyKeys)
	return keys
}

// event returns the key of an event of a batch.
func (k idempotencyKeys) event(i int) idempotencyKey {
	if k.events == nil {
		return idempotencyKey{}
	}
	return idempotencyKey{text: k.events[i]}
}

// idempotency holds the responses to requests and events with a key. Events have one
// name space, whether they are triggered alone or in a batch. Batches have another one.
type idempotency struct {
	now func() time.Time

	// mu is held while a request with keys is processed, so that a repeated request
	// waits for the response to the first one.
	mu        sync.Mutex
	responses map[idempotencyKey]any
	expiring  []expiringKey // the oldest first
}

type idempotencyKey struct {
	text    string
	isBatch bool
}

type expiringKey struct {
	idempotencyKey
	expires time.Time
}

func newIdempotency(now func() time.Time) *idempotency {
	return &idempotency{now: now, responses: make(map[idempotencyKey]any)}
}

// lock locks i until the returned function is called, and discards the keys whose time
// is over. Requests without keys need no lock.
func (i *idempotency) lock(keys idempotencyKeys) (unlock func()) {
	if keys.request == "" && keys.events == nil {
		return func() {}
	}
	i.mu.Lock()
	now := i.now()
	for len(i.expiring) > 0 && !now.Before(i.expiring[0].expires) {
		delete(i.responses, i.expiring[0].idempotencyKey)
		i.expiring = i.expiring[1:]
	}
	return i.mu.Unlock
}

// get returns the response to the first request with the key. The caller holds the lock,
// unless the key is empty.
func (i *idempotency) get(key idempotencyKey) (response any, known bool) {
	if key.text == "" {
		return nil, false
	}
	response, known = i.responses[key]
	return response, known
}

// put stores a response, unless the key is empty. The caller holds the lock.
func (i *idempotency) put(key idempotencyKey, response any) {
	if key.text != "" {
		i.responses[key] = response
		i.expiring = append(i.expiring, expiringKey{key, i.now().Add(idempotencyWindow)})
	}
}

func (i *idempotency) reset() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.responses)
	i.expiring = nil
}
