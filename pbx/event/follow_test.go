package event_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/pbxtest"
)

// counter is a follower that stores, for each event, how often it came: one call
// record per event, whose Dialled counts in unary.
type counter struct {
	name    string
	ledger  *pbxtest.Ledger
	mu      sync.Mutex
	batches [][]uint64 // numbers, by attempt
	times   []time.Time
	failed  int
}

func (c *counter) follower() event.Follower {
	return event.Follower{Name: c.name, Ledger: c.ledger, Handle: c.handle, Failed: func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failed++
	}}
}

func (c *counter) handle(tx pbx.LedgerTx, batch []pbx.Event) error {
	var numbers []uint64
	for _, e := range batch {
		numbers = append(numbers, e.Seq)
	}
	c.mu.Lock()
	c.batches = append(c.batches, numbers)
	c.times = append(c.times, time.Now())
	c.mu.Unlock()
	stored, err := tx.OpenCalls()
	if err != nil {
		return err
	}
	for _, e := range batch {
		r := pbx.CallRecord{ID: pbx.CallID(fmt.Sprintf("%s-%d-%s", c.name, e.Epoch, e.Call))}
		for _, s := range stored {
			if s.ID == r.ID {
				r = s
			}
		}
		r.Dialled += "I"
		if err := tx.SaveCall(r); err != nil {
			return err
		}
	}
	return nil
}

// follow runs f until the test or the bus ends.
func follow(t testing.TB, b *event.Bus, f event.Follower) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Follow(ctx, f); err != nil {
			t.Errorf("follow %s: %v", f.Name, err)
		}
	}()
	return func() { cancel(); <-done }
}

// once checks that the ledger counted the calls 0 to n-1 of one epoch exactly
// once each.
func once(t *testing.T, l *pbxtest.Ledger, want int) {
	t.Helper()
	calls := l.Calls()
	for _, r := range calls {
		if r.Dialled != "I" {
			t.Errorf("%s was counted %d times", r.ID, len(r.Dialled))
		}
	}
	if len(calls) != want {
		t.Errorf("%d events were counted, want %d", len(calls), want)
	}
}

// History reaches a follower at once, in order, and counts once, across a
// restart of the exchange.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, c := t.TempDir(), &counter{name: "calls", ledger: pbxtest.NewLedger()}
		b := open(t, dir)
		call(b, 0) // before anybody follows
		follow(t, b, c.follower())
		began := time.Now()
		for n := range 9 {
			lossy(b)
			call(b, n+1)
		}
		synctest.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("delivered after %v", took)
		}
		once(t, c.ledger, 10)
		if got := slices.Concat(c.batches...); !slices.IsSorted(got) || len(got) != 10 {
			t.Errorf("delivered %v", got)
		}
		closeBus(t, b)

		b = open(t, dir)
		call(b, 0)
		follow(t, b, c.follower())
		synctest.Wait()
		once(t, c.ledger, 11)
		closeBus(t, b)
	})
}

// A backlog is stored in batches of 500, not one by one nor all at once.
func TestBacklogComesInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir())
		for n := range 1234 {
			call(b, n)
		}
		c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		follow(t, b, c.follower())
		synctest.Wait()
		var sizes []int
		for _, batch := range c.batches {
			sizes = append(sizes, len(batch))
		}
		if !slices.Equal(sizes, []int{500, 500, 234}) {
			t.Errorf("batches of %v", sizes)
		}
		closeBus(t, b)
	})
}

// A database that is away for a minute delays and loses nothing: attempts after
// 100 ms, 200 ms … 5 s, and no call is counted twice. Another follower does not
// notice.
func TestDatabaseAwayForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir())
		c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		other := &counter{name: "registrations", ledger: pbxtest.NewLedger()}
		follow(t, b, c.follower())
		follow(t, b, other.follower())
		call(b, 0)
		synctest.Wait()
		began := time.Now()
		var attempts []time.Duration
		c.ledger.SetFault(func(p pbxtest.LedgerPoint) error {
			if p != pbxtest.AtCursor {
				attempts = append(attempts, time.Since(began))
				return pbx.Errorf(pbx.Unavailable, "the database is away")
			}
			return nil
		})
		for n := range 60 {
			call(b, n+1)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		once(t, other.ledger, 61)
		ms := time.Millisecond
		want := []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms, 3100 * ms, 6300 * ms, 11300 * ms, 16300 * ms}
		if len(attempts) < len(want) || !slices.Equal(attempts[:len(want)], want) {
			t.Errorf("attempts at %v, want %v", attempts, want)
		}
		for _, f := range b.Stats().Followers {
			if lagging := f.Name == "calls"; lagging != (f.Lag > 59*time.Second) || lagging != (f.Retries > 0) {
				t.Errorf("while the database is away: %+v", f)
			}
		}
		c.ledger.SetAway(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		once(t, c.ledger, 61)
		if c.failed != len(attempts) {
			t.Errorf("%d failures, told of %d", len(attempts), c.failed)
		}
		for _, f := range b.Stats().Followers {
			if f.Lag != 0 {
				t.Errorf("after the database came back: %+v", f)
			}
		}
		closeBus(t, b)
	})
}

