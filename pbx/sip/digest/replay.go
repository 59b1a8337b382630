package digest

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// nonce is a nonce as a key: clients choose the text they send back, so its size
// must not be theirs.
type nonce [16]byte

func nonceOf(s string) nonce {
	sum := sha256.Sum256([]byte(s))
	return nonce(sum[:16])
}

// window is which counts of a nonce were used: the highest one, and a bit for
// each of the 64 below. Requests of one phone may overtake one another, so a
// count need not be the highest; it must be new.
type window struct {
	top    uint32
	below  uint64
	issued time.Time
	place  *list.Element
}

// fresh reports whether count n was not used yet and is not too far behind.
func (w *window) fresh(n uint32) bool {
	switch {
	case n > w.top:
		return true
	case n == w.top || w.top-n > 64:
		return false
	}
	return w.below&(1<<(w.top-n-1)) == 0
}

// use marks count n.
func (w *window) use(n uint32) {
	if n <= w.top {
		w.below |= 1 << (w.top - n - 1)
		return
	}
	if step := n - w.top; step > 64 {
		w.below = 0
	} else {
		w.below = w.below<<step | 1<<(step-1)
	}
	w.top = n
}

// replays remembers the counts of nonces that right credentials were given with;
// nobody without a secret can fill it. What it had to forget is stale.
type replays struct {
	mu     sync.Mutex
	max    int
	used   map[nonce]*window
	order  list.List // of nonce, in order of first use
	cutoff time.Time // nonces issued until then and not in the table are stale
}

// fresh reports whether the count of a nonce may still be used.
func (r *replays) fresh(n nonce, count uint32, issued time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.used[n]
	if !ok {
		return issued.After(r.cutoff)
	}
	return w.fresh(count)
}

// use marks a count; false: it was used already.
func (r *replays) use(n nonce, count uint32, issued time.Time, lifetime time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.used[n]
	if ok && !w.fresh(count) || !ok && !issued.After(r.cutoff) {
		return false
	}
	if !ok {
		r.purge(lifetime)
		w = &window{issued: issued, place: r.order.PushBack(n)}
		r.used[n] = w
	}
	w.use(count)
	return true
}

// purge drops what is over anyway, and the longest known while there is no room.
func (r *replays) purge(lifetime time.Duration) {
	for front := r.order.Front(); front != nil; front = r.order.Front() {
		n := front.Value.(nonce)
		w := r.used[n]
		over := time.Since(w.issued) >= lifetime
		if !over && len(r.used) < r.max {
			return
		}
		if !over && w.issued.After(r.cutoff) {
			r.cutoff = w.issued
		}
		delete(r.used, n)
		r.order.Remove(front)
	}
}
