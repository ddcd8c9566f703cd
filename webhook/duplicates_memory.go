package webhook

import (
	"context"
	"crypto/rand"
	"sync"
	"time"
)

// A memoryStore is a [DuplicateStore] for one process. It remembers up to limit handled
// webhooks, which must all be kept for the same time.
type memoryStore struct {
	limit int

	mu      sync.Mutex
	claims  map[string]claim // by ID
	handled map[string]bool  // IDs
	expiry  []expiry         // of handled, oldest first
}

type claim struct {
	token string
	end   time.Time // of the lease
}

type expiry struct {
	id   string
	time time.Time
}

func newMemoryStore(limit int) *memoryStore {
	return &memoryStore{limit: limit, claims: map[string]claim{}, handled: map[string]bool{}}
}

func (s *memoryStore) Begin(_ context.Context, id string, lease time.Duration) (token string, state ClaimState, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.evict(now)
	if s.handled[id] {
		return "", Handled, nil
	}
	if now.Before(s.claims[id].end) {
		return "", Running, nil
	}
	token = rand.Text()
	s.claims[id] = claim{token, now.Add(lease)}
	return token, Claimed, nil
}

func (s *memoryStore) End(_ context.Context, id, token string, handled bool, keep time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[id].token != token {
		return ErrClaimLost
	}
	delete(s.claims, id)
	if handled {
		now := time.Now()
		s.handled[id] = true
		s.expiry = append(s.expiry, expiry{id, now.Add(keep)})
		s.evict(now)
	}
	return nil
}

// evict removes expired IDs and the oldest of those above the limit.
func (s *memoryStore) evict(now time.Time) {
	for len(s.expiry) > 0 && (len(s.expiry) > s.limit || !now.Before(s.expiry[0].time)) {
		delete(s.handled, s.expiry[0].id)
		s.expiry[0] = expiry{} // releases the string while the array is in use
		s.expiry = s.expiry[1:]
	}
}
