package cdr_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/cdr"
	"klapka.dev/klapka/pbx/pbxtest"
)

// journal returns all events of the exchange's journal.
func (x *exchange) journal(t testing.TB) []pbx.Event {
	t.Helper()
	var events []pbx.Event
	err := x.Replay(0, func(e pbx.Event) error { events = append(events, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// A call that was running when the exchange died ended then: at the time of the
// last event of any kind, with cause restart. A stop in an orderly way with calls
// left over is no different.
func TestRestartClosesOpenCalls(t *testing.T) {
	for _, stored := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ledger := pbxtest.NewLedger()
			x := start(t, t.TempDir(), ledger)
			x.script("done", conversation()...)
			x.script("open", conversation()[:11]...)
			time.Sleep(time.Second)
			ledger.SetAway(!stored)
			time.Sleep(time.Minute)
			x.Publish(pbx.Event{Body: pbx.DeviceRegistered{}})
			last := x.Publish(pbx.Event{Body: pbx.ExchangeStopped{}})
			x.Publish(pbx.Event{Body: pbx.AuthFailed{}}) // no history
			synctest.Wait()
			crash := x.frozen(t)
			x.close(t)
			time.Sleep(time.Hour)

			y := start(t, crash, ledger.Clone())
			y.script("next", conversation()[:3]...)
			time.Sleep(10 * time.Second)
			r, _ := y.ledger.Call("open")
			want := pbx.Cause{Code: pbx.CauseRestart, By: pbx.BySystem}
			if r.Cause != want || !r.EndedAt.Equal(last.At) {
				t.Errorf("ended at %v with %v, last event at %v", r.EndedAt, r.Cause, last.At)
			}
			for _, l := range r.Legs {
				if lost := l.ID == "open-c"; lost != (l.Cause != want) || lost == l.EndedAt.Equal(last.At) {
					t.Errorf("leg %+v", l)
				}
			}
			if r, _ := y.ledger.Call("done"); r.Cause.Code != pbx.CauseNormal {
				t.Errorf("a call that had ended: %+v", r)
			}
			if r, _ := y.ledger.Call("next"); !r.EndedAt.IsZero() || len(r.Legs) != 2 {
				t.Errorf("a call of the new run: %+v", r)
			}
			y.close(t)
		})
	}
}

// Killed after each event of a call while its line is being written, with the
// database up to date or any number of events behind: after the next start the rows
// say what the events say. Every byte is tried for the events that answer and
// close the call, a few of them for the others.
func TestKilledAnywhere(t *testing.T) {
	steps := conversation()
	for n := 1; n <= len(steps); n++ {
		for _, behind := range []int{0, 1, 4, len(steps)} {
			if behind > n && behind != len(steps) {
				continue
			}
			everyByte := behind == len(steps) && (n == 11 || n == len(steps))
			synctest.Test(t, func(t *testing.T) { killAfter(t, steps[:n], behind, everyByte) })
		}
	}
}

// killAfter plays the steps, of which the database misses the last ones, kills the
// exchange while the last is written, and starts it again on what is left.
func killAfter(t *testing.T, steps []step, behind int, everyByte bool) {
	ledger := pbxtest.NewLedger()
	x := start(t, t.TempDir(), ledger)
	var before int64
	for i, s := range steps {
		if len(steps)-i <= behind {
			time.Sleep(time.Second)
			ledger.SetAway(true)
		}
		info, err := os.Stat(newest(t, x.dir))
		if err != nil {
			t.Fatal(err)
		}
		before = info.Size()
		x.script("1", s)
		time.Sleep(time.Second)
	}
	if behind == 0 {
		// The database has the last event: its line was complete.
		info, err := os.Stat(newest(t, x.dir))
		if err != nil {
			t.Fatal(err)
		}
		before = info.Size()
	}
	crash := x.frozen(t)
	x.close(t)
	whole, err := os.ReadFile(newest(t, crash))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(newest(t, crash))
	for _, size := range cuts(int(before), len(whole), everyByte) {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(size))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		y := start(t, dir, ledger.Clone())
		events := y.journal(t)
		synctest.Wait()
		if err := y.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		agree(t, y.ledger, events)
		y.close(t)
		if t.Failed() {
			t.Fatalf("after %d steps, %d of them not stored, cut at byte %d of %d", len(steps), behind, size, len(whole))
		}
	}
}

