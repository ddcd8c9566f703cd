package webhook

import (
	"context"
	"time"
)

// A DuplicateStore remembers which webhooks were handled. Processes that share one
// handle each webhook once. Its methods must be safe for concurrent use.
type DuplicateStore interface {
	// Begin claims id atomically for the lease. After [Claimed] the caller handles the
	// webhook and calls End. [Running] means that another claim is alive, [Handled]
	// that the webhook was handled. The token identifies a claim; it is not used after
	// Running and Handled.
	Begin(ctx context.Context, id string, lease time.Duration) (token string, state ClaimState, err error)

	// End ends the claim. If handled, id stays Handled for keep, otherwise it is free.
	// If the token has lost its claim, because the lease has ended and another Begin has
	// claimed id, End changes nothing and returns [ErrClaimLost].
	End(ctx context.Context, id, token string, handled bool, keep time.Duration) error
}

// A ClaimState is a result of [DuplicateStore].Begin.
type ClaimState int

const (
	_       ClaimState = iota // the zero value is not a state
	Claimed                   // the caller has the claim
	Running                   // another claim is alive
	Handled                   // the webhook was handled
)
