// Package webhookredis remembers in Redis which webhooks were handled, so that several
// processes handle each webhook once. It is an example: copy it into your app.
package webhookredis

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/openchannels/pusher-go/webhook"
)

// A Store is a [webhook.DuplicateStore] in Redis. It needs Redis 7 or later, or Valkey.
// It is safe for concurrent use.
//
// Each webhook has one key. Its value is the token of the claim, and after the webhook
// was handled "handled " and that token. Redis removes the key when the lease or the time
// to keep the ID has ended.
type Store struct {
	client redis.UniversalClient
	prefix string
}

// NewStore returns a Store whose keys begin with prefix. Set ContextTimeoutEnabled in the
// client's options, so that a call ends with its context while Redis does not respond.
func NewStore(client redis.UniversalClient, prefix string) *Store {
	return &Store{client, prefix}
}

const handledBy = "handled "

// Begin implements [webhook.DuplicateStore].
func (s *Store) Begin(ctx context.Context, id string, lease time.Duration) (token string, state webhook.ClaimState, err error) {
	token = rand.Text()
	// SET key token NX GET returns the value that the key had before, or redis.Nil.
	found, err := s.client.SetArgs(ctx, s.prefix+id, token, redis.SetArgs{Mode: "NX", Get: true, TTL: lease}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return token, webhook.Claimed, nil
	case err != nil:
		return "", 0, err
	case found == token: // The response was lost, and the client sent the command again.
		return token, webhook.Claimed, nil
	case strings.HasPrefix(found, handledBy):
		return "", webhook.Handled, nil
	}
	return "", webhook.Running, nil
}

// end ends the claim with the token ARGV[1], and returns 0 if the claim is lost. The key
// has the value ARGV[2] for ARGV[3] milliseconds if the webhook was handled. The value is
// already there if the response was lost and the client sends the script again.
//
// A key that does not exist belongs to a claim whose lease has ended, and which nobody
// has claimed since.
var end = redis.NewScript(`
local found = redis.call('GET', KEYS[1])
if found and found ~= ARGV[1] and found ~= ARGV[2] then return 0 end
if ARGV[2] == '' then
	redis.call('DEL', KEYS[1])
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
`)

// End implements [webhook.DuplicateStore].
func (s *Store) End(ctx context.Context, id, token string, handled bool, keep time.Duration) error {
	value := ""
	if handled {
		value = handledBy + token
	}
	ended, err := end.Run(ctx, s.client, []string{s.prefix + id}, token, value, keep.Milliseconds()).Bool()
	if err == nil && !ended {
		return webhook.ErrClaimLost
	}
	return err
}
