package registry

import (
	"cmp"
	"slices"
	"time"

	"klapka.dev/klapka/pbx"
)

// settle is how long after the end of a binding further ones are collected, so
// that ten thousand that end one after the other cost few walks. Nobody sees it:
// what is over is no longer returned.
const settle = time.Second

// find returns a device's binding by its key. Callers hold r.mu.
func (r *Registry) find(device, key string) *entry {
	for _, e := range r.devices[device] {
		if e.Key() == key {
			return e
		}
	}
	return nil
}

// insert adds a binding that is not there. Callers hold r.mu.
func (r *Registry) insert(e *entry) {
	r.devices[e.Device] = append(r.devices[e.Device], e)
	ids := r.numbers[e.Extension]
	if ids == nil {
		ids = make(map[string]struct{}, 1)
		r.numbers[e.Extension] = ids
	}
	ids[e.Device] = struct{}{}
	if e.ConnID != 0 {
		c := connection{e.Edge, e.ConnID}
		r.conns[c] = append(r.conns[c], e)
	}
	r.count++
}

// remove takes a binding out of every index. Callers hold r.mu.
func (r *Registry) remove(e *entry) {
	if !without(r.devices, e.Device, e) {
		return
	}
	if len(r.devices[e.Device]) == 0 {
		delete(r.numbers[e.Extension], e.Device)
		if len(r.numbers[e.Extension]) == 0 {
			delete(r.numbers, e.Extension)
		}
	}
	if e.ConnID != 0 {
		without(r.conns, connection{e.Edge, e.ConnID}, e)
	}
	r.count--
}

// without removes e from the list under k; false: it was not there.
func without[K comparable](m map[K][]*entry, k K, e *entry) bool {
	i := slices.Index(m[k], e)
	if i < 0 {
		return false
	}
	if len(m[k]) == 1 {
		delete(m, k)
		return true
	}
	m[k] = slices.Delete(m[k], i, i+1)
	return true
}

// list is the live part of es in the order of preference. Callers hold r.mu.
func (r *Registry) list(es []*entry) []pbx.Binding {
	now := time.Now()
	live := slices.DeleteFunc(slices.Clone(es), func(e *entry) bool { return !now.Before(e.Expires) })
	slices.SortStableFunc(live, func(a, b *entry) int {
		if a.unreachable != b.unreachable {
			if a.unreachable {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(b.Q, a.Q), b.refreshed.Compare(a.refreshed), byDevice(a.Binding, b.Binding))
	})
	out := make([]pbx.Binding, len(live))
	for i, e := range live {
		out[i] = e.Binding
	}
	return out
}

func byDevice(a, b pbx.Binding) int {
	return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Key(), b.Key()))
}

// arm sets the one timer to the earliest end. Callers hold r.mu.
func (r *Registry) arm(now time.Time) {
	var first time.Time
	for _, es := range r.devices {
		for _, e := range es {
			if first.IsZero() || e.Expires.Before(first) {
				first = e.Expires
			}
		}
	}
	r.next = time.Time{}
	if !first.IsZero() {
		r.soon(now, first)
	}
}

// soon makes sure that the timer fires at the given end at the latest. Callers
// hold r.mu.
func (r *Registry) soon(now, end time.Time) {
	if r.closed || !r.next.IsZero() && !end.Before(r.next) {
		return
	}
	r.next = end
	wait := max(end.Sub(now), 0)
	if r.timer == nil {
		r.timer = time.AfterFunc(wait, r.expire)
		return
	}
	r.timer.Reset(wait)
}

// expire ends what is over and waits for the next.
func (r *Registry) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	now := time.Now()
	var over []*entry
	var first time.Time
	for _, es := range r.devices {
		for _, e := range es {
			switch {
			case !now.Before(e.Expires):
				over = append(over, e)
			case first.IsZero() || e.Expires.Before(first):
				first = e.Expires
			}
		}
	}
	slices.SortFunc(over, func(a, b *entry) int {
		return cmp.Or(a.Expires.Compare(b.Expires), byDevice(a.Binding, b.Binding))
	})
	for _, e := range over {
		r.remove(e)
		r.publish(pbx.DeviceUnregistered{Binding: e.Binding, Reason: "expired"})
	}
	r.next = time.Time{}
	if first.IsZero() {
		return
	}
	if earliest := now.Add(settle); first.Before(earliest) {
		first = earliest
	}
	r.soon(now, first)
}
