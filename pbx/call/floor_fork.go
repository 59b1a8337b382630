package call

import (
	"slices"
	"time"

	"klapka.dev/klapka/pbx"
)

// openFork lets a session ring people.
type openFork struct {
	id     pbx.SessionID
	gen    uint64
	fork   pbx.ForkID
	bridge pbx.BridgeID // new; where the two parties will meet
}

func (c openFork) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, c.gen)
	if err != nil {
		return nil, err
	}
	out := t.abandon(s, pbx.Cause{Code: pbx.CauseNoAnswer, By: pbx.BySystem})
	s.fork = c.fork
	t.forks[c.fork] = &fork{owner: c.id, bridge: c.bridge, filling: true}
	t.bridges[c.bridge] = &bridge{awaited: true}
	return append(out, t.rewire(c.id)...), nil
}

// addBranch gives a dialled leg its seat as a branch of a fork that still rings.
type addBranch struct {
	fork   pbx.ForkID
	id     pbx.SessionID
	person string
}

func (c addBranch) apply(t *table) ([]effect, error) {
	f, err := t.ringing(c.fork)
	if err != nil {
		return nil, err
	}
	if _, taken := t.seats[c.id]; taken {
		return nil, ErrSeated
	}
	owner := t.seats[f.owner]
	f.branches = append(f.branches, branch{id: c.id, person: c.person})
	move := pbx.Move{To: pbx.Target{Kind: targetBranch, ID: string(f.bridge)}, Why: "rung"}
	t.seats[c.id] = &seat{id: c.id, call: owner.call, person: c.person, gen: 1, move: move, branch: c.fork}
	t.calls[owner.call].seats++
	out := t.rewire(f.owner) // a second branch ends early sound
	return append(out, start{c.id, 1, move}), nil
}

// filled says that all branches that are to ring at first have been added; from
// now on the fork fails when none is left.
type filled struct {
	id   pbx.SessionID
	gen  uint64
	fork pbx.ForkID
}

func (c filled) apply(t *table) ([]effect, error) {
	if _, err := t.lease(c.id, c.gen); err != nil {
		return nil, err
	}
	f, err := t.ringing(c.fork)
	if err != nil {
		return nil, err
	}
	f.filling = false
	return t.settleFailure(c.fork, f), nil
}

// settleFailure closes a fork none of whose branches is left.
func (t *table) settleFailure(id pbx.ForkID, f *fork) []effect {
	if f.filling || slices.ContainsFunc(f.branches, func(b branch) bool { return b.state != branchOver }) {
		return t.earlySound(f)
	}
	f.closed = true
	return append(t.rewire(f.owner), rung{owner: f.owner, fork: id, failed: f.outcome()})
}

// ringing finds a fork that nobody has answered and nobody has closed.
func (t *table) ringing(id pbx.ForkID) (*fork, error) {
	f, ok := t.forks[id]
	switch {
	case !ok:
		return nil, ErrGone
	case f.winner != "":
		return nil, ErrTaken
	case f.closed:
		return nil, ErrClosed
	}
	return f, nil
}

// alert reports that a branch rings, perhaps with sound of its own.
type alert struct {
	id    pbx.SessionID
	early bool
}

func (c alert) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, 0)
	if err != nil {
		return nil, err
	}
	f, err := t.ringing(s.branch)
	if err != nil {
		return nil, err
	}
	i := f.index(c.id)
	b := &f.branches[i]
	b.rang = true
	b.state = branchAlerting
	if c.early {
		b.state = branchEarly
	}
	out := []effect{rung{owner: f.owner, fork: s.branch, ring: true}}
	return append(out, t.earlySound(f)...), nil
}

// earlySound lets the caller hear the only phone that rings, if that has sound.
func (t *table) earlySound(f *fork) []effect {
	o := t.seats[f.owner]
	if _, ok := t.earlyBranch(o); !ok {
		return t.rewire(o.id)
	}
	var out []effect
	if !o.early {
		o.early = true
		out = append(out, early{o.id})
	}
	return append(out, t.rewire(o.id)...)
}

// earlyBranch is the branch whose early sound the seat may hear: it owns a fork
// with exactly one live branch, and that one has sound.
func (t *table) earlyBranch(s *seat) (pbx.SessionID, bool) {
	f, ok := t.forks[s.fork]
	if !ok {
		return "", false
	}
	var live []branch
	for _, b := range f.branches {
		if b.state != branchOver {
			live = append(live, b)
		}
	}
	if len(live) != 1 || live[0].state != branchEarly {
		return "", false
	}
	return live[0].id, true
}

func (f *fork) index(id pbx.SessionID) int {
	return slices.IndexFunc(f.branches, func(b branch) bool { return b.id == id })
}

// claim is the one door through which a fork is answered: the first branch to
// come through it wins, the others are ended as answered elsewhere.
type claim struct {
	id  pbx.SessionID
	gen uint64
}

