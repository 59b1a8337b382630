package registry

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"klapka.dev/klapka/pbx"
)

// ErrOutOfOrder says that a later REGISTER of the same Call-ID was seen already
// (RFC 3261 §10.3 step 7): 500, nothing changed.
var ErrOutOfOrder = errors.New("registry: a later request was seen")

// ErrWildcard says that "*" came with something else, or without Expires: 0
// (RFC 3261 §10.3 step 6): 400, nothing changed.
var ErrWildcard = errors.New(`registry: "*" stands alone and with Expires: 0`)

// ErrTooMany says that one request carries more contacts than a device may have.
var ErrTooMany = errors.New("registry: too many contacts")

// TooBriefError refuses an expiry below the minimum (RFC 3261 §10.3 step 7): 423.
type TooBriefError struct {
	Min time.Duration // for Min-Expires
}

// Error implements error.
func (e *TooBriefError) Error() string {
	return fmt.Sprintf("registry: expires below %v", e.Min)
}

// Unsaid is an expiry that was not given.
const Unsaid time.Duration = -1

// Change is one contact of a REGISTER.
type Change struct {
	Contact    string        // URI as written
	Expires    time.Duration // 0 removes the contact; Unsaid: the request's
	Q          float32
	InstanceID string
	RegID      int
}

// Request is a REGISTER of an authenticated device.
type Request struct {
	Device    pbx.Device
	CallID    string
	CSeq      uint32
	UserAgent string
	Path      []string // topmost first
	Edge      string
	Remote    netip.AddrPort
	ConnID    uint64

	Expires  time.Duration // of the header; Unsaid when there is none
	Wildcard bool          // the contact "*"
	Changes  []Change      // none, and no wildcard: only asks
}

// Register carries out a request, all of it or nothing, and returns the device's
// bindings afterwards. When it returns, every change has been published; a
// refresh is published too, because the new expiry must survive a crash.
//
// A request that was carried out already (same Call-ID and CSeq) changes nothing
// and succeeds. Errors: *TooBriefError, ErrOutOfOrder, ErrWildcard, ErrTooMany.
func (r *Registry) Register(req Request) ([]pbx.Binding, error) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	p := plan{r: r, req: req, now: now}
	var err error
	switch {
	case req.Wildcard:
		err = p.wildcard()
	case len(req.Changes) > 0:
		err = p.contacts()
	}
	if err != nil {
		return nil, err
	}
	p.carryOut()
	return r.list(r.devices[req.Device.ID]), nil
}

// plan is what a request amounts to; nothing happens until all of it is checked.
type plan struct {
	r      *Registry
	req    Request
	now    time.Time
	steps  []step
	repeat bool // this very request was carried out before
}

// step is one change of the table.
type step struct {
	old    *entry // nil: new
	next   *entry // nil: removed
	reason string
}

// wildcard removes everything.
func (p *plan) wildcard() error {
	if p.req.Expires != 0 || len(p.req.Changes) > 0 {
		return ErrWildcard
	}
	for _, e := range p.r.devices[p.req.Device.ID] {
		if err := p.order(e); err != nil {
			return err
		}
		p.steps = append(p.steps, step{old: e, reason: "removed"})
	}
	return nil
}

// contacts adds, refreshes and removes.
func (p *plan) contacts() error {
	have := slices.Clone(p.r.devices[p.req.Device.ID])
	added := 0
	for _, c := range p.req.Changes {
		expires, err := p.expires(c)
		if err != nil {
			return err
		}
		next := p.entry(c, expires)
		old := p.match(have, next)
		if old != nil {
			if err := p.order(old); err != nil {
				return err
			}
			next.Registered = old.Registered
			if next.Key() != old.Key() {
				next.Contact = old.Contact // the same place in other words: one row, not two
			}
			have = slices.DeleteFunc(have, func(e *entry) bool { return e == old })
		}
		switch {
		case expires > 0:
			p.steps = append(p.steps, step{old: old, next: next})
			added++
		case old != nil:
			p.steps = append(p.steps, step{old: old, reason: "removed"})
		}
	}
	if added > p.r.o.MaxContacts {
		return ErrTooMany
	}
	p.makeRoom(have, added)
	return nil
}

