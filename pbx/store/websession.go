package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

type webSessionRow struct {
	Hash      string `gorm:"primaryKey"`
	UserID    string
	Created   time.Time `gorm:"column:created_at"`
	LastSeen  time.Time `gorm:"column:last_seen_at"`
	Expires   time.Time `gorm:"column:expires_at"`
	IP        string    `gorm:"column:ip"`
	UserAgent string
}

func (webSessionRow) TableName() string { return "web_sessions" }

func rowOfWebSession(s pbx.WebSession) *webSessionRow {
	return &webSessionRow{
		Hash: s.Hash, UserID: s.UserID, Created: utc(s.CreatedAt), LastSeen: utc(s.LastSeen),
		Expires: utc(s.ExpiresAt), IP: wire(s.IP), UserAgent: wire(s.UserAgent),
	}
}

func (r webSessionRow) session() pbx.WebSession {
	return pbx.WebSession{
		Hash: r.Hash, UserID: r.UserID, CreatedAt: utc(r.Created), LastSeen: utc(r.LastSeen),
		ExpiresAt: utc(r.Expires), IP: r.IP, UserAgent: r.UserAgent,
	}
}

const noWebSession = "this sign-in has ended"

// WebSession implements pbx.WebSessions.
func (c conn) WebSession(ctx context.Context, hash string) (pbx.WebSession, error) {
	row, err := take[webSessionRow](ctx, c, "hash = ?", hash)
	return row.session(), missing(err, noWebSession)
}

// WebSessionsOf implements pbx.WebSessions.
func (c conn) WebSessionsOf(ctx context.Context, userID string) ([]pbx.WebSession, error) {
	sessions, err := list(ctx, c, webSessionRow.session, "user_id = ?", userID)
	slices.SortFunc(sessions, func(a, b pbx.WebSession) int { return b.LastSeen.Compare(a.LastSeen) })
	return sessions, err
}

// CreateWebSession implements pbx.WebSessions.
func (c conn) CreateWebSession(ctx context.Context, s pbx.WebSession) error {
	if s.Hash == "" {
		return pbx.FieldErrorf("hash", "a sign-in needs one")
	}
	return c.transact(ctx, func(tx conn) error {
		if _, err := tx.User(ctx, s.UserID); pbx.CodeOf(err) == pbx.NotFound {
			return pbx.FieldErrorf("user_id", "there is no such person")
		} else if err != nil {
			return err
		}
		return insert(ctx, tx, rowOfWebSession(s))
	})
}

// TouchWebSession implements pbx.WebSessions.
func (c conn) TouchWebSession(ctx context.Context, s pbx.WebSession) error {
	keep := []string{"hash", "user_id", "created_at"}
	return missing(replace(ctx, c, rowOfWebSession(s), keep, "hash = ?", s.Hash), noWebSession)
}

// DeleteWebSession implements pbx.WebSessions.
func (c conn) DeleteWebSession(ctx context.Context, hash string) error {
	return missing(remove[webSessionRow](ctx, c, "hash = ?", hash), noWebSession)
}

// DeleteWebSessionsOf implements pbx.WebSessions.
func (c conn) DeleteWebSessionsOf(ctx context.Context, userID, except string) error {
	return c.run(ctx, func(db *gorm.DB) error {
		return db.Where("user_id = ? AND hash <> ?", userID, except).Delete(&webSessionRow{}).Error
	})
}

// DeleteExpiredWebSessions implements pbx.WebSessions.
func (c conn) DeleteExpiredWebSessions(ctx context.Context, now time.Time) (int, error) {
	var n int64
	err := c.run(ctx, func(db *gorm.DB) error {
		res := db.Where("expires_at <= ?", utc(now)).Delete(&webSessionRow{})
		n = res.RowsAffected
		return res.Error
	})
	return int(n), err
}
