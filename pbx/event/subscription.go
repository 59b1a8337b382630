package event

import (
	"sync/atomic"

	"klapka.dev/klapka/pbx"
)

// Subscription is a lossy one: a bounded queue of events for a screen, a lamp or
// a test. Its owner reads C until it is closed; then Lagged says whether the
// queue ran over, in which case the owner subscribes again and starts from a
// snapshot.
type Subscription struct {
	bus    *Bus
	events chan pbx.Event
	filter func(pbx.Event) bool
	lagged atomic.Bool
}

// Subscribe opens a lossy subscription to the events from now on. buffer is the
// number of events it holds for a slow owner, at least 1. filter chooses the
// events, nil takes all; it runs inside Publish, so it is quick and calls nothing
// of the bus.
func (b *Bus) Subscribe(buffer int, filter func(pbx.Event) bool) *Subscription {
	s := &Subscription{bus: b, events: make(chan pbx.Event, max(buffer, 1)), filter: filter}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(s.events)
		return s
	}
	b.subs[s] = struct{}{}
	return s
}

// C is where the events come, in order. It is closed by Close, by an overflow and
// when the bus closes.
func (s *Subscription) C() <-chan pbx.Event { return s.events }

// Lagged reports whether events were lost: the owner did not keep up.
func (s *Subscription) Lagged() bool { return s.lagged.Load() }

// Close ends the subscription. It may be called at any time and more than once.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.end()
}

// end closes the queue once; the caller holds Bus.mu.
func (s *Subscription) end() {
	if _, open := s.bus.subs[s]; open {
		delete(s.bus.subs, s)
		close(s.events)
	}
}

// offer queues e without waiting; the caller holds Bus.mu.
func (s *Subscription) offer(e pbx.Event) {
	if s.filter != nil && !s.filter(e) {
		return
	}
	select {
	case s.events <- e:
	default:
		s.bus.stats.lagged.Add(1)
		s.lagged.Store(true)
		s.end()
	}
}