// Whatever point of a transaction fails, and whether or not the process dies
// there, every event counts exactly once, also when the commit succeeded and
// nobody heard of it.
func TestExactlyOnceAtEveryPoint(t *testing.T) {
	points := []pbxtest.LedgerPoint{
		pbxtest.AtCursor, pbxtest.AtBegin, pbxtest.AtWrite, pbxtest.AtCommit, pbxtest.AtCommitted,
	}
	for _, point := range points {
		for nth := range 3 {
			for _, dies := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s-%d-dies=%t", point, nth, dies), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { failAt(t, point, nth, dies) })
				})
			}
		}
	}
}

func failAt(t *testing.T, point pbxtest.LedgerPoint, nth int, dies bool) {
	dir, c := t.TempDir(), &counter{name: "calls", ledger: pbxtest.NewLedger()}
	b := open(t, dir)
	seen := 0
	c.ledger.SetFault(func(p pbxtest.LedgerPoint) error {
		if p == point {
			seen++
		}
		if p == point && (seen == nth+1 || dies && seen > nth) {
			return pbx.Errorf(pbx.Unavailable, "connection lost")
		}
		return nil
	})
	follow(t, b, c.follower())
	for n := range 7 {
		call(b, n)
		synctest.Wait()
	}
	if dies { // the next process finds the journal and the rows as they are now
		next := &counter{name: "calls", ledger: c.ledger.Clone()}
		crash := copyDir(t, dir)
		closeBus(t, b)
		b, c = open(t, crash), next
		follow(t, b, c.follower())
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	once(t, c.ledger, 7)
	closeBus(t, b)
}

// An event the ledger refuses as such is found among the others, passed over and
// reported; it does not hold up what comes after it.
func TestRefusedEvent(t *testing.T) {
	for name, refuse := range map[string]func(){
		"invalid": func() {},
		"panic":   func() { panic("a defect") },
	} {
		synctest.Test(t, func(t *testing.T) {
			var log logBuffer
			b := open(t, t.TempDir(), func(o *event.Options) { o.Log = log.logger() })
			c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
			f := c.follower()
			f.Handle = func(tx pbx.LedgerTx, batch []pbx.Event) error {
				for _, e := range batch {
					if e.Call == "call-0321" {
						refuse()
						return pbx.FieldErrorf("name", "contains what the database cannot store")
					}
				}
				return c.handle(tx, batch)
			}
			for n := range 700 {
				call(b, n)
			}
			follow(t, b, f)
			time.Sleep(time.Minute)
			once(t, c.ledger, 699)
			if log.count("passing over it") != 1 || b.Stats().Followers[0].Skipped != 1 {
				t.Errorf("%s: %+v", name, b.Stats().Followers)
			}
			closeBus(t, b)
		})
	}
}

// A fault of unknown nature is no reason to lose an event: it is tried until it
// works.
func TestUnknownFaultIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir())
		c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		c.ledger.SetFault(func(pbxtest.LedgerPoint) error { return errors.New("out of shared memory") })
		call(b, 0)
		follow(t, b, c.follower())
		time.Sleep(time.Hour)
		once(t, c.ledger, 0)
		c.ledger.SetFault(nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		once(t, c.ledger, 1)
		closeBus(t, b)
	})
}

// What a follower does not want costs no transaction; that it was passed over is
// stored when the exchange is quiet.
func TestWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir())
		c := &counter{name: "registrations", ledger: pbxtest.NewLedger()}
		f := c.follower()
		f.Wants = func(e pbx.Event) bool { return e.Kind == "device.registered" }
		begins := 0
		c.ledger.SetFault(func(p pbxtest.LedgerPoint) error {
			if p == pbxtest.AtBegin {
				begins++
			}
			return nil
		})
		follow(t, b, f)
		for n := range 100 {
			call(b, n)
			synctest.Wait()
		}
		if err := b.Drain(t.Context()); err != nil || begins != 0 {
			t.Errorf("%v, %d transactions for nothing", err, begins)
		}
		b.Publish(pbx.Event{Call: "x", Body: pbx.DeviceRegistered{}})
		synctest.Wait()
		last := call(b, 100)
		synctest.Wait()
		once(t, c.ledger, 1)
		time.Sleep(10 * time.Second)
		if at, err := c.ledger.Cursor(t.Context(), f.Name); err != nil || at != last.Seq || begins != 2 {
			t.Errorf("cursor %d, want %d, after %d transactions; %v", at, last.Seq, begins, err)
		}
		closeBus(t, b)
	})
}

// One name, one follower; and stopping one ends it.
func TestOneFollowerPerName(t *testing.T) {
	b := open(t, t.TempDir())
	c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
	stop := follow(t, b, c.follower())
	call(b, 0)
	for len(c.ledger.Calls()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := b.Follow(t.Context(), c.follower()); pbx.CodeOf(err) != pbx.Conflict {
		t.Errorf("followed twice: %v", err)
	}
	stop()
	if n := len(b.Stats().Followers); n != 0 {
		t.Errorf("%d followers after it was stopped", n)
	}
	call(b, 1)
	follow(t, b, c.follower())
	if err := b.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

// Drain waits for the ledgers, but not longer than it is told to.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir())
		c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		c.ledger.SetAway(true)
		follow(t, b, c.follower())
		synctest.Wait()
		call(b, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := b.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drained into nothing: %v", err)
		}
		c.ledger.SetAway(false)
		if err := b.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		once(t, c.ledger, 1)
		closeBus(t, b)
	})
}
