package pbx

import (
	"context"
	"time"
)

// SetupTokens is the port to the one-time token with which the first
// administrator is created. There is at most one; only its hash is stored.
type SetupTokens interface {
	// SaveSetupToken stores the token with this hash, valid until expires, in
	// place of every earlier one.
	SaveSetupToken(ctx context.Context, hash string, expires time.Time) error
	// CheckSetupToken fails with NotFound when no token with this hash is valid
	// at the time now.
	CheckSetupToken(ctx context.Context, hash string, now time.Time) error
	// UseSetupToken does the same and takes the token away, so that of several
	// callers one succeeds.
	UseSetupToken(ctx context.Context, hash string, now time.Time) error
}
