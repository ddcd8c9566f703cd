package webhook_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// A tableStore keeps the claims in a map that stands for a table of the app's database.
// With SQL, each method is one statement: an insert that replaces an expired row, and
// an update or delete of the row with this ID and token.
type tableStore struct {
	mu     sync.Mutex
	tokens int
	rows   map[string]row // by ID
}

type row struct {
	token   string
	handled bool
	expires time.Time
}

func (s *tableStore) Begin(_ context.Context, id string, lease time.Duration) (token string, state webhook.ClaimState, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.rows[id]; time.Now().Before(found.expires) {
		if found.handled {
			return "", webhook.Handled, nil
		}
		return "", webhook.Running, nil
	}
	s.tokens++
	token = strconv.Itoa(s.tokens)
	s.rows[id] = row{token: token, expires: time.Now().Add(lease)}
	return token, webhook.Claimed, nil
}

func (s *tableStore) End(_ context.Context, id, token string, handled bool, keep time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[id].token != token {
		return webhook.ErrClaimLost
	}
	if !handled {
		delete(s.rows, id)
		return nil
	}
	s.rows[id] = row{handled: true, expires: time.Now().Add(keep)}
	return nil
}

// Two processes receive the same webhook, and one of them handles it.
func ExampleWithDuplicateStore() {
	store := &tableStore{rows: map[string]row{}}
	for _, process := range []string{"first", "second"} {
		verifier, err := webhook.New("your-key", "your-secret", webhook.WithDuplicateStore(store))
		if err != nil {
			fmt.Println(err)
			return
		}
		handler := verifier.Handler(func(ctx context.Context, hook *webhook.Webhook) error {
			fmt.Println("handled by the", process, "process")
			return nil
		})
		fmt.Println(post(handler, `{"time_ms":1327078148132,"events":[{"name":"channel_vacated","channel":"my-channel"}]}`))
	}
	// Output:
	// handled by the first process
	// 200
	// 200
}
