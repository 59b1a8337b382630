package pbxtest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"klapka.dev/klapka/pbx"
)

// LedgerPoint is a place in the life of a ledger call at which a test can make
// it fail.
type LedgerPoint string

// The points, in the order in which they are passed.
const (
	AtCursor    LedgerPoint = "cursor"    // Cursor is about to answer
	AtBegin     LedgerPoint = "begin"     // Apply was called, nothing happened yet
	AtWrite     LedgerPoint = "write"     // the transaction is about to change a row
	AtCommit    LedgerPoint = "commit"    // everything was written, nothing counts yet
	AtCommitted LedgerPoint = "committed" // it counts, but the caller has not heard
)

// Ledger is a pbx.Ledger in memory, with transactions that really roll back and
// faults on demand.
type Ledger struct {
	mu    sync.Mutex
	rows  ledgerRows
	fault func(LedgerPoint) error
}

type bindingKey struct{ device, key string }

type ledgerRows struct {
	cursors  map[string]uint64
	calls    map[pbx.CallID]pbx.CallRecord
	bindings map[bindingKey]pbx.Binding
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{rows: ledgerRows{
		cursors:  make(map[string]uint64),
		calls:    make(map[pbx.CallID]pbx.CallRecord),
		bindings: make(map[bindingKey]pbx.Binding),
	}}
}

// SetFault installs a function that is asked at every point; an error it returns
// is what the ledger fails with there. Nil removes it. The function must not
// call the ledger.
func (l *Ledger) SetFault(f func(LedgerPoint) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
}

// SetAway makes every call fail with Unavailable, or ends that.
func (l *Ledger) SetAway(away bool) {
	if !away {
		l.SetFault(nil)
		return
	}
	l.SetFault(func(LedgerPoint) error {
		return pbx.Errorf(pbx.Unavailable, "the database is away")
	})
}

// Clone returns an independent ledger with the same rows and no fault: what a
// process finds that starts after this one died.
func (l *Ledger) Clone() *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Ledger{rows: l.rows.clone()}
}

// Calls returns every call record, ordered by id.
func (l *Ledger) Calls() []pbx.CallRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows.callList(func(pbx.CallRecord) bool { return true })
}

// Call returns the record with the given id and whether there is one.
func (l *Ledger) Call(id pbx.CallID) (pbx.CallRecord, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.rows.calls[id]
	return cloneCall(r), ok
}

// Bindings returns every stored registration, ordered by device and key.
func (l *Ledger) Bindings() []pbx.Binding {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows.bindingList()
}

// Cursor implements pbx.Ledger.
func (l *Ledger) Cursor(ctx context.Context, name string) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.check(ctx, AtCursor); err != nil {
		return 0, err
	}
	return l.rows.cursors[name], nil
}

// Apply implements pbx.Ledger.
func (l *Ledger) Apply(ctx context.Context, name string, from, to uint64, write func(pbx.LedgerTx) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.check(ctx, AtBegin); err != nil {
		return err
	}
	if at := l.rows.cursors[name]; at != from {
		return pbx.Errorf(pbx.Conflict, "the cursor of %s is %d, not %d", name, at, from)
	}
	tx := &ledgerTx{rows: l.rows.clone(), check: func(p LedgerPoint) error { return l.check(ctx, p) }}
	if err := write(tx); err != nil {
		return err
	}
	tx.rows.cursors[name] = to
	if err := l.check(ctx, AtCommit); err != nil {
		return err
	}
	l.rows = tx.rows
	return l.check(ctx, AtCommitted)
}

func (l *Ledger) check(ctx context.Context, p LedgerPoint) error {
	if err := ctx.Err(); err != nil {
		return pbx.Errorf(pbx.Unavailable, "%v", err)
	}
	if l.fault == nil {
		return nil
	}
	return l.fault(p)
}

type ledgerTx struct {
	rows  ledgerRows
	check func(LedgerPoint) error
}

func (tx *ledgerTx) OpenCalls() ([]pbx.CallRecord, error) {
	return tx.rows.callList(func(r pbx.CallRecord) bool { return r.EndedAt.IsZero() }), nil
}

func (tx *ledgerTx) SaveCall(r pbx.CallRecord) error {
	if err := tx.check(AtWrite); err != nil {
		return err
	}
	tx.rows.calls[r.ID] = cloneCall(r)
	return nil
}

func (tx *ledgerTx) Bindings() ([]pbx.Binding, error) { return tx.rows.bindingList(), nil }

func (tx *ledgerTx) SaveBinding(b pbx.Binding) error {
	if err := tx.check(AtWrite); err != nil {
		return err
	}
	tx.rows.bindings[bindingKey{b.Device, b.Key()}] = cloneBinding(b)
	return nil
}

func (tx *ledgerTx) DeleteBinding(device, key string) error {
	if err := tx.check(AtWrite); err != nil {
		return err
	}
	delete(tx.rows.bindings, bindingKey{device, key})
	return nil
}

func (r ledgerRows) clone() ledgerRows {
	c := NewLedger().rows
	for k, v := range r.cursors {
		c.cursors[k] = v
	}
	for k, v := range r.calls {
		c.calls[k] = cloneCall(v)
	}
	for k, v := range r.bindings {
		c.bindings[k] = cloneBinding(v)
	}
	return c
}

func (r ledgerRows) callList(keep func(pbx.CallRecord) bool) []pbx.CallRecord {
	var list []pbx.CallRecord
	for _, c := range r.calls {
		if keep(c) {
			list = append(list, cloneCall(c))
		}
	}
	slices.SortFunc(list, func(a, b pbx.CallRecord) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func (r ledgerRows) bindingList() []pbx.Binding {
	var list []pbx.Binding
	for _, b := range r.bindings {
		list = append(list, cloneBinding(b))
	}
	slices.SortFunc(list, func(a, b pbx.Binding) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Key(), b.Key()))
	})
	return list
}

func cloneCall(r pbx.CallRecord) pbx.CallRecord {
	r.Legs = slices.Clone(r.Legs)
	return r
}

func cloneBinding(b pbx.Binding) pbx.Binding {
	b.Path = slices.Clone(b.Path)
	return b
}
