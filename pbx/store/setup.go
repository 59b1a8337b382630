package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"klapka.dev/klapka/pbx"
)

// setupID is the key of the only row there may be: a new token takes the place
// of the old one.
const setupID = 1

type setupRow struct {
	ID      int `gorm:"primaryKey;autoIncrement:false"`
	Hash    string
	Expires time.Time `gorm:"column:expires_at"`
}

func (setupRow) TableName() string { return "setup_tokens" }

const noSetupToken = "this set-up link is not valid, or no longer"

// SaveSetupToken implements pbx.SetupTokens.
func (c conn) SaveSetupToken(ctx context.Context, hash string, expires time.Time) error {
	row := setupRow{ID: setupID, Hash: hash, Expires: utc(expires)}
	return c.run(ctx, func(db *gorm.DB) error {
		return db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
}

// CheckSetupToken implements pbx.SetupTokens.
func (c conn) CheckSetupToken(ctx context.Context, hash string, now time.Time) error {
	_, err := take[setupRow](ctx, c, "hash = ? AND expires_at > ?", hash, utc(now))
	return missing(err, noSetupToken)
}

// UseSetupToken implements pbx.SetupTokens.
func (c conn) UseSetupToken(ctx context.Context, hash string, now time.Time) error {
	return missing(remove[setupRow](ctx, c, "hash = ? AND expires_at > ?", hash, utc(now)), noSetupToken)
}

var _ pbx.SetupTokens = conn{}
