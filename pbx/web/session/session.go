package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"time"

	"klapka.dev/klapka/pbx"
)

// How long a sign-in lasts.
const (
	// Idle is how long a sign-in lasts that is not used. An open page uses it.
	Idle = 14 * 24 * time.Hour
	// Life is how long it lasts however much it is used.
	Life = 90 * 24 * time.Hour
	// touchEvery is how precisely the last use is stored.
	touchEvery = time.Minute
)

// Identity is somebody who is signed in.
type Identity struct {
	User      pbx.User
	Extension pbx.Extension // zero: he has none in service
	Session   pbx.WebSession
	CSRF      string // what his page must send with every change
}

// ID names a sign-in to its owner: enough of the stored hash to tell it from the
// others, too little to be of use.
func ID(s pbx.WebSession) string { return s.Hash[:min(16, len(s.Hash))] }

// CSRFMatches compares the token a page sent, in constant time.
func (i Identity) CSRFMatches(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(i.CSRF)) == 1
}

// From is where a request comes from.
type From struct {
	IP        string // without port
	UserAgent string
}

// newCookie returns a cookie's value: 256 random bits.
func newCookie() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// hashOf is what is stored of a cookie. It needs no salt and no cost: the value
// cannot be guessed.
func hashOf(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}

// csrfOf derives the token from the cookie, so that nothing has to be stored and
// whoever reads the database has neither.
func csrfOf(cookie string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	_, _ = mac.Write([]byte("csrf")) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// errSignedOut is the one answer to cookies that are unknown, expired, revoked
// or somebody's who was disabled.
func errSignedOut() error { return pbx.Errorf(pbx.Unauthorized, "sign in first") }

// Resolve finds who sent the cookie. Errors: Unauthorized, Unavailable.
func (m *Manager) Resolve(ctx context.Context, cookie string, from From) (Identity, error) {
	if cookie == "" || len(cookie) > 100 {
		return Identity{}, errSignedOut()
	}
	id, err := m.resolve(ctx, hashOf(cookie), from)
	id.CSRF = csrfOf(cookie)
	return id, err
}

// Refresh is Resolve for somebody who stays connected: it tells whether the
// sign-in still counts, counts as use of it, and who he is by now. Errors as of
// Resolve.
func (m *Manager) Refresh(ctx context.Context, id Identity) (Identity, error) {
	now, err := m.resolve(ctx, id.Session.Hash, From{IP: id.Session.IP, UserAgent: id.Session.UserAgent})
	now.CSRF = id.CSRF
	return now, err
}

func (m *Manager) resolve(ctx context.Context, hash string, from From) (Identity, error) {
	s, err := m.store.WebSession(ctx, hash)
	if pbx.CodeOf(err) == pbx.NotFound {
		return Identity{}, errSignedOut()
	}
	if err != nil {
		return Identity{}, err
	}
	if !time.Now().Before(s.ExpiresAt) {
		return Identity{}, errSignedOut()
	}
	id, err := m.identity(ctx, s)
	if err != nil {
		return Identity{}, err
	}
	m.touch(ctx, &id.Session, from)
	return id, nil
}

// identity reads whose sign-in it is.
func (m *Manager) identity(ctx context.Context, s pbx.WebSession) (Identity, error) {
	u, err := m.store.User(ctx, s.UserID)
	if pbx.CodeOf(err) == pbx.NotFound || err == nil && u.Disabled {
		return Identity{}, errSignedOut()
	}
	if err != nil {
		return Identity{}, err
	}
	e, err := m.store.ExtensionOf(ctx, u.ID)
	if err != nil && pbx.CodeOf(err) != pbx.NotFound {
		return Identity{}, err
	}
	if err != nil || e.Disabled {
		e = pbx.Extension{}
	}
	return Identity{User: u, Extension: e, Session: s}, nil
}

// touch notes the use of a sign-in and prolongs it. That it could not be stored
// is no reason to turn its owner away.
func (m *Manager) touch(ctx context.Context, s *pbx.WebSession, from From) {
	now := time.Now()
	if now.Sub(s.LastSeen) < touchEvery && s.IP == from.IP {
		return
	}
	s.LastSeen, s.IP, s.UserAgent = now, from.IP, from.UserAgent
	s.ExpiresAt = expiry(s.CreatedAt, now)
	if err := m.store.TouchWebSession(ctx, *s); err != nil {
		m.log.Debug("the use of a sign-in was not stored", "user", s.UserID, "error", err)
	}
}

// expiry is when a sign-in ends that was last used now.
func expiry(created, now time.Time) time.Time {
	end, last := now.Add(Idle), created.Add(Life)
	if end.After(last) {
		return last
	}
	return end
}
