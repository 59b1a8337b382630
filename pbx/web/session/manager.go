package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// Store is what sign-ins are kept in, with the people they belong to.
type Store interface {
	pbx.WebSessions
	pbx.Transactor
	User(ctx context.Context, id string) (pbx.User, error)
	UserByEmail(ctx context.Context, email string) (pbx.User, error)
	Extension(ctx context.Context, number string) (pbx.Extension, error)
	ExtensionOf(ctx context.Context, userID string) (pbx.Extension, error)
}

// Passwords checks and sets passwords; auth.Hasher and auth.Accounts do it.
type Passwords interface {
	// Verify reports whether password belongs to hash, and takes the same time
	// for an empty hash, which belongs to nobody.
	Verify(ctx context.Context, password, hash string) (bool, error)
	// SetPassword stores a new one; Invalid with field "password" when it may
	// not be chosen.
	SetPassword(ctx context.Context, userID, password string) error
}

// Options make a Manager; all but Changed must be set.
type Options struct {
	Store     Store
	Passwords Passwords
	Log       *slog.Logger
	Changed   func() // told when somebody changed what others see of him; may be nil
}

// Manager keeps sign-ins. Its methods may be called from any goroutine.
type Manager struct {
	store     Store
	passwords Passwords
	log       *slog.Logger
	changed   func()
	gate      *gate // in front of signing in
	renewals  *gate // in front of changing a password; strangers cannot reach it

	mu    sync.Mutex
	ended []func(Ended)
}

// New returns a Manager.
func New(o Options) *Manager {
	return &Manager{store: o.Store, passwords: o.Passwords, log: o.Log, changed: o.Changed, gate: newGate(), renewals: newGate()}
}

// Ended says which sign-ins of a user ended: the one with the hash, or all but
// that one.
type Ended struct {
	User   string // user id
	Hash   string
	Others bool
}

// Concerns reports whether s is one of them.
func (e Ended) Concerns(s pbx.WebSession) bool {
	return s.UserID == e.User && (s.Hash == e.Hash) != e.Others
}

// OnEnded has f told of every sign-in that is ended by somebody; what expires is
// found by Refresh. f must not block.
func (m *Manager) OnEnded(f func(Ended)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = append(m.ended, f)
}

func (m *Manager) tell(e Ended) {
	m.mu.Lock()
	listeners := m.ended
	m.mu.Unlock()
	for _, f := range listeners {
		f(e)
	}
}

// SignIn checks login, an extension number or an e-mail address, and password,
// and opens a session. The cookie's value cannot be had again. Errors:
// Unauthorized, the same for unknown, disabled and wrong; ThrottledError;
// TooMany; Unavailable.
func (m *Manager) SignIn(ctx context.Context, login, password string, from From) (string, Identity, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	pass, err := m.gate.enter(login, from.IP)
	if err != nil {
		return "", Identity{}, err
	}
	u, err := m.find(ctx, login)
	if err != nil {
		pass.forgive()
		return "", Identity{}, err
	}
	right, err := m.passwords.Verify(ctx, password, u.PasswordHash)
	if err != nil {
		pass.forgive()
		return "", Identity{}, err
	}
	if !right {
		m.log.Info("sign-in refused", "login", login, "remote", from.IP)
		return "", Identity{}, errWrong()
	}
	pass.succeed()
	return m.open(ctx, u, from)
}

func errWrong() error {
	return pbx.Errorf(pbx.Unauthorized, "the number or e-mail address and the password do not belong together")
}

// find returns who signs in with that; the zero User, which has no password,
// when nobody may.
func (m *Manager) find(ctx context.Context, login string) (pbx.User, error) {
	var u pbx.User
	var err error
	if strings.Contains(login, "@") {
		u, err = m.store.UserByEmail(ctx, login)
	} else {
		var e pbx.Extension
		if e, err = m.store.Extension(ctx, login); err == nil && e.UserID != "" {
			u, err = m.store.User(ctx, e.UserID)
		}
	}
	if pbx.CodeOf(err) == pbx.NotFound || err == nil && u.Disabled {
		return pbx.User{}, nil
	}
	return u, err
}

// open stores a session of somebody who has just proven who he is.
func (m *Manager) open(ctx context.Context, u pbx.User, from From) (string, Identity, error) {
	cookie, now := newCookie(), time.Now()
	s := pbx.WebSession{
		Hash: hashOf(cookie), UserID: u.ID, CreatedAt: now, LastSeen: now, ExpiresAt: expiry(now, now),
		IP: from.IP, UserAgent: from.UserAgent,
	}
	if err := m.store.CreateWebSession(ctx, s); err != nil {
		return "", Identity{}, err
	}
	id, err := m.identity(ctx, s)
	// The password may have been changed while this one was being checked; what
	// that ended must not come to life again.
	if err == nil && id.User.PasswordHash != u.PasswordHash {
		err = errWrong()
	}
	if err != nil {
		return "", Identity{}, errors.Join(err, m.store.DeleteWebSession(ctx, s.Hash))
	}
	id.CSRF = csrfOf(cookie)
	m.makeRoom(ctx, u.ID)
	return cookie, id, nil
}

// maxSessions is how many sign-ins of one user count; a program that signs in
// for each request must not fill the database.
const maxSessions = 50

// makeRoom ends the sign-ins used longest ago when there are too many.
func (m *Manager) makeRoom(ctx context.Context, userID string) {
	all, err := m.store.WebSessionsOf(ctx, userID)
	for i := maxSessions; i < len(all) && err == nil; i++ {
		err = m.End(ctx, all[i])
	}
	if err != nil {
		m.log.Debug("old sign-ins stay for now", "user", userID, "error", err)
	}
}
