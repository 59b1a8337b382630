package event_test

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx/event"
)

func openOn(t *testing.T, dir string, d *event.FaultyDisk, log *logBuffer) *event.Bus {
	t.Helper()
	b, err := event.OpenOn(event.Options{Dir: dir, Log: log.logger()}, d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func full(d *event.FaultyDisk) {
	var err error = syscall.ENOSPC
	d.Err.Store(&err)
}

// While the disk is full, calls and screens go on; when there is room again,
// everything is written, in order and once.
func TestDiskFull(t *testing.T) {
	for _, short := range []int64{0, 1, 60, 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			var disk event.FaultyDisk
			var log logBuffer
			dir := t.TempDir()
			b := openOn(t, dir, &disk, &log)
			screen := b.Subscribe(1000, nil)
			call(b, 0)
			disk.Short.Store(short)
			full(&disk)
			for n := range 300 {
				call(b, n+1)
				time.Sleep(time.Second)
			}
			if s := b.Stats(); s.Queued != 300 || s.JournalErrors < 300 || s.Dropped != 0 {
				t.Errorf("while full: %+v", s)
			}
			if n := log.count("the disk failed"); n < 4 || n > 6 {
				t.Errorf("%d lines in five minutes", n)
			}
			if got := len(replay(t, b, 0)); got != 1 {
				t.Errorf("%d events can be read while the disk is full", got)
			}
			crash := copyDir(t, dir)
			disk.Err.Store(nil)
			time.Sleep(2 * time.Second) // no further event is needed
			got := replay(t, b, 0)
			for i, e := range got {
				if e.Seq != uint64(i+1) {
					t.Fatalf("event %d has number %d", i, e.Seq)
				}
			}
			if len(got) != 301 || len(screen.C()) != 301 || b.Stats().Queued != 0 {
				t.Errorf("%d written, %d on the screen, %+v", len(got), len(screen.C()), b.Stats())
			}
			closeBus(t, b)

			// Killed while the disk was full: what was written before is intact, and
			// so is a line of which the disk took all before it said no.
			b = open(t, crash)
			want := 1
			if short == 1<<20 {
				want = 2
			}
			if got := replay(t, b, 0); len(got) != want {
				t.Errorf("after a kill: %d events", len(got))
			}
			closeBus(t, b)
		})
	}
}

// The queue of a disk that stays full is bounded; it keeps the oldest.
func TestDiskFullForTooLong(t *testing.T) {
	var disk event.FaultyDisk
	var log logBuffer
	b := openOn(t, t.TempDir(), &disk, &log)
	full(&disk)
	for n := range event.MaxQueued + 50 {
		call(b, n)
	}
	if s := b.Stats(); s.Queued != event.MaxQueued || s.Dropped != 50 {
		t.Errorf("%+v", s)
	}
	disk.Err.Store(nil)
	last := call(b, 0)
	got := replay(t, b, 0)
	if len(got) != event.MaxQueued+1 || got[0].Seq != 1 || got[len(got)-1].Seq != last.Seq {
		t.Errorf("%d events in the journal", len(got))
	}
	closeBus(t, b)
}

// A disk that is already full does not keep the exchange from starting.
func TestStartsOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk event.FaultyDisk
		var log logBuffer
		dir := t.TempDir()
		full(&disk)
		b := openOn(t, dir, &disk, &log)
		call(b, 1)
		disk.Err.Store(nil)
		time.Sleep(2 * time.Second)
		call(b, 2)
		if got := replay(t, b, 0); len(got) != 2 || got[0].Seq != 1 {
			t.Errorf("%+v", got)
		}
		closeBus(t, b)
	})
}

// What is written is synced within a second, a burst by one sync; an idle
// exchange leaves the disk asleep.
func TestSyncedWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk event.FaultyDisk
		var log logBuffer
		b := openOn(t, t.TempDir(), &disk, &log)
		if disk.Syncs.Load() == 0 {
			t.Error("a loss of power could take the new epoch back")
		}
		time.Sleep(5 * time.Second)
		disk.Syncs.Store(0)
		time.Sleep(time.Hour)
		if n := disk.Syncs.Load(); n != 0 {
			t.Errorf("%d syncs while idle", n)
		}
		for n := range 10 {
			call(b, n)
			time.Sleep(99 * time.Millisecond)
		}
		time.Sleep(10*time.Millisecond + time.Millisecond)
		if n := disk.Syncs.Load(); n != 1 {
			t.Errorf("%d syncs after the first second", n)
		}
		time.Sleep(time.Hour)
		if n := disk.Syncs.Load(); n != 1 && n != 2 {
			t.Errorf("%d syncs in all", n)
		}
		closeBus(t, b)
	})
}