// makeRoom lets the contacts go that were refreshed longest ago.
func (p *plan) makeRoom(others []*entry, added int) {
	if added == 0 {
		return
	}
	slices.SortFunc(others, func(a, b *entry) int {
		return cmp.Or(a.refreshed.Compare(b.refreshed), byDevice(a.Binding, b.Binding))
	})
	for len(others)+added > p.r.o.MaxContacts {
		p.steps = append([]step{{old: others[0], reason: "replaced"}}, p.steps...)
		others = others[1:]
	}
}

// memory is how long a request may still be on its way (64·T1, RFC 3261
// §17.1.2.2). A number seen later that is not higher comes from a phone that
// counts from the beginning again after it was switched off.
const memory = 32 * time.Second

// order checks the sequence of one existing binding.
func (p *plan) order(e *entry) error {
	if e.CallID != p.req.CallID || e.CSeq < p.req.CSeq || p.now.Sub(e.refreshed) > memory {
		return nil
	}
	if e.CSeq == p.req.CSeq {
		p.repeat = true // its answer was lost
		return nil
	}
	return ErrOutOfOrder
}

// expires is what the contact asks for, within the limits: its own parameter
// before the header before our default.
func (p *plan) expires(c Change) (time.Duration, error) {
	d := c.Expires
	if d < 0 {
		d = p.req.Expires
	}
	if d < 0 {
		d = p.r.o.DefaultExpires
	}
	if d > 0 && d < p.r.o.MinExpires {
		return 0, &TooBriefError{Min: p.r.o.MinExpires}
	}
	return min(d, p.r.o.MaxExpires), nil
}

// match finds the binding that a contact updates, among those the request has
// not touched yet.
func (p *plan) match(have []*entry, next *entry) *entry {
	flow := next.InstanceID != "" && next.RegID > 0
	for _, e := range have {
		if flow {
			if e.Key() == next.Key() {
				return e
			}
			continue
		}
		if e.Key() == e.Contact && p.r.o.SameContact(e.Contact, next.Contact) {
			return e
		}
	}
	return nil
}

// entry is the binding a contact asks for.
func (p *plan) entry(c Change, expires time.Duration) *entry {
	return &entry{refreshed: p.now, Binding: pbx.Binding{
		Device: p.req.Device.ID, Username: p.req.Device.Username, Extension: p.req.Device.Extension,
		Contact: c.Contact, InstanceID: c.InstanceID, RegID: c.RegID, Path: p.req.Path,
		UserAgent: p.req.UserAgent, CallID: p.req.CallID, CSeq: p.req.CSeq, Q: c.Q,
		Edge: p.req.Edge, Remote: p.req.Remote, ConnID: p.req.ConnID,
		Registered: p.now, Expires: p.now.Add(expires),
	}}
}

// carryOut publishes and applies the steps. Callers hold r.mu.
func (p *plan) carryOut() {
	if p.repeat {
		return
	}
	for _, s := range p.steps {
		if s.old != nil {
			p.r.remove(s.old)
		}
		if s.next == nil {
			p.r.publish(pbx.DeviceUnregistered{Binding: s.old.Binding, Reason: s.reason})
			continue
		}
		p.r.publish(pbx.DeviceRegistered{Binding: s.next.Binding, New: s.old == nil})
		if s.old != nil && s.old.unreachable {
			p.r.publish(pbx.DeviceReachable{Device: s.next.Device, Extension: s.next.Extension,
				Contact: s.next.Contact, Reachable: true})
		}
		p.r.insert(s.next)
		p.r.soon(p.now, s.next.Expires)
	}
}
