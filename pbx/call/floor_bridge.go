package call

import (
	"slices"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/pbx"
)

// hearing is what a party hears: one sound of its own, or what others say.
type hearing struct {
	own  media.Source
	from []pbx.SessionID
}

func (h hearing) equal(o hearing) bool { return h.own == o.own && slices.Equal(h.from, o.from) }

// hears decides what a party hears from roles, holds and private sounds; nothing
// else does. What its program plays goes first; then the talkers of its bridge;
// then the early sound of the only phone it rings; then the bed. Who holds hears
// nothing, and is not heard.
func (t *table) hears(s *seat) hearing {
	if s.play != nil {
		return hearing{own: s.play}
	}
	if b, ok := t.bridges[s.bridge]; ok {
		var from []pbx.SessionID
		for _, m := range b.members {
			if o := t.seats[m.id]; m.id != s.id && m.role == Talk && !s.held && !o.held {
				from = append(from, m.id)
			}
		}
		if m := t.holdMusic(s, b); m != nil {
			return hearing{own: m}
		}
		if len(b.members) > 1 {
			return hearing{from: from}
		}
	}
	if id, ok := t.earlyBranch(s); ok {
		return hearing{from: []pbx.SessionID{id}}
	}
	return hearing{own: s.bed}
}

// holdMusic is what a party hears while the other one of two holds: the holder's
// music. In larger bridges a holder is merely absent.
func (t *table) holdMusic(s *seat, b *bridge) media.Source {
	if len(b.members) != 2 || s.held {
		return nil
	}
	for _, m := range b.members {
		if o := t.seats[m.id]; m.id != s.id && o.held {
			return o.music
		}
	}
	return nil
}

// rewire tells the named seats what they hear now, where that changed.
func (t *table) rewire(ids ...pbx.SessionID) []effect {
	var out []effect
	for _, id := range ids {
		s, ok := t.seats[id]
		if !ok {
			continue
		}
		if h := t.hears(s); !h.equal(s.heard) {
			s.heard = h
			out = append(out, hear{id, h})
		}
	}
	return out
}

// rewireBridge rewires all members of a bridge.
func (t *table) rewireBridge(b *bridge) []effect {
	var out []effect
	for _, m := range b.members {
		out = append(out, t.rewire(m.id)...)
	}
	return out
}

// join makes a session a member of a bridge, which exists from its first member
// on.
type join struct {
	id     pbx.SessionID
	gen    uint64
	bridge pbx.BridgeID
	role   Role
	at     time.Time
}

func (c join) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, c.gen)
	if err != nil {
		return nil, err
	}
	b, ok := t.bridges[c.bridge]
	switch {
	case s.bridge == c.bridge:
		return nil, nil
	case ok && len(b.members) >= 2:
		return nil, ErrFull
	}
	out := t.leave(s, pbx.Cause{Code: pbx.CauseNormal, By: pbx.BySystem, Text: "joined another bridge"})
	if !ok {
		b = &bridge{}
		t.bridges[c.bridge] = b
	}
	b.members = append(b.members, member{c.id, c.role})
	s.bridge = c.bridge
	out = append(out, joined{c.id, c.bridge, c.role})
	switch {
	case len(b.members) > 1:
		t.settle(c.bridge, b)
		out = append(out, t.conversation(b, c.at)...)
	case b.left != nil: // whoever was here has left before we came
		why := *b.left
		out = append(out, t.leave(s, why)...)
		return append(out, left{c.id, why}), nil
	}
	return append(out, t.rewireBridge(b)...), nil
}

// conversation notes that people talk: hops start anew, and the call counts as
// answered.
func (t *table) conversation(b *bridge, at time.Time) []effect {
	var out []effect
	for _, m := range b.members {
		s := t.seats[m.id]
		s.hops = 0
		row := t.calls[s.call]
		if m.id == row.caller || !row.answeredAt.IsZero() {
			continue
		}
		row.answeredAt = at
		out = append(out, answered{s.call, m.id})
	}
	return out
}

// served notes that a caller was answered by the exchange itself: a program talks
// to it, not a person.
type served struct {
	id  pbx.SessionID
	gen uint64
	at  time.Time
}

func (c served) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, c.gen)
	if err != nil {
		return nil, err
	}
	row := t.calls[s.call]
	if row.caller != s.id || !row.answeredAt.IsZero() {
		return nil, nil
	}
	row.answeredAt = c.at
	return []effect{answered{s.call, c.id}}, nil
}

// leave takes a seat out of its bridge. A lone talker that remains is told why,
// and is out of the bridge as well.
func (t *table) leave(s *seat, why pbx.Cause) []effect {
	id := s.bridge
	b, ok := t.bridges[id]
	if !ok {
		return nil
	}
	s.bridge = ""
	b.members = slices.DeleteFunc(b.members, func(m member) bool { return m.id == s.id })
	b.left = &why
	out := []effect{parted{s.id, id}}
	if len(b.members) == 1 {
		o := t.seats[b.members[0].id]
		o.bridge = ""
		b.members = nil
		out = append(out, parted{o.id, id}, left{o.id, why})
		out = append(out, t.rewire(o.id)...)
	}
	t.drop(id)
	return append(out, t.rewire(s.id)...)
}

// drop forgets a bridge that nobody is in and nobody is expected to come to.
func (t *table) drop(id pbx.BridgeID) {
	if b := t.bridges[id]; b != nil && len(b.members) == 0 && !b.awaited {
		delete(t.bridges, id)
	}
}

func (b *bridge) has(id pbx.SessionID) bool {
	return slices.ContainsFunc(b.members, func(m member) bool { return m.id == id })
}

// hold notes that a party put its call on hold, or resumed it.
type hold struct {
	id    pbx.SessionID
	held  bool
	music media.Source // for the other party
}

func (c hold) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, 0)
	if err != nil {
		return nil, err
	}
	s.held, s.music = c.held, c.music
	if b, ok := t.bridges[s.bridge]; ok {
		return t.rewireBridge(b), nil
	}
	return nil, nil
}

// sound changes what a session's program plays to its party.
type sound struct {
	id   pbx.SessionID
	gen  uint64
	play media.Source
	bed  media.Source
}

func (c sound) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, c.gen)
	if err != nil {
		return nil, err
	}
	s.play, s.bed = c.play, c.bed
	return t.rewire(s.id), nil
}
