package session

import (
	"context"
	"errors"
	"time"

	"klapka.dev/klapka/pbx"
)

// End signs the session out. One that has ended already is no error.
func (m *Manager) End(ctx context.Context, s pbx.WebSession) error {
	if err := m.store.DeleteWebSession(ctx, s.Hash); err != nil && pbx.CodeOf(err) != pbx.NotFound {
		return err
	}
	m.tell(Ended{User: s.UserID, Hash: s.Hash})
	return nil
}

// EndAll signs a user out everywhere, with immediate effect: he was disabled or
// deleted, or an administrator gave him a new password.
func (m *Manager) EndAll(ctx context.Context, userID string) error {
	return m.endOthers(ctx, userID, "")
}

func (m *Manager) endOthers(ctx context.Context, userID, except string) error {
	if err := m.store.DeleteWebSessionsOf(ctx, userID, except); err != nil {
		return err
	}
	m.tell(Ended{User: userID, Hash: except, Others: true})
	return nil
}

// List returns the sign-ins of a user that count, the most recently used first.
func (m *Manager) List(ctx context.Context, userID string) ([]pbx.WebSession, error) {
	all, err := m.store.WebSessionsOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	live := make([]pbx.WebSession, 0, len(all))
	for _, s := range all {
		if now.Before(s.ExpiresAt) {
			live = append(live, s)
		}
	}
	return live, nil
}

// Revoke ends the user's sign-in with that ID. Errors: NotFound, Unavailable.
func (m *Manager) Revoke(ctx context.Context, userID, id string) error {
	all, err := m.store.WebSessionsOf(ctx, userID)
	if err != nil {
		return err
	}
	for _, s := range all {
		if ID(s) == id {
			return m.End(ctx, s)
		}
	}
	return pbx.Errorf(pbx.NotFound, "this sign-in has ended")
}

// ChangePassword sets a new password for somebody who knows the old one, and
// ends his other sign-ins. Errors: Invalid with field "old" or "new",
// ThrottledError, TooMany, Unavailable.
func (m *Manager) ChangePassword(ctx context.Context, who Identity, old, fresh string, from From) error {
	pass, err := m.renewals.enter(who.User.ID, from.IP)
	if err != nil {
		return err
	}
	right, err := m.passwords.Verify(ctx, old, who.User.PasswordHash)
	if err != nil {
		pass.forgive()
		return err
	}
	if !right {
		return pbx.FieldErrorf("old", "this is not your password")
	}
	pass.succeed()
	if old == fresh {
		return pbx.FieldErrorf("new", "this is the password you have")
	}
	if err := m.passwords.SetPassword(ctx, who.User.ID, fresh); err != nil {
		return asField(err, "password", "new")
	}
	return m.endOthers(ctx, who.User.ID, who.Session.Hash)
}

// asField renames the field of an Invalid error to what the caller calls it.
func asField(err error, from, to string) error {
	var e *pbx.Error
	if errors.As(err, &e) && e.Code == pbx.Invalid && e.Field == from {
		return pbx.FieldErrorf(to, "%s", e.Message)
	}
	return err
}

// SetLanguage changes the language a person reads and hears, and returns him as
// he is then. Errors: Invalid, NotFound, Unavailable.
func (m *Manager) SetLanguage(ctx context.Context, userID string, l pbx.Language) (pbx.User, error) {
	var u pbx.User
	err := m.store.Within(ctx, func(tx pbx.People) (err error) {
		if u, err = tx.User(ctx, userID); err != nil {
			return err
		}
		u.Language = l
		return tx.UpdateUser(ctx, &u)
	})
	if err == nil && m.changed != nil {
		m.changed()
	}
	return u, err
}

// sweepEvery is how often what expired is removed from the store.
const sweepEvery = time.Hour

// Run removes expired sign-ins until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if n, err := m.store.DeleteExpiredWebSessions(ctx, time.Now()); err != nil && ctx.Err() == nil {
			m.log.Warn("expired sign-ins stay for now", "error", err)
		} else if n > 0 {
			m.log.Debug("expired sign-ins removed", "count", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
