package store

import (
	"context"

	"gorm.io/gorm"
)

// revisionSQL changes with every change to people, extensions, devices or
// settings: a row more or less changes a count, an edit the newest time.
const revisionSQL = `SELECT
	(SELECT COALESCE(CAST(count(*) AS TEXT) || ' ' || CAST(max(updated_at) AS TEXT), '') FROM users) || '|' ||
	(SELECT COALESCE(CAST(count(*) AS TEXT) || ' ' || CAST(max(updated_at) AS TEXT), '') FROM extensions) || '|' ||
	(SELECT COALESCE(CAST(count(*) AS TEXT) || ' ' || CAST(max(updated_at) AS TEXT), '') FROM devices) || '|' ||
	(SELECT COALESCE(max(company || '/' || language), '') FROM settings)`

// Revision is a text that differs from the one before when anything the
// directory shows was changed, by whatever process. Unavailable while the
// database is away.
func (c conn) Revision(ctx context.Context) (string, error) {
	var text string
	err := c.run(ctx, func(db *gorm.DB) error { return db.Raw(revisionSQL).Scan(&text).Error })
	return text, err
}
