package pbx

import "context"

// Ledger is where lossless subscribers write: rows and the cursor that says how
// far the journal was read change in one transaction, so that every event counts
// exactly once, whatever dies in between.
type Ledger interface {
	// Cursor is the sequence number up to which subscriber name has read; 0 at
	// first.
	Cursor(ctx context.Context, name string) (uint64, error)
	// Apply runs write and moves the cursor of name from "from" to "to" in one
	// transaction. It fails with Conflict when the stored cursor is not from
	// (somebody else wrote), with Unavailable when the database is away, with
	// Invalid when it refuses the data itself; then nothing changed. An error
	// during the commit may leave it open whether the transaction counts: ask
	// Cursor. "to" may be lower than "from": the journal was begun anew. write
	// runs at most once per call.
	Apply(ctx context.Context, name string, from, to uint64, write func(LedgerTx) error) error
}

// LedgerTx is the set of writes a lossless subscriber may do. They may be collected
// and carried out together in the end: Apply then fails with what was refused.
type LedgerTx interface {
	// OpenCalls returns every call record without an end, with its legs.
	OpenCalls() ([]CallRecord, error)
	// SaveCall inserts or replaces the record and its legs.
	SaveCall(r CallRecord) error
	// Bindings returns every stored registration.
	Bindings() ([]Binding, error)
	// SaveBinding inserts or replaces the binding with the same device and key.
	SaveBinding(b Binding) error
	// DeleteBinding removes it; a missing one is no error.
	DeleteBinding(device, key string) error
}
