// Package registry is who is reachable where and until when: the hot copy of all
// registrations (RFC 3261 §10), in memory because every call asks it. What
// changes is an event first, and the event is in the journal before the answer
// leaves; package registry also follows that journal into the database and, at
// the next start, out of it.
package registry

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// Options of a Registry; a zero field means its default.
type Options struct {
	Publisher pbx.Publisher
	Log       *slog.Logger

	MaxContacts    int           // per device; the one refreshed longest ago makes room for a new one; 10
	MinExpires     time.Duration // shorter is refused with TooBriefError; 60 s
	MaxExpires     time.Duration // longer is shortened; 1 h
	DefaultExpires time.Duration // when the phone does not say; 1 h

	// SameContact compares contact URIs (RFC 3261 §19.1.4), which this room
	// cannot read; nil: as text.
	SameContact func(a, b string) bool
}

// Registry holds the bindings of one exchange. All methods may be called from
// any goroutine; events are published in the order of the changes, before the
// method that caused them returns.
type Registry struct {
	o Options

	mu      sync.Mutex
	devices map[string][]*entry            // by device id, in order of registration
	numbers map[string]map[string]struct{} // extension → device ids
	conns   map[connection][]*entry        // stream bindings by connection
	count   int
	timer   *time.Timer
	next    time.Time // when the timer fires; zero: it is not set
	closed  bool
}

// entry is one binding and what is known of it but not stored.
type entry struct {
	pbx.Binding
	refreshed   time.Time
	unreachable bool
}

type connection struct {
	edge string
	id   uint64
}

// New makes an empty registry.
func New(o Options) *Registry {
	set(&o.MaxContacts, 10)
	set(&o.MinExpires, time.Minute)
	set(&o.MaxExpires, time.Hour)
	set(&o.DefaultExpires, time.Hour)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SameContact == nil {
		o.SameContact = func(a, b string) bool { return a == b }
	}
	return &Registry{
		o:       o,
		devices: make(map[string][]*entry),
		numbers: make(map[string]map[string]struct{}),
		conns:   make(map[connection][]*entry),
	}
}

func set[T int | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// Options returns the options in force.
func (r *Registry) Options() Options { return r.o }

// Load fills the registry at start-up. Bindings that ended meanwhile are dropped
// with their event.
func (r *Registry) Load(bs []pbx.Binding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, b := range bs {
		left := b.Expires.Sub(now.Round(0)) // stored times know the wall clock only
		if left <= 0 {
			r.publish(pbx.DeviceUnregistered{Binding: b, Reason: "expired"})
			continue
		}
		b.Expires = now.Add(left) // from here on a clock that jumps ends nothing
		if old := r.find(b.Device, b.Key()); old != nil {
			r.remove(old)
		}
		r.insert(&entry{Binding: b, refreshed: b.Registered})
	}
	r.arm(now)
}

// Bindings returns where a device is reached, the preferred contact first
// (higher q, then the one refreshed last). Contacts that stopped answering come
// last.
func (r *Registry) Bindings(device string) []pbx.Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list(r.devices[device])
}

// ByExtension returns where the devices of an extension are reached, ordered as
// by Bindings over all of them.
func (r *Registry) ByExtension(number string) []pbx.Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*entry
	for id := range r.numbers[number] {
		all = append(all, r.devices[id]...)
	}
	return r.list(all)
}

// All returns every binding, by device and contact.
func (r *Registry) All() []pbx.Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]pbx.Binding, 0, r.count)
	now := time.Now()
	for _, es := range r.devices {
		for _, e := range es {
			if now.Before(e.Expires) {
				out = append(out, e.Binding)
			}
		}
	}
	slices.SortFunc(out, byDevice)
	return out
}

// Len is the number of bindings.
func (r *Registry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// SetReachable notes whether a registered contact answers, and publishes when
// that changed. An unknown contact is ignored.
func (r *Registry) SetReachable(device, key string, reachable bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.find(device, key)
	if e == nil || e.unreachable == !reachable {
		return
	}
	e.unreachable = !reachable
	r.publish(pbx.DeviceReachable{Device: e.Device, Extension: e.Extension, Contact: e.Contact, Reachable: reachable})
}

// Reachable reports whether a contact is registered and was not found silent.
func (r *Registry) Reachable(device, key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.find(device, key)
	return e != nil && !e.unreachable && time.Now().Before(e.Expires)
}

// ConnectionLost ends the bindings that lived on a stream connection
// (RFC 5626 §4.2.2: the flow is the registration's).
func (r *Registry) ConnectionLost(edge string, connID uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range slices.Clone(r.conns[connection{edge, connID}]) {
		r.remove(e)
		r.publish(pbx.DeviceUnregistered{Binding: e.Binding, Reason: "connection_lost"})
	}
}

// Drop ends every binding of a device: it was deleted, disabled or got another
// secret.
func (r *Registry) Drop(device string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range slices.Clone(r.devices[device]) {
		r.remove(e)
		r.publish(pbx.DeviceUnregistered{Binding: e.Binding, Reason: "removed"})
	}
}

// Close stops the timer. The bindings stay: they outlive the process.
func (r *Registry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
}

func (r *Registry) publish(body pbx.EventBody) {
	if r.o.Publisher != nil {
		r.o.Publisher.Publish(pbx.Event{Body: body})
	}
}

// Walk calls fn for every binding, in no order, without copying them. fn must
// not keep or change the binding, nor call the registry.
func (r *Registry) Walk(fn func(b *pbx.Binding)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, es := range r.devices {
		for _, e := range es {
			fn(&e.Binding)
		}
	}
}
