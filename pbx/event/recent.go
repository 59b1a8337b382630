package event

import (
	"reflect"
	"slices"
	"sync"

	"klapka.dev/klapka/pbx"
)

// maxRecent is how many events of the journal's end are kept in memory: what a
// busy exchange writes while its followers linger, a few times over.
const maxRecent = 2048

// recent is the end of the journal as it was published, so that followers who
// keep up need not read and decode the file, each for himself. It holds every
// event of the journal above floor and none that the file would not give back.
type recent struct {
	mu     sync.Mutex
	ring   []pbx.Event // grows up to maxRecent, then goes round
	oldest int         // its place in ring, once ring is full
	floor  uint64
}

// begin forgets everything up to the number of the journal's last event.
func (r *recent) begin(floor uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.ring) // for the garbage collector
	r.ring, r.oldest, r.floor = r.ring[:0], 0, floor
}

// add appends the event that was just written.
func (r *recent) add(e *pbx.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, *e)
		return
	}
	r.floor = r.ring[r.oldest].Seq
	r.ring[r.oldest] = *e
	r.oldest = (r.oldest + 1) % maxRecent
}

// above returns up to limit events with numbers above after, in order, in a slice
// of the caller's own; ok is false when only the file has them all.
func (r *recent) above(after uint64, limit int) (events []pbx.Event, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if after < r.floor {
		return nil, false
	}
	old, young := r.ring[r.oldest:], r.ring[:r.oldest]
	events = slices.Concat(behind(old, after, limit), behind(young, after, limit))
	return events[:min(len(events), limit)], true
}

// behind is the part of ascending events above after, of at most limit.
func behind(events []pbx.Event, after uint64, limit int) []pbx.Event {
	i, _ := slices.BinarySearchFunc(events, after+1, func(e pbx.Event, seq uint64) int {
		if e.Seq < seq {
			return -1
		}
		return 1
	})
	return events[i:min(len(events), i+limit)]
}

// gives reports whether the journal gives the event back with a body of the very
// type it has.
func (d decoder) gives(e *pbx.Event) bool {
	return d[e.Kind] == reflect.TypeOf(e.Body)
}
