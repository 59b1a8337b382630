package rtp

import (
	"slices"
	"sync"

	"klapka.dev/klapka/media"
)

// sinks are those who hear the party. Delivery holds the mutex, so that Detach
// can promise that nothing follows it.
type sinks struct {
	mu     sync.Mutex
	list   []media.Sink
	closed bool
}

func (s *sinks) attach(k media.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k != nil && !s.closed && !slices.Contains(s.list, k) {
		s.list = append(s.list, k)
	}
}

func (s *sinks) detach(k media.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.list, k); i >= 0 {
		s.list = slices.Delete(s.list, i, i+1)
	}
}

// close detaches everybody for good.
func (s *sinks) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.closed = nil, true
}

func (s *sinks) deliver(f *media.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.list {
		k.WriteFrame(f)
	}
}

// hearing is whom the party hears.
type hearing struct {
	mu     sync.Mutex
	source media.Source
	closed bool
}

// change moves a sink from one source to another; nil is none. Between the two
// the switch happened: turn tells the sink that a new source begins.
func (h *hearing) change(src media.Source, k media.Sink, turn func()) {
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

// close ends hearing for good.
func (h *hearing) close(k media.Sink) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.source != nil {
		h.source.Detach(k)
	}
	h.source, h.closed = nil, true
}
