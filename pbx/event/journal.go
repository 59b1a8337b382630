package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"klapka.dev/klapka/pbx"
)

const (
	// seqLeap is added to the numbering at each start. Events that were written
	// but not synced may be lost with the machine's power after a follower has
	// stored its cursor behind them, and lossy events are never written at all:
	// without the leap their numbers would be given out again.
	seqLeap = 1 << 20

	// maxQueued bounds the history events kept in memory while the disk takes
	// none.
	maxQueued = 10_000

	faultLogEvery = time.Minute
)

// disk makes the files the journal writes; tests put a full one in its place.
type disk interface {
	create(path string) (file, error)
	syncDir(path string) error
}

type file interface {
	io.WriterAt
	io.Closer
	Sync() error
}

// journal is the writing side. Its append, flush and roll are called by one
// goroutine at a time (under Bus.mu); what readers and the syncing goroutine
// need is under its own mutex, which is never held over a system call.
type journal struct {
	dir   string
	disk  disk
	log   *slog.Logger
	stats *counters
	limit int64 // bytes after which a new segment is begun
	epoch uint64
	known decoder // kinds of events that can be read again
	enc   *encoder
	head  *encoder
	queue []queued
	size  int64 // of the newest segment
	lock  *os.File
	tail  recent

	faultMu sync.Mutex
	faultAt time.Time // when a fault was last logged

	mu       sync.Mutex
	segments []segment // oldest first
	file     file      // the newest segment, nil: none could be made
	retired  []file    // full ones, to be synced and closed
	newFile  bool      // the directory itself has to be synced
	last     uint64    // number of the last event written
	lastAt   time.Time
	dirty    chan struct{} // holds one token when there is something to sync or to retry
}

// queued is an encoded history event that the disk did not take yet.
type queued struct {
	line []byte
	seq  uint64
	at   time.Time
}

// openJournal recovers what is in dir and begins a new segment for a new epoch.
// first is the number the next event gets.
func openJournal(dir string, limit int64, d disk, log *slog.Logger, stats *counters) (j *journal, first uint64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fmt.Errorf("journal: %w", err)
	}
	j = &journal{
		dir: dir, disk: d, log: log, stats: stats, limit: limit,
		known: newDecoder(), enc: newEncoder(), head: newEncoder(), dirty: make(chan struct{}, 1),
	}
	if j.lock, err = lockDir(dir); err != nil {
		return nil, 0, err
	}
	first, err = j.begin()
	if err != nil {
		return nil, 0, errors.Join(err, j.lock.Close())
	}
	return j, first, nil
}

// begin is openJournal after the directory is ours.
func (j *journal) begin() (first uint64, err error) {
	if j.segments, err = listSegments(j.dir); err != nil {
		return 0, err
	}
	t, err := j.recoverTail(j.segments)
	if err != nil {
		return 0, err
	}
	j.epoch, j.last, j.lastAt, first = t.epoch+1, t.last, t.at, 1
	if len(j.segments) > 0 {
		first = t.floor + seqLeap + 1
	}
	j.tail.begin(first - 1)
	if err := j.roll(first); err != nil && !isFull(err) {
		return 0, err
	} else if err != nil {
		j.fault("begin a segment", err)
	} else if t.empty {
		j.dropEmpty()
	}
	j.sync()
	return first, nil
}

// dropEmpty removes the segment before the newest: a start that came to nothing,
// of which the new header says all there is to say.
func (j *journal) dropEmpty() {
	n := len(j.segments)
	if err := os.Remove(j.segments[n-2].path); err != nil {
		j.fault("remove an empty segment", err)
		return
	}
	j.segments = append(j.segments[:n-2], j.segments[n-1])
}

// lockDir keeps a second process from writing into the same journal.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written to it
		return nil, pbx.Errorf(pbx.Conflict, "the journal in %s is in use by another process", dir)
	}
	return f, nil
}

// append writes e, or keeps it in memory until the disk takes it. It reports
// whether the journal grew.
func (j *journal) append(e *pbx.Event) bool {
	line, err := j.enc.line(e)
	if err != nil {
		j.stats.errors.Add(1)
		j.log.Error("journal: an event cannot be written", "kind", e.Kind, "call", e.Call, "leg", e.Leg, "err", err)
		return false
	}
	grew := j.flush()
	if len(j.queue) == 0 {
		if err := j.write(line, e.Seq, e.At, e); err == nil {
			return true
		} else {
			j.fault("write", err)
		}
	}
	if len(j.queue) >= maxQueued {
		// The oldest are kept: an end without its beginning is worth nothing.
		j.stats.dropped.Add(1)
		return grew
	}
	j.queue = append(j.queue, queued{bytes.Clone(line), e.Seq, e.At})
	j.stats.queued.Store(int64(len(j.queue)))
	j.wake()
	return grew
}

