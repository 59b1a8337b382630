package event_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/pbxtest"
)

const aWhile = 200 * time.Millisecond

func lingering(c *counter) event.Follower {
	f := c.follower()
	f.Linger = aWhile
	return f
}

// sizes are how many events came at a time.
func (c *counter) sizes() (sizes []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.batches {
		sizes = append(sizes, len(b))
	}
	return sizes
}

// What happens within the time a follower lingers is one transaction, under
// steady load too; what is alone is stored after that time at the latest.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir())
		c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		follow(t, b, lingering(c))
		synctest.Wait()
		for n := range 100 { // a second
			call(b, n)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if got := c.sizes(); len(got) > 6 {
			t.Errorf("batches of %v", got)
		}
		began := time.Now()
		call(b, 100)
		time.Sleep(time.Second)
		synctest.Wait()
		if took := c.times[len(c.times)-1].Sub(began); took != aWhile {
			t.Errorf("one event was stored after %v", took)
		}
		once(t, c.ledger, 101)
		closeBus(t, b)
	})
}

// A backlog, Drain and Close do not wait until a follower has lingered.
func TestNobodyWaitsForLingering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir())
		for n := range 1234 {
			call(b, n)
		}
		c := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		follow(t, b, lingering(c))
		began := time.Now()
		synctest.Wait()
		if got := c.sizes(); !slices.Equal(got, []int{500, 500, 234}) {
			t.Errorf("the backlog came in batches of %v", got)
		}
		for n := range 3 {
			call(b, 1234+n)
			synctest.Wait() // lingers
			call(b, 1334+n)
			if err := b.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		}
		once(t, c.ledger, 1240)
		call(b, 2000)
		synctest.Wait()
		closeBus(t, b)
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		once(t, c.ledger, 1240)
	})
}

// A follower that keeps up takes events from memory, one that does not reads the
// files; whoever goes from one to the other misses nothing and gets nothing
// twice, and files that everybody has stored are gone.
func TestBetweenMemoryAndFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, func(o *event.Options) {
			o.SegmentBytes = 50_000
			o.Followers = []string{"calls", "registrations"}
		})
		slow := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		quick := &counter{name: "registrations", ledger: pbxtest.NewLedger()}
		follow(t, b, slow.follower())
		follow(t, b, lingering(quick))
		n := 0
		for _, some := range []int{1, 700, event.MaxRecent, 5, event.MaxRecent + 700, 2} {
			slow.ledger.SetAway(some > 1000)
			for range some {
				b.Publish(pbx.Event{Call: pbx.CallID(fmt.Sprint(n)), Body: pbx.CallEnded{}})
				if n++; n%700 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			slow.ledger.SetAway(false)
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		for _, c := range []*counter{slow, quick} {
			got := slices.Concat(c.batches...)
			slices.Sort(got)
			if got = slices.Compact(got); len(got) != n { // refused ones came again
				t.Errorf("%s got %d of %d events", c.name, len(got), n)
			}
			once(t, c.ledger, n)
		}
		if left := len(segments(t, dir)); left != 1 {
			t.Errorf("%d files left", left)
		}
		closeBus(t, b)
	})
}
