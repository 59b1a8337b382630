//go:build linux

package load

import (
	"slices"
	"sync"
	"time"
)

// Samples are durations of one kind. The zero value is empty; all methods may be
// called from any goroutine.
type Samples struct {
	mu   sync.Mutex
	list []time.Duration
}

// Add takes one.
func (s *Samples) Add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, d)
}

// Quantiles are the nearest-rank quantiles, 0.99 for one; all zero when there is
// no sample.
func (s *Samples) Quantiles(q ...float64) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.list)
	out := make([]time.Duration, len(q))
	for i, v := range q {
		if n := len(s.list); n > 0 {
			out[i] = s.list[min(n-1, int(v*float64(n)))]
		}
	}
	return out
}
