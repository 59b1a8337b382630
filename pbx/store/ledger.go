package store

import (
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"klapka.dev/klapka/pbx"
)

type cursorRow struct {
	Name     string `gorm:"primaryKey"`
	Position int64
}

func (cursorRow) TableName() string { return "cursors" }

// Cursor implements pbx.Ledger.
func (s *Store) Cursor(ctx context.Context, name string) (uint64, error) {
	row, err := take[cursorRow](ctx, s.conn, "name = ?", name)
	if pbx.CodeOf(err) == pbx.NotFound {
		return 0, nil
	}
	return uint64(row.Position), err
}

// Apply implements pbx.Ledger. When the connection broke while the database was
// committing, Unavailable may be returned for what was stored after all: the
// cursor tells, and a repetition is refused with Conflict.
func (s *Store) Apply(ctx context.Context, name string, from, to uint64, write func(pbx.LedgerTx) error) error {
	if to < from {
		return pbx.FieldErrorf("to", "a cursor does not go back from %d to %d", from, to)
	}
	return s.transact(ctx, func(tx conn) error {
		// The cursor first: its row is the lock that keeps a second writer out.
		if err := tx.moveCursor(ctx, name, from, to); err != nil {
			return err
		}
		l := &ledgerTx{ctx: ctx, conn: tx}
		if err := write(l); err != nil {
			return err
		}
		return l.flush()
	})
}

func (c conn) moveCursor(ctx context.Context, name string, from, to uint64) error {
	return c.run(ctx, func(db *gorm.DB) error {
		if from == 0 {
			first := cursorRow{Name: name}
			if err := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&first).Error; err != nil {
				return err
			}
		}
		res := db.Model(&cursorRow{}).Where("name = ? AND position = ?", name, count(from)).
			Update("position", count(to))
		if res.Error == nil && res.RowsAffected == 0 {
			return pbx.Errorf(pbx.Conflict, "the cursor of %s is no longer at %d", name, from)
		}
		return res.Error
	})
}

// ledgerTx is one Apply. It remembers the first failure: a caller that overlooks
// it must not commit the rest.
type ledgerTx struct {
	ctx     context.Context // of the Apply; the methods are its body
	conn    conn
	failed  error
	pending pending
}

// flush writes what was collected.
func (l *ledgerTx) flush() error {
	err := l.run(l.pending.write)
	l.pending = pending{}
	return err
}

func (l *ledgerTx) run(f func(*gorm.DB) error) error {
	if l.failed == nil {
		l.failed = l.conn.run(l.ctx, f)
	}
	return l.failed
}

// OpenCalls implements pbx.LedgerTx, the oldest call first.
func (l *ledgerTx) OpenCalls() ([]pbx.CallRecord, error) {
	if err := l.flush(); err != nil {
		return nil, err
	}
	var rows []callRow
	err := l.run(func(db *gorm.DB) error {
		return db.Where("ended_at IS NULL").Order("started_at, id").Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	var records []pbx.CallRecord
	for len(rows) > 0 { // in parts, because a statement has a bounded number of parameters
		n := min(len(rows), maxCalls)
		part, err := l.conn.withLegs(l.ctx, rows[:n])
		if err != nil {
			return nil, err
		}
		records, rows = append(records, part...), rows[n:]
	}
	return records, nil
}

// SaveCall implements pbx.LedgerTx. Text that no database takes is made harmless
// and never refused.
func (l *ledgerTx) SaveCall(r pbx.CallRecord) error {
	r.Legs = slices.Clone(r.Legs) // the caller may go on with its own
	l.pending.saveCall(r)
	return nil
}

// Bindings implements pbx.LedgerTx.
func (l *ledgerTx) Bindings() ([]pbx.Binding, error) {
	if err := l.flush(); err != nil {
		return nil, err
	}
	var rows []bindingRow
	err := l.run(func(db *gorm.DB) error { return db.Order("device, registered_at, key_hash").Find(&rows).Error })
	if err != nil {
		return nil, err
	}
	bindings := make([]pbx.Binding, len(rows))
	for i, r := range rows {
		if bindings[i], err = r.binding(); err != nil {
			return nil, err
		}
	}
	return bindings, nil
}

// SaveBinding implements pbx.LedgerTx.
func (l *ledgerTx) SaveBinding(b pbx.Binding) error {
	row, err := rowOfBinding(b)
	if err != nil {
		return err
	}
	l.pending.saveBinding(row)
	return nil
}

// DeleteBinding implements pbx.LedgerTx.
func (l *ledgerTx) DeleteBinding(device, key string) error {
	l.pending.deleteBinding(bindingKey{wire(device), bindingKeyHash(key)})
	return nil
}
