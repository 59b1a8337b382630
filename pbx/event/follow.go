package event

import (
	"context"
	"time"

	"klapka.dev/klapka/pbx"
)

const (
	maxBatch = 500

	// passedMost bounds what a follower reads again after a restart because
	// nothing it wanted came that would have stored its cursor.
	passedMost  = 5_000
	passedStore = 5 * time.Second

	retryFirst = 100 * time.Millisecond
	retryMost  = 5 * time.Second
)

// Follower is a lossless subscriber.
type Follower struct {
	// Name is under which its cursor is stored: "calls", "registrations".
	Name string
	// Ledger is where its results and its cursor are stored together.
	Ledger pbx.Ledger
	// Linger is how long it lets events gather before it takes them, so that what
	// happens within that time is one transaction; 0: at once. A backlog, Drain
	// and the end do not wait for it.
	Linger time.Duration
	// Wants chooses the events Handle gets, nil takes all. The others are passed
	// over without a transaction of their own.
	Wants func(pbx.Event) bool
	// Handle writes what a batch of 1 to 500 events, in order, amounts to; it must
	// not change what the events refer to, because others get the same. It
	// runs inside the transaction that moves the cursor; events reach it once
	// for each transaction that counts. An error undoes the transaction, and the
	// same events come again: with Unavailable and everything else later, with
	// Invalid (the ledger refuses the data as such) one by one, and the one that
	// is refused alone is passed over.
	Handle func(tx pbx.LedgerTx, batch []pbx.Event) error
	// Failed, when set, is told that a transaction Handle may have been part of
	// did not count, or nobody knows: whatever Handle remembers of earlier
	// batches is to be read from the ledger again.
	Failed func()
}

// Follow delivers the history of the exchange to f, from its stored cursor on, and
// each further event as it is published, until ctx ends or the bus is closed; then
// it returns nil. While the ledger is away it tries again, after 100 ms at first
// and every 5 s later. It fails only with Conflict: the name is being followed
// already.
func (b *Bus) Follow(ctx context.Context, f Follower) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.running, cancel)()
	fl := &following{
		Follower: f, bus: b, limit: maxBatch,
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
	}
	open, err := b.enter(fl)
	if open {
		defer b.leave(fl)
		fl.run(ctx)
	}
	return err
}

// Drain waits until everybody who is in Follow at present has stored all that was
// written before the call, or ctx ends, whose error it returns then.
func (b *Bus) Drain(ctx context.Context) error {
	b.journal.mu.Lock()
	last := b.journal.last
	b.journal.mu.Unlock()
	for {
		b.followMu.Lock()
		behind, advanced := false, b.advanced
		for _, f := range b.following {
			if f.done.Load() < last {
				behind = true
				f.hasten()
			}
		}
		b.followMu.Unlock()
		if !behind {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// enter registers fl; false means that the bus is closed.
func (b *Bus) enter(fl *following) (open bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false, nil
	}
	b.followMu.Lock()
	defer b.followMu.Unlock()
	if b.following[fl.Name] != nil {
		return false, pbx.Errorf(pbx.Conflict, "%s is followed already", fl.Name)
	}
	b.following[fl.Name] = fl
	if _, ok := b.cursors[fl.Name]; !ok {
		b.cursors[fl.Name] = cursor{}
	}
	b.wakes[fl] = struct{}{}
	b.work.Add(1)
	return true, nil
}

func (b *Bus) leave(fl *following) {
	b.mu.Lock()
	delete(b.wakes, fl)
	b.mu.Unlock()
	b.followMu.Lock()
	delete(b.following, fl.Name)
	b.moved()
	b.followMu.Unlock()
	b.work.Done()
}

// moved tells Drain to look again; the caller holds followMu.
func (b *Bus) moved() {
	close(b.advanced)
	b.advanced = make(chan struct{})
}

// known reports whether the named follower's cursor is known to belong to this
// journal.
func (b *Bus) known(name string) bool {
	b.followMu.Lock()
	defer b.followMu.Unlock()
	return b.cursors[name].known
}

// stored notes how far a follower got and removes what nobody needs any more.
func (b *Bus) stored(name string, seq uint64) {
	b.followMu.Lock()
	b.cursors[name] = cursor{seq, true}
	below := seq
	for _, c := range b.cursors {
		below = min(below, c.seq) // 0 while one of them was not heard of
	}
	b.followMu.Unlock()
	if b.prunes {
		b.journal.prune(below)
	}
}
