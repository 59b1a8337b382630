package event

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

const (
	defaultSegmentBytes = 16 << 20
	syncEvery           = time.Second
)

// Options say how a bus is opened.
type Options struct {
	Dir          string       // of the journal; made when missing, used by one process at a time
	Log          *slog.Logger // nil: silent
	SegmentBytes int64        // size at which a new journal file is begun, default 16 MiB
	// Followers names every lossless subscriber there is. A journal file is
	// removed when all of them have stored what it holds; while one of them has
	// not been heard of, or when the list is empty, nothing is removed.
	Followers []string
}

// Bus is the exchange's one order of events. It implements pbx.Publisher, and is
// safe for concurrent use.
type Bus struct {
	log     *slog.Logger
	stats   counters
	journal *journal
	decode  decoder
	began   uint64 // number before the first event of this run
	prunes  bool   // every follower is known by name, so files may be removed

	mu     sync.Mutex
	seq    uint64
	subs   map[*Subscription]struct{}
	wakes  map[*following]struct{}
	event  pbx.Event // the one being encoded: a field, so that it does not escape each time
	closed bool

	followMu  sync.Mutex
	following map[string]*following
	cursors   map[string]cursor // of every follower there is or was
	advanced  chan struct{}     // closed and replaced when a follower moves on

	running context.Context // ends with Close
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// cursor is how far one follower has stored, once that is known.
type cursor struct {
	seq   uint64
	known bool
}

// Open opens the journal in o.Dir, begins a new epoch and starts the bus. It
// fails with Conflict when another process has the journal open, and with the
// operating system's error when the directory cannot be used; a full disk and a
// damaged journal are no errors.
func Open(o Options) (*Bus, error) { return open(o, osDisk{}) }

func open(o Options, d disk) (*Bus, error) {
	b := &Bus{
		log:       o.Log,
		subs:      make(map[*Subscription]struct{}),
		wakes:     make(map[*following]struct{}),
		following: make(map[string]*following),
		cursors:   make(map[string]cursor),
		advanced:  make(chan struct{}),
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	limit := o.SegmentBytes
	if limit <= 0 {
		limit = defaultSegmentBytes
	}
	j, first, err := openJournal(o.Dir, limit, d, b.log, &b.stats)
	if err != nil {
		return nil, err
	}
	b.journal, b.decode, b.seq, b.began = j, j.known, first-1, first-1
	b.prunes = len(o.Followers) > 0
	for _, name := range o.Followers {
		b.cursors[name] = cursor{}
	}
	b.running, b.stop = context.WithCancel(context.Background())
	b.work.Go(b.syncLoop)
	return b, nil
}

// Publish implements pbx.Publisher. A body is required; an event without one, or
// published after Close, reaches nobody.
func (b *Bus) Publish(e pbx.Event) pbx.Event {
	if e.Body == nil {
		b.log.Error("event: published without a body", "call", e.Call, "leg", e.Leg)
		return e
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	e.Epoch, e.Seq, e.Kind = b.journal.epoch, b.seq, e.Body.Kind()
	e.At = time.Now().UTC().Truncate(time.Microsecond)
	if s, ok := e.Body.(pbx.ExchangeStarted); ok {
		s.LastAt = b.journal.lastAt
		e.Body = s
	}
	if b.closed {
		b.log.Error("event: published after the bus was closed", "kind", e.Kind, "call", e.Call, "leg", e.Leg)
		return e
	}
	b.stats.published.Add(1)
	if e.Body.History() {
		b.event = e
		if b.journal.append(&b.event) {
			b.wakeFollowers()
		}
	}
	for s := range b.subs {
		s.offer(e)
	}
	return e
}

// Position returns the present epoch and the number of the last event. What a
// subscription opened before delivers up to that number is part of a snapshot
// taken after.
func (b *Bus) Position() (epoch, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.journal.epoch, b.seq
}

// Replay calls fn with every event of the journal above after, in order, up to
// the last one written; an error of fn ends it and is returned. It is for
// building a state at start-up; what is published meanwhile may or may not be
// included.
func (b *Bus) Replay(after uint64, fn func(pbx.Event) error) (err error) {
	r := b.journal.newReader(b.decode, after)
	defer func() {
		if e := r.close(); err == nil {
			err = e
		}
	}()
	for {
		events, err := r.read(maxBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if err := fn(e); err != nil {
				return err
			}
		}
	}
}

// Close ends every subscription and follower, waits for them, and syncs and
// closes the journal. What followers have not stored yet is delivered at the next
// start; Drain first to have it stored now.
func (b *Bus) Close() error {
	b.mu.Lock()
	again := b.closed
	b.closed = true
	for s := range b.subs {
		s.end()
	}
	b.mu.Unlock()
	b.stop()
	b.work.Wait()
	if again {
		return nil
	}
	b.mu.Lock()
	b.journal.flush()
	b.mu.Unlock()
	return b.journal.close()
}

// syncLoop syncs the journal at most a second after it was written, and retries
// what the disk did not take. Without events it sleeps.
func (b *Bus) syncLoop() {
	for {
		select {
		case <-b.journal.dirty:
		case <-b.running.Done():
			return
		}
		select {
		case <-time.After(syncEvery):
		case <-b.running.Done():
			return
		}
		b.retryQueued()
		b.journal.sync()
	}
}

func (b *Bus) retryQueued() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.journal.flush() {
		b.wakeFollowers()
	}
	if len(b.journal.queue) > 0 {
		b.journal.wake()
	}
}

// wakeFollowers tells them that the journal grew; the caller holds mu.
func (b *Bus) wakeFollowers() {
	for f := range b.wakes {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// Epoch is the epoch of this run, as in every event published by it.
func (b *Bus) Epoch() uint64 { return b.journal.epoch }
