package sip

import (
	"sync"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
)

// table finds usages: by our own local tag, which is the leg's id and alone
// leads there, and the INVITE being answered by what its copies share.
type table struct {
	mu      sync.RWMutex
	usages  map[pbx.LegID]*usage
	invites map[inviteKey]*usage
}

// inviteKey is the same for an INVITE that reached us twice by different ways
// (RFC 3261 §8.2.2.2).
type inviteKey struct {
	callID, fromTag string
	seq             uint32
}

func newTable() *table {
	return &table{usages: make(map[pbx.LegID]*usage), invites: make(map[inviteKey]*usage)}
}

func keyOf(req *sip.Request) inviteKey {
	return inviteKey{req.CallID().Value(), tagOf(req.From().Params), req.CSeq().SeqNo}
}

// add enters an outgoing usage.
func (t *table) add(u *usage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.usages[u.id] = u
}

// addIncoming enters the usage of a peer's INVITE, unless a copy of that INVITE
// is being answered already.
func (t *table) addIncoming(u *usage, key inviteKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.invites[key] != nil {
		return false
	}
	t.usages[u.id], t.invites[key] = u, u
	return true
}

// find returns the usage behind a local tag, or nil.
func (t *table) find(tag string) *usage {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.usages[pbx.LegID(tag)]
}

// forget removes the route to a usage; its INVITE stays known for merged copies
// until settled.
func (t *table) forget(u *usage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.usages, u.id)
}

// settled removes an INVITE whose transaction is over.
func (t *table) settled(key inviteKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.invites, key)
}

// all are the usages there are now.
func (t *table) all() []*usage {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make([]*usage, 0, len(t.usages))
	for _, u := range t.usages {
		out = append(out, u)
	}
	return out
}

// size is the number of usages.
func (t *table) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.usages)
}
