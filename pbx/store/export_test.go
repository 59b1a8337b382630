package store

import (
	"context"

	"gorm.io/gorm"
)

// MigrateTo stops at an older version, as an older program did.
func (s *Store) MigrateTo(ctx context.Context, version int) error { return s.migrateTo(ctx, version) }

// DB gives tests the database behind the ports.
func (s *Store) DB() *gorm.DB { return s.db }