// cuts returns the sizes from which to start again.
func cuts(from, to int, everyByte bool) []int {
	if !everyByte {
		return slices.Compact([]int{from, min(from+1, to), (from + to) / 2, max(from, to-1), to})
	}
	var sizes []int
	for size := from; size <= to; size++ {
		sizes = append(sizes, size)
	}
	return sizes
}

// Whatever point of the transaction fails while a call goes on, and whether the
// process dies there or not, each call has one record and it is right.
func TestEveryFaultOfTheLedger(t *testing.T) {
	for _, point := range []pbxtest.LedgerPoint{
		pbxtest.AtCursor, pbxtest.AtBegin, pbxtest.AtWrite, pbxtest.AtCommit, pbxtest.AtCommitted,
	} {
		for nth := range len(conversation()) {
			for _, dies := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) { faultAt(t, point, nth, dies) })
			}
		}
	}
}

func faultAt(t *testing.T, point pbxtest.LedgerPoint, nth int, dies bool) {
	ledger, seen := pbxtest.NewLedger(), 0
	ledger.SetFault(func(p pbxtest.LedgerPoint) error {
		if p == point {
			seen++
		}
		if p == point && (seen == nth+1 || dies && seen > nth) {
			return pbx.Errorf(pbx.Unavailable, "connection lost")
		}
		return nil
	})
	x := start(t, t.TempDir(), ledger)
	for _, s := range conversation() {
		x.script("1", s)
		time.Sleep(time.Second)
	}
	if dies {
		crash := x.frozen(t)
		x.close(t)
		x = start(t, crash, ledger.Clone())
	}
	time.Sleep(time.Minute)
	events := x.journal(t)
	if len(events) < len(conversation()) {
		t.Fatalf("only %d events are left in the journal", len(events))
	}
	agree(t, x.ledger, events)
	x.close(t)
	if t.Failed() {
		t.Fatalf("fault %d at %s, dies: %t", nth, point, dies)
	}
}

// Calls at random, the database coming and going for a minute at a time, the
// exchange killed again and again: in the end every call that was ever started has
// one record, and it says what the events say.
func TestAnyHistory(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { history(t, rand.New(rand.NewPCG(seed, 1))) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func history(t *testing.T, random *rand.Rand) {
	ledger := pbxtest.NewLedger()
	x := start(t, t.TempDir(), ledger, cdr.FollowerName)
	// Files go when they were stored, so the events are remembered here.
	var events []pbx.Event
	events = append(events, x.journal(t)...)
	running := make(map[string]int) // how many steps of the call were played
	calls := 0
	for range 400 {
		switch n := random.IntN(100); {
		case n < 20:
			calls++
			running[fmt.Sprint(calls)] = 0
		case n < 22:
			x.ledger.SetFault(flaky(random))
		case n < 24:
			x.ledger.SetFault(nil)
		case n < 26:
			time.Sleep(time.Minute)
		case n < 27:
			crash := x.frozen(t)
			left := x.ledger.Clone()
			x.close(t)
			x = start(t, crash, left, cdr.FollowerName)
			clear(running) // they died with it
			events = append(events, since(t, x, events)...)
		default:
			ids := slices.Sorted(maps.Keys(running))
			if len(ids) == 0 {
				break
			}
			id := ids[random.IntN(len(ids))]
			events = append(events, x.script(id, conversation()[running[id]])...)
			if running[id]++; running[id] == len(conversation()) {
				delete(running, id)
			}
		}
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
	}
	x.ledger.SetFault(nil)
	synctest.Wait()
	if err := x.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	agree(t, x.ledger, events)
	x.close(t)
}

// since returns the events of the journal behind those already known.
func since(t *testing.T, x *exchange, known []pbx.Event) []pbx.Event {
	t.Helper()
	var events []pbx.Event
	err := x.Replay(known[len(known)-1].Seq, func(e pbx.Event) error { events = append(events, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// flaky fails at any point now and then, or always.
func flaky(random *rand.Rand) func(pbxtest.LedgerPoint) error {
	rate := 1 + random.IntN(4)
	random = rand.New(rand.NewPCG(random.Uint64(), 2)) // the ledger asks from another goroutine
	return func(pbxtest.LedgerPoint) error {
		if random.IntN(rate) == 0 {
			return pbx.Errorf(pbx.Unavailable, "connection lost")
		}
		return nil
	}
}
