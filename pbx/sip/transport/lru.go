package transport

import "container/list"

// lru is a table of bounded size that forgets what was not asked for longest.
// Values are kept by pointer and may be changed in place. Not safe for
// concurrent use.
type lru[K comparable, V any] struct {
	max   int
	order *list.List // of *lruEntry[K, V], the latest first
	items map[K]*list.Element
}

type lruEntry[K comparable, V any] struct {
	key K
	val V
}

func newLRU[K comparable, V any](max int) lru[K, V] {
	return lru[K, V]{max: max, order: list.New(), items: make(map[K]*list.Element)}
}

// get finds a value and makes it the latest.
func (l *lru[K, V]) get(k K) (*V, bool) {
	el, ok := l.items[k]
	if !ok {
		return nil, false
	}
	l.order.MoveToFront(el)
	return &el.Value.(*lruEntry[K, V]).val, true
}

// put adds a value for a key that is not there.
func (l *lru[K, V]) put(k K, v V) *V {
	if len(l.items) >= l.max {
		oldest := l.order.Back()
		delete(l.items, oldest.Value.(*lruEntry[K, V]).key)
		l.order.Remove(oldest)
	}
	e := &lruEntry[K, V]{key: k, val: v}
	l.items[k] = l.order.PushFront(e)
	return &e.val
}

func (l *lru[K, V]) drop(k K) {
	if el, ok := l.items[k]; ok {
		delete(l.items, k)
		l.order.Remove(el)
	}
}

func (l *lru[K, V]) len() int { return len(l.items) }
