package stream

import (
	"slices"
	"sync"

	"klapka.dev/klapka/media"
)

// Sinks are those who hear the party. Delivery holds the mutex, so that Detach
// can promise that nothing follows it.
type Sinks struct {
	mu     sync.Mutex
	list   []media.Sink
	closed bool
}

// Attach adds a sink, unless it is there already.
func (s *Sinks) Attach(k media.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k != nil && !s.closed && !slices.Contains(s.list, k) {
		s.list = append(s.list, k)
	}
}

// Detach removes a sink; no frame follows. It must not be called from within
// WriteFrame.
func (s *Sinks) Detach(k media.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.list, k); i >= 0 {
		s.list = slices.Delete(s.list, i, i+1)
	}
}

// Close detaches everybody for good.
func (s *Sinks) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.closed = nil, true
}

// Deliver hands a frame to every sink.
func (s *Sinks) Deliver(f *media.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.list {
		k.WriteFrame(f)
	}
}

// Hearing is whom the party hears.
type Hearing struct {
	mu     sync.Mutex
	source media.Source
	closed bool
}

// Change moves a sink from one source to another; nil is none. Between the two
// the switch happened: turn tells the sink that a new source begins.
func (h *Hearing) Change(src media.Source, k media.Sink, turn func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || src == h.source {
		return
	}
	if h.source != nil {
		h.source.Detach(k)
	}
	turn()
	h.source = src
	if src != nil {
		src.Attach(k)
	}
}

// Close ends hearing for good.
func (h *Hearing) Close(k media.Sink) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.source != nil {
		h.source.Detach(k)
	}
	h.source, h.closed = nil, true
}
