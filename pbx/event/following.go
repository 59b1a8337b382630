package event

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"klapka.dev/klapka/pbx"
)

// following is one run of Follow.
type following struct {
	Follower
	bus    *Bus
	wake   chan struct{} // holds one token when the journal grew
	hurry  chan struct{} // holds one token when somebody waits for the result
	reader *reader
	at     uint64 // the cursor as stored
	passed int    // events passed over since
	limit  int    // size of the next batch

	done    atomic.Uint64 // number up to which nothing is left to store
	oldest  atomic.Int64  // time of the first event that could not be stored yet, ns; 0: none
	retries atomic.Uint64
	skipped atomic.Uint64
}

func (f *following) figures() FollowerStats {
	s := FollowerStats{
		Name: f.Name, Cursor: f.done.Load(),
		Retries: f.retries.Load(), Skipped: f.skipped.Load(),
	}
	if ns := f.oldest.Load(); ns != 0 {
		s.Lag = max(0, time.Since(time.Unix(0, ns)))
	}
	return s
}

// run works until ctx ends, beginning from the stored cursor after each failure.
func (f *following) run(ctx context.Context) {
	defer f.stopReading()
	wait := retryFirst
	for {
		stored, err := f.pump(ctx)
		if ctx.Err() != nil {
			return
		}
		if stored {
			wait = retryFirst
		}
		f.retries.Add(1)
		f.oldest.CompareAndSwap(0, time.Now().UnixNano())
		f.bus.log.Warn("event: a follower cannot store; trying again", "follower", f.Name, "in", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = min(2*wait, retryMost)
	}
}

// pump delivers batch after batch until something fails, and says whether any was
// stored.
func (f *following) pump(ctx context.Context) (stored bool, err error) {
	if err := f.begin(ctx); err != nil {
		return false, err
	}
	for ; ; stored = true {
		limit := f.limit
		events, err := f.reader.next(limit)
		if err != nil {
			return stored, err
		}
		upToDate := len(events) < limit
		if len(events) > 0 {
			err = f.deliver(ctx, events)
		}
		if err == nil && upToDate {
			err = f.idle(ctx)
		}
		if err != nil {
			return stored, err
		}
	}
}

// begin reads the cursor and goes to that place in the journal.
func (f *following) begin(ctx context.Context) error {
	at, err := f.Ledger.Cursor(ctx, f.Name)
	if err != nil {
		return err
	}
	f.stopReading()
	f.at, f.passed = at, 0
	_, seq := f.bus.Position()
	if foreign := at > seq || at > 0 && f.bus.began == 0 && !f.bus.known(f.Name); foreign {
		f.bus.log.Warn("event: the database belongs to another journal or a later state of this one; following from this start on",
			"follower", f.Name, "cursor", at, "journal", seq)
		at = f.bus.began
	} else {
		f.bus.stored(f.Name, at)
	}
	f.reader = f.bus.journal.newReader(f.bus.decode, at)
	f.advance(at)
	return nil
}

func (f *following) stopReading() {
	if f.reader == nil {
		return
	}
	if err := f.reader.close(); err != nil {
		f.bus.log.Warn("event: a journal file did not close", "follower", f.Name, "err", err)
	}
	f.reader = nil
}

// idle waits for the journal to grow. That events were passed over is stored when
// nothing happens for a while.
func (f *following) idle(ctx context.Context) error {
	f.oldest.Store(0)
	f.advance(f.reader.after)
	var later <-chan time.Time
	if f.passed > 0 {
		timer := time.NewTimer(passedStore)
		defer timer.Stop()
		later = timer.C
	}
	select {
	case <-f.wake:
		return f.linger(ctx)
	case <-later:
		return f.apply(ctx, nil, f.reader.after)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// linger lets further events gather before the next batch is read.
func (f *following) linger(ctx context.Context) error {
	if f.Linger <= 0 {
		return nil
	}
	timer := time.NewTimer(f.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.hurry:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-f.wake: // what it tells of is read next
	default:
	}
	return nil
}

// hasten ends the present or the next lingering.
func (f *following) hasten() {
	select {
	case f.hurry <- struct{}{}:
	default:
	}
}

// deliver stores what a batch amounts to.
func (f *following) deliver(ctx context.Context, events []pbx.Event) error {
	read, to := len(events), f.reader.after
	if f.Wants != nil {
		events = slices.DeleteFunc(events, func(e pbx.Event) bool { return !f.Wants(e) })
	}
	if len(events) == 0 {
		if f.passed += read; f.passed < passedMost {
			f.advance(to)
			return nil
		}
		return f.apply(ctx, nil, to)
	}
	f.oldest.CompareAndSwap(0, events[0].At.UnixNano())
	err := f.apply(ctx, events, to)
	switch {
	case pbx.CodeOf(err) != pbx.Invalid:
	case len(events) > 1:
		f.limit = 1 // the batch comes again in single events, to find the one
	default:
		f.skipped.Add(1)
		f.bus.log.Error("event: the ledger refuses an event; passing over it", "follower", f.Name,
			"kind", events[0].Kind, "seq", events[0].Seq, "call", events[0].Call, "err", err)
		err = f.apply(ctx, nil, to)
	}
	if err != nil {
		return err
	}
	f.oldest.Store(0)
	f.limit = min(2*f.limit, maxBatch)
	return nil
}

// apply stores the result of events together with the cursor.
func (f *following) apply(ctx context.Context, events []pbx.Event, to uint64) error {
	err := f.Ledger.Apply(ctx, f.Name, f.at, to, func(tx pbx.LedgerTx) error {
		if len(events) == 0 {
			return nil
		}
		return f.handle(tx, events)
	})
	if err != nil {
		if f.Failed != nil {
			f.Failed()
		}
		return err
	}
	f.at, f.passed = to, 0
	f.bus.stored(f.Name, to)
	f.advance(to)
	return nil
}

// handle keeps a defect in Handle from ending the exchange, and from ending it
// again at every start because the journal delivers the same event.
func (f *following) handle(tx pbx.LedgerTx, events []pbx.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			f.bus.log.Error("event: a follower panicked", "follower", f.Name, "panic", p, "stack", string(debug.Stack()))
			err = pbx.Errorf(pbx.Invalid, "%s panicked: %s", f.Name, fmt.Sprint(p))
		}
	}()
	return f.Handle(tx, events)
}

func (f *following) advance(to uint64) {
	f.done.Store(to)
	f.bus.followMu.Lock()
	f.bus.moved()
	f.bus.followMu.Unlock()
}