// flush tries to write what is queued, in order, and reports whether the journal
// grew.
func (j *journal) flush() (grew bool) {
	if len(j.queue) == 0 {
		return false
	}
	done := 0
	for _, q := range j.queue {
		if err := j.write(q.line, q.seq, q.at, nil); err != nil {
			j.fault("write", err)
			break
		}
		done++
	}
	if j.queue = j.queue[done:]; len(j.queue) == 0 {
		j.queue = nil // the memory of a long outage goes with it
	}
	j.stats.queued.Store(int64(len(j.queue)))
	return done > 0
}

// write puts one line behind the last one. A write that failed half-way is
// overwritten by the next: readers never look beyond the segment's size. e is the
// event of the line, if it is at hand.
func (j *journal) write(line []byte, seq uint64, at time.Time, e *pbx.Event) error {
	if j.file == nil || j.size+int64(len(line)) > j.limit {
		if err := j.roll(seq); err != nil && j.file == nil {
			return err
		} else if err != nil {
			j.fault("begin a segment", err) // the old one goes on growing
		}
	}
	if _, err := j.file.WriteAt(line, j.size); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.size += int64(len(line))
	j.stats.bytes.Add(uint64(len(line)))
	if e != nil && j.known.gives(e) {
		j.tail.add(e)
	} else {
		j.tail.begin(seq)
	}
	j.mu.Lock()
	j.segments[len(j.segments)-1].size = j.size
	j.last, j.lastAt = seq, at
	j.mu.Unlock()
	j.wake()
	return nil
}

// roll begins the segment whose lowest number is first.
func (j *journal) roll(first uint64) error {
	path := segmentPath(j.dir, first)
	line, err := j.head.line(header{Format: 1, Epoch: j.epoch, First: first, Prev: j.last, PrevAt: j.lastAt})
	if err != nil {
		return err
	}
	f, err := j.disk.create(path)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := f.WriteAt(line, 0); err != nil {
		return errors.Join(fmt.Errorf("journal: %w", err), f.Close(), os.Remove(path))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		j.retired = append(j.retired, j.file)
	}
	j.file, j.newFile, j.size = f, true, int64(len(line))
	j.segments = append(j.segments, segment{first: first, prev: j.last, path: path, size: j.size})
	return nil
}

func (j *journal) wake() {
	select {
	case j.dirty <- struct{}{}:
	default:
	}
}

// sync makes everything written so far survive a loss of power. It runs beside
// append, by one goroutine at a time.
func (j *journal) sync() {
	j.mu.Lock()
	files, current, newFile := j.retired, j.file, j.newFile
	j.retired, j.newFile = nil, false
	j.mu.Unlock()
	for _, f := range files {
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			j.fault("sync", err)
		}
	}
	if current != nil {
		if err := current.Sync(); err != nil {
			j.fault("sync", err)
		}
	}
	if newFile {
		if err := j.disk.syncDir(j.dir); err != nil {
			j.fault("sync the directory", err)
		}
	}
}

// close syncs and closes the files and lets others open the journal.
func (j *journal) close() error {
	j.sync()
	var err error
	if j.file != nil {
		err = j.file.Close()
	}
	return errors.Join(err, j.lock.Close())
}

// fault counts a failure of the disk and logs it, at most once a minute: a full
// disk must not be filled with lines saying so.
func (j *journal) fault(doing string, err error) {
	n := j.stats.errors.Add(1)
	j.faultMu.Lock()
	defer j.faultMu.Unlock()
	if now := time.Now(); j.faultAt.IsZero() || now.Sub(j.faultAt) >= faultLogEvery {
		j.faultAt = now
		j.log.Error("journal: the disk failed; history is kept in memory until it works again",
			"doing", doing, "err", err, "errors", n, "queued", j.stats.queued.Load(), "dropped", j.stats.dropped.Load())
	}
}

// isFull reports whether err says that the disk has no room: the exchange starts
// all the same.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// osDisk is the real one.
type osDisk struct{}

func (osDisk) create(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

func (osDisk) syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