func (c claim) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, c.gen)
	if err != nil {
		return nil, err
	}
	f, err := t.ringing(s.branch)
	if err != nil {
		return nil, err
	}
	f.winner = c.id
	var out []effect
	for i := range f.branches {
		b := &f.branches[i]
		if b.id == c.id || b.state == branchOver {
			continue
		}
		b.state = branchOver
		out = append(out, end{b.id, pbx.Cause{Code: pbx.CauseAnsweredElsewhere, By: pbx.BySystem, Text: "by " + s.person}})
	}
	out = append(out, rung{owner: f.owner, fork: s.branch, winner: c.id})
	return append(out, t.earlySound(f)...), nil
}

// up notes that a party was answered. When it is the caller of a fork somebody
// has won, that is the moment the call counts as answered, even if the caller
// hangs up before the two have met.
type up struct {
	id pbx.SessionID
	at time.Time
}

func (c up) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, 0)
	if err != nil {
		return nil, err
	}
	f, ok := t.forks[s.fork]
	row := t.calls[s.call]
	if !ok || f.winner == "" || row.caller != s.id || !row.answeredAt.IsZero() {
		return nil, nil
	}
	row.answeredAt = c.at
	return []effect{answered{s.call, f.winner}}, nil
}

// closeFork stops the ringing, unless somebody has answered.
type closeFork struct {
	id    pbx.SessionID
	gen   uint64
	fork  pbx.ForkID
	cause pbx.Cause
}

func (c closeFork) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, c.gen)
	if err != nil {
		return nil, err
	}
	if s.fork != c.fork {
		return nil, ErrClosed
	}
	f, err := t.ringing(c.fork)
	if err != nil {
		return nil, err
	}
	f.closed = true
	return append(f.endAll(c.cause), t.rewire(s.id)...), nil
}

// endAll ends every live branch.
func (f *fork) endAll(cause pbx.Cause) []effect {
	var out []effect
	for i := range f.branches {
		if b := &f.branches[i]; b.state != branchOver {
			b.state = branchOver
			out = append(out, end{b.id, cause})
		}
	}
	return out
}

// abandon drops the fork a seat owns: what still rings stops, and a winner that
// the caller has not met is released.
func (t *table) abandon(s *seat, why pbx.Cause) []effect {
	f, ok := t.forks[s.fork]
	if !ok {
		return nil
	}
	delete(t.forks, s.fork)
	s.fork = ""
	if b := t.bridges[f.bridge]; b != nil {
		b.awaited = false
		t.drop(f.bridge)
	}
	return f.endAll(why)
}

// settle forgets a fork whose caller and winner have met in its bridge: from now
// on they are simply members.
func (t *table) settle(id pbx.BridgeID, b *bridge) {
	for _, m := range b.members {
		owner := t.seats[m.id]
		f, ok := t.forks[owner.fork]
		if !ok || f.bridge != id || !b.has(f.winner) {
			continue
		}
		delete(t.forks, owner.fork)
		owner.fork = ""
		t.seats[f.winner].branch = ""
		b.awaited = false
	}
}

// lost tells a caller who has not met the winner yet that there is none any
// more.
func (t *table) lost(f *fork, c pbx.Cause) []effect {
	b := t.bridges[f.bridge]
	b.left = &c
	if !b.has(f.owner) {
		return t.rewire(f.owner) // it will learn when it comes
	}
	return append(t.leave(t.seats[f.owner], c), left{f.owner, c})
}

// branchOver notes the end of a rung leg at its fork. A decline binds the
// person: the other phones of somebody who refused stop ringing too.
func (t *table) branchOver(s *seat, c pbx.Cause) []effect {
	f, ok := t.forks[s.branch]
	if !ok {
		return nil
	}
	b := &f.branches[f.index(s.id)]
	b.state, b.cause = branchOver, c.Code
	switch {
	case f.winner == s.id:
		return t.lost(f, c)
	case f.winner != "" || f.closed:
		return nil
	}
	var out []effect
	if c.Code == pbx.CauseDeclined {
		for i := range f.branches {
			if o := &f.branches[i]; o.person == b.person && o.state != branchOver {
				o.state, o.cause = branchOver, pbx.CauseDeclined
				out = append(out, end{o.id, pbx.Cause{Code: pbx.CauseDeclined, By: pbx.BySystem, Text: "declined on another device"}})
			}
		}
	}
	return append(out, t.settleFailure(s.branch, f)...)
}

// outcome is the answer of all branches together, the most telling one first:
// somebody refused, is busy, was there but did not answer, or nobody was there.
func (f *fork) outcome() pbx.CauseCode {
	has := map[pbx.CauseCode]bool{}
	rang := false
	for _, b := range f.branches {
		has[b.cause] = true
		rang = rang || b.rang
	}
	switch {
	case has[pbx.CauseDeclined]:
		return pbx.CauseDeclined
	case has[pbx.CauseBusy]:
		return pbx.CauseBusy
	case rang || has[pbx.CauseNoAnswer]:
		return pbx.CauseNoAnswer
	case has[pbx.CauseIncompatible]:
		return pbx.CauseIncompatible
	}
	return pbx.CauseUnreachable
}
