package store

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
)

// table says how many rows are written at a time. History is written by the
// thousand, and looking at each field of each row by reflection would cost more
// than the database does; people are written through gorm.
type table[R any] struct {
	name    string
	keys    []string // of the primary key
	others  []string // all other columns
	appends func(values []any, r *R) []any
}

// bulks returns the numbers of rows a statement may have, the largest first.
// There are few, so that a server that remembers statements knows them soon, and
// the largest stays below SQLite's bound of 32766 parameters.
func bulks() []int { return []int{64, 16, 4, 1} }

// inBulks cuts values into parts of such sizes.
func inBulks[V any](values []V, do func([]V) error) error {
	for _, size := range bulks() {
		for len(values) >= size {
			if err := do(values[:size]); err != nil {
				return err
			}
			values = values[size:]
		}
	}
	return nil
}

// upsert inserts rows or replaces those with the same keys, of which there must
// not be two.
func (t table[R]) upsert(db *gorm.DB, rows []R) error {
	return inBulks(rows, func(part []R) error {
		values := make([]any, 0, len(part)*(len(t.keys)+len(t.others)))
		for i := range part {
			values = t.appends(values, &part[i])
		}
		return exec(db, t.statement(db, len(part)), values)
	})
}

// statement is the text for a number of rows.
func (t table[R]) statement(db *gorm.DB, rows int) string {
	columns := slices.Concat(t.keys, t.others)
	var s strings.Builder
	s.WriteString("INSERT INTO " + t.name + " (" + strings.Join(columns, ", ") + ") VALUES ")
	for i := range rows {
		if i > 0 {
			s.WriteString(", ")
		}
		places(&s, db, i*len(columns), len(columns))
	}
	s.WriteString(" ON CONFLICT (" + strings.Join(t.keys, ", ") + ") DO ")
	if len(t.others) == 0 {
		s.WriteString("NOTHING")
	}
	for i, c := range t.others {
		s.WriteString([]string{"UPDATE SET ", ", "}[min(i, 1)] + c + " = excluded." + c)
	}
	return s.String()
}

// deleteAll removes the rows that have one of the values in a column.
func deleteAll(db *gorm.DB, from, column string, of []any) error {
	return inBulks(of, func(part []any) error {
		var s strings.Builder
		s.WriteString("DELETE FROM " + from + " WHERE " + column + " IN ")
		places(&s, db, 0, len(part))
		return exec(db, s.String(), part)
	})
}

// places writes the places of n values, in brackets; before is how many values
// the statement has already.
func places(s *strings.Builder, db *gorm.DB, before, n int) {
	numbered := db.Name() == "postgres"
	for i := range n {
		s.WriteByte("(,"[min(i, 1)])
		if numbered {
			s.WriteByte('$')
			s.WriteString(strconv.Itoa(before + i + 1))
		} else {
			s.WriteByte('?')
		}
	}
	s.WriteByte(')')
}

// exec runs a statement of ours as it is, with gorm's log.
func exec(db *gorm.DB, text string, values []any) error {
	begun, ctx := time.Now(), db.Statement.Context
	_, err := db.Statement.ConnPool.ExecContext(ctx, text, values...)
	db.Logger.Trace(ctx, begun, func() (string, int64) { return text, -1 }, err)
	return err
}
