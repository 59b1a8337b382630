package event_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/pbxtest"
)

// After a loss of power the journal may lack the last events that a follower had
// already stored. What happens next still reaches it.
func TestJournalBehindTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, c := t.TempDir(), &counter{name: "calls", ledger: pbxtest.NewLedger()}
		b := open(t, dir)
		follow(t, b, c.follower())
		for n := range 5 {
			call(b, n)
		}
		early := copyDir(t, dir)
		for n := range 5 {
			call(b, n+5)
		}
		synctest.Wait()
		closeBus(t, b)

		b = open(t, early)
		follow(t, b, c.follower())
		for n := range 5 {
			call(b, n)
		}
		synctest.Wait()
		once(t, c.ledger, 15)
		closeBus(t, b)
	})
}

// A data directory that was lost begins a new journal; a database that remembers
// the old one does not ignore the new.
func TestJournalBegunAnew(t *testing.T) {
	for _, before := range []int{2, 50} { // fewer and more than the new journal will hold
		synctest.Test(t, func(t *testing.T) {
			c := &counter{name: "old", ledger: pbxtest.NewLedger()}
			b := open(t, t.TempDir())
			follow(t, b, c.follower())
			for n := range before {
				call(b, n)
			}
			synctest.Wait()
			closeBus(t, b)

			dir := t.TempDir()
			b = open(t, dir)
			c.ledger.SetAway(true)
			follow(t, b, c.follower())
			for n := range 10 {
				call(b, 1000+n)
			}
			time.Sleep(time.Minute)
			c.ledger.SetAway(false)
			time.Sleep(time.Minute)
			once(t, c.ledger, before+10)
			closeBus(t, b)
		})
	}
}

// A data directory restored from an old backup is behind its database; what happens
// from then on is recorded all the same, and what was recorded is not repeated.
func TestJournalFromABackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, c := t.TempDir(), &counter{name: "calls", ledger: pbxtest.NewLedger()}
		var backup string
		for n := range 5 {
			b := open(t, dir)
			follow(t, b, c.follower())
			call(b, n)
			synctest.Wait()
			closeBus(t, b)
			if n == 0 {
				backup = copyDir(t, dir)
			}
		}
		b := open(t, backup)
		follow(t, b, c.follower())
		for n := range 5 {
			call(b, 1000+n)
			synctest.Wait()
		}
		once(t, c.ledger, 10)
		closeBus(t, b)
	})
}

// Journal files go when every follower has stored what they hold, and not before.
func TestOldFilesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		with := func(o *event.Options) {
			o.SegmentBytes = 5_000
			o.Followers = []string{"calls", "registrations"}
		}
		b := open(t, dir, with)
		for n := range 200 {
			call(b, n)
		}
		all := len(segments(t, dir))
		if all < 5 {
			t.Fatalf("only %d files", all)
		}
		calls := &counter{name: "calls", ledger: pbxtest.NewLedger()}
		registrations := &counter{name: "registrations", ledger: pbxtest.NewLedger()}
		follow(t, b, calls.follower())
		synctest.Wait()
		if n := len(segments(t, dir)); n != all {
			t.Errorf("%d of %d files left before the second follower was heard of", n, all)
		}
		registrations.ledger.SetAway(true)
		follow(t, b, registrations.follower())
		time.Sleep(time.Minute)
		if n := len(segments(t, dir)); n != all {
			t.Errorf("%d of %d files left while the second follower's database is away", n, all)
		}
		registrations.ledger.SetAway(false)
		time.Sleep(time.Minute)
		if n := len(segments(t, dir)); n != 1 {
			t.Errorf("%d files left after everybody stored everything", n)
		}
		closeBus(t, b)

		b = open(t, dir, with)
		last := call(b, 0)
		if got := replay(t, b, last.Seq-1); len(got) != 1 || last.Epoch != 2 {
			t.Errorf("after the removal: %+v", got)
		}
		follow(t, b, calls.follower())
		follow(t, b, registrations.follower())
		synctest.Wait()
		if n := len(segments(t, dir)); n != 1 {
			t.Errorf("%d files left after the next start", n)
		}
		once(t, calls.ledger, 201)
		once(t, registrations.ledger, 201)
		closeBus(t, b)
	})
}

// A reader that is overtaken by the removal of files still reads all that was
// there when it began.
func TestReplayWhileFilesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), func(o *event.Options) {
			o.SegmentBytes = 100_000
			o.Followers = []string{"calls"}
		})
		for n := range 10 {
			call(b, n)
		}
		got := 0
		err := b.Replay(0, func(pbx.Event) error {
			if got++; got == 1 {
				for n := range 1000 {
					call(b, n)
				}
				follow(t, b, (&counter{name: "calls", ledger: pbxtest.NewLedger()}).follower())
				synctest.Wait()
			}
			return nil
		})
		if err != nil || got < 10 {
			t.Errorf("%d events, %v", got, err)
		}
		closeBus(t, b)
	})
}

// A journal file that somebody deleted costs what was in it and no more.
func TestDeletedFile(t *testing.T) {
	dir := t.TempDir()
	var log logBuffer
	b := open(t, dir, func(o *event.Options) { o.SegmentBytes, o.Log = 5_000, log.logger() })
	for n := range 100 {
		call(b, n)
	}
	files := segments(t, dir)
	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	got := replay(t, b, 0)
	if len(got) < 60 || len(got) > 99 || got[len(got)-1].Seq != 100 || log.count("no such file") != 1 {
		t.Errorf("%d events of %d files; log: %s", len(got), len(files), log.buf.String())
	}
}
