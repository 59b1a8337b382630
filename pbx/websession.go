package pbx

import (
	"context"
	"time"
)

// WebSession is one sign-in of a user with a browser. The cookie holds a random
// value; only its hash is stored.
type WebSession struct {
	Hash      string // SHA-256 of the cookie's value, lower-case hex
	UserID    string
	CreatedAt time.Time
	LastSeen  time.Time
	ExpiresAt time.Time
	IP        string // where it was last seen from
	UserAgent string
}

// WebSessions is the port to stored sign-ins. Errors: NotFound, Invalid with the
// field, Unavailable. Expired sessions are not filtered out: whoever asks knows
// the time.
type WebSessions interface {
	WebSession(ctx context.Context, hash string) (WebSession, error)
	// WebSessionsOf returns a user's sign-ins, the most recently seen first.
	WebSessionsOf(ctx context.Context, userID string) ([]WebSession, error)
	CreateWebSession(ctx context.Context, s WebSession) error
	// TouchWebSession stores LastSeen, ExpiresAt, IP and UserAgent of s.
	TouchWebSession(ctx context.Context, s WebSession) error
	DeleteWebSession(ctx context.Context, hash string) error
	// DeleteWebSessionsOf ends all sign-ins of a user but the one with the hash
	// except, which may be empty.
	DeleteWebSessionsOf(ctx context.Context, userID, except string) error
	// DeleteExpiredWebSessions removes what expired before now and says how many
	// there were.
	DeleteExpiredWebSessions(ctx context.Context, now time.Time) (int, error)
}
