package pbxtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// WebSessions is a pbx.WebSessions in memory.
type WebSessions struct {
	mu   sync.Mutex
	rows map[string]pbx.WebSession
	err  error
}

// NewWebSessions returns an empty store.
func NewWebSessions() *WebSessions { return &WebSessions{rows: map[string]pbx.WebSession{}} }

// SetError makes every later call fail with err; nil ends that.
func (w *WebSessions) SetError(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// WebSession implements pbx.WebSessions.
func (w *WebSessions) WebSession(_ context.Context, hash string) (pbx.WebSession, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.rows[hash]
	if w.err == nil && !ok {
		return s, errNoSession()
	}
	return s, w.err
}

// WebSessionsOf implements pbx.WebSessions.
func (w *WebSessions) WebSessionsOf(_ context.Context, userID string) ([]pbx.WebSession, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []pbx.WebSession
	for s := range maps.Values(w.rows) {
		if s.UserID == userID {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b pbx.WebSession) int { return b.LastSeen.Compare(a.LastSeen) })
	return out, w.err
}

// CreateWebSession implements pbx.WebSessions.
func (w *WebSessions) CreateWebSession(_ context.Context, s pbx.WebSession) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.rows[s.Hash] = s
	}
	return w.err
}

// TouchWebSession implements pbx.WebSessions.
func (w *WebSessions) TouchWebSession(_ context.Context, s pbx.WebSession) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.rows[s.Hash]; w.err == nil && !ok {
		return errNoSession()
	}
	if w.err == nil {
		w.rows[s.Hash] = s
	}
	return w.err
}

// DeleteWebSession implements pbx.WebSessions.
func (w *WebSessions) DeleteWebSession(_ context.Context, hash string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.rows[hash]; w.err == nil && !ok {
		return errNoSession()
	}
	if w.err == nil {
		delete(w.rows, hash)
	}
	return w.err
}

// DeleteWebSessionsOf implements pbx.WebSessions.
func (w *WebSessions) DeleteWebSessionsOf(_ context.Context, userID, except string) error {
	return w.deleteIf(func(s pbx.WebSession) bool { return s.UserID == userID && s.Hash != except })
}

// DeleteExpiredWebSessions implements pbx.WebSessions.
func (w *WebSessions) DeleteExpiredWebSessions(_ context.Context, now time.Time) (int, error) {
	w.mu.Lock()
	before := len(w.rows)
	w.mu.Unlock()
	err := w.deleteIf(func(s pbx.WebSession) bool { return !s.ExpiresAt.After(now) })
	w.mu.Lock()
	defer w.mu.Unlock()
	return before - len(w.rows), err
}

func (w *WebSessions) deleteIf(gone func(pbx.WebSession) bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		maps.DeleteFunc(w.rows, func(_ string, s pbx.WebSession) bool { return gone(s) })
	}
	return w.err
}

func errNoSession() error { return pbx.Errorf(pbx.NotFound, "this sign-in has ended") }
