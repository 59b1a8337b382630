package pbxtest_test

import (
	"errors"
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// A transaction of the ledger counts as a whole or not at all, and only from the
// cursor it was meant for.
func TestLedgerTransactions(t *testing.T) {
	l := pbxtest.NewLedger()
	ctx := t.Context()
	write := func(tx pbx.LedgerTx) error {
		return errors.Join(
			tx.SaveCall(pbx.CallRecord{ID: "1", Legs: []pbx.LegRecord{{ID: "a"}}}),
			tx.SaveBinding(pbx.Binding{Device: "d", Contact: "sip:d@127.0.0.2"}))
	}
	for _, p := range []pbxtest.LedgerPoint{pbxtest.AtBegin, pbxtest.AtWrite, pbxtest.AtCommit} {
		l.SetFault(func(at pbxtest.LedgerPoint) error {
			if at == p {
				return pbx.Errorf(pbx.Unavailable, "gone")
			}
			return nil
		})
		if err := l.Apply(ctx, "x", 0, 5, write); pbx.CodeOf(err) != pbx.Unavailable {
			t.Errorf("fault at %s: %v", p, err)
		}
		l.SetAway(false)
		if at, err := l.Cursor(ctx, "x"); at != 0 || err != nil || len(l.Calls())+len(l.Bindings()) != 0 {
			t.Errorf("after a fault at %s: cursor %d, %v, %v", p, at, l.Calls(), l.Bindings())
		}
	}
	if err := l.Apply(ctx, "x", 0, 5, write); err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(ctx, "x", 0, 6, write); pbx.CodeOf(err) != pbx.Conflict {
		t.Errorf("from a cursor that was passed: %v", err)
	}
	died := l.Clone()
	err := l.Apply(ctx, "x", 5, 6, func(tx pbx.LedgerTx) error {
		open, err := tx.OpenCalls()
		if len(open) != 1 {
			t.Errorf("open calls: %v", open)
		}
		return errors.Join(err, tx.DeleteBinding("d", "sip:d@127.0.0.2"), tx.DeleteBinding("d", "missing"))
	})
	if err != nil || len(l.Bindings()) != 0 || len(died.Bindings()) != 1 {
		t.Errorf("%v, %v, before: %v", err, l.Bindings(), died.Bindings())
	}
}
