package store

import (
	"context"

	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

// MigrateTo stops at an older version, as an older program did.
func (s *Store) MigrateTo(ctx context.Context, version int) error { return s.migrateTo(ctx, version) }

// DB gives tests the database behind the ports.
func (s *Store) DB() *gorm.DB { return s.db }

// CallQuery is the text and the values of the query behind CallRecords.
func (s *Store) CallQuery(ctx context.Context, f pbx.CallFilter) (string, []any) {
	var before callRow
	if f.Before != "" {
		before, _ = take[callRow](ctx, s.conn, "id = ?", string(f.Before))
	}
	var rows []callRow
	st := selectCalls(s.db.Session(&gorm.Session{DryRun: true}), f, before).Find(&rows).Statement
	return st.SQL.String(), st.Vars
}
