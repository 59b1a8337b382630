package live

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"klapka.dev/klapka/pbx"
)

// Projector turns events into what people see. It belongs to one goroutine, or
// one mutex.
type Projector struct {
	directory Directory
	place     func(pbx.LegID) (tab string, ok bool)

	calls   map[pbx.CallID]*callState
	legs    map[pbx.LegID]*legState
	lines   map[string]map[pbx.LegID]*legState // by extension
	reach   map[string]map[endpoint]string     // by extension: contact of what answers, "" when it fell silent
	people  map[string]*Person
	numbers []pbx.PartyInfo // as the directory last had them
	parties map[string]pbx.PartyInfo
	order   []string // numbers
}

// endpoint is one place where an extension may be reached.
type endpoint struct{ device, key string }

type callState struct {
	id         pbx.CallID
	from       pbx.PartyInfo
	dialled    string
	to         pbx.Target
	startedAt  time.Time
	answeredBy pbx.PartyInfo
	legs       []*legState
}

type legState struct {
	id         pbx.LegID
	call       *callState
	party      pbx.PartyInfo
	incoming   bool // from the exchange's view
	browser    bool
	startedAt  time.Time
	alerted    bool
	answeredAt time.Time
	held       bool
	bridge     pbx.BridgeID
	shown      *OwnCall // as people were last told; nil: they were not
}

// New makes an empty projector. place says in which browser page a leg is; it
// may be nil.
func New(d Directory, place func(pbx.LegID) (tab string, ok bool)) *Projector {
	p := &Projector{directory: d, place: place, people: map[string]*Person{}, reach: map[string]map[endpoint]string{}}
	p.forget()
	return p
}

// forget drops all calls.
func (p *Projector) forget() {
	p.calls, p.legs, p.lines = map[pbx.CallID]*callState{}, map[pbx.LegID]*legState{}, map[string]map[pbx.LegID]*legState{}
}

// People returns everybody, in the order of numbers.
func (p *Projector) People() []Person {
	out := make([]Person, 0, len(p.order))
	for _, n := range p.order {
		out = append(out, *p.people[n])
	}
	return out
}

// Calls returns the calls of an extension, the oldest first.
func (p *Projector) Calls(extension string) []OwnCall {
	out := []OwnCall{}
	for _, l := range p.lines[extension] {
		if l.shown != nil {
			out = append(out, *l.shown)
		}
	}
	slices.SortFunc(out, func(a, b OwnCall) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Leg, b.Leg))
	})
	return out
}

// Owns reports whether the leg runs and is one of the extension's.
func (p *Projector) Owns(extension string, leg pbx.LegID) bool {
	return extension != "" && p.lines[extension][leg] != nil
}

// Refresh looks again at what events do not tell: names, and in which page a
// call is.
func (p *Projector) Refresh(at time.Time) []Change {
	changes := p.reread(at)
	for _, c := range p.calls {
		changes = append(changes, p.showCall(c)...)
	}
	return changes
}

// RefreshCall does so for one call.
func (p *Projector) RefreshCall(id pbx.CallID) []Change {
	if c := p.calls[id]; c != nil {
		return p.showCall(c)
	}
	return nil
}

// SetOnline notes whether a page of an extension's user is open, which reaches
// him as a phone does.
func (p *Projector) SetOnline(extension string, online bool, at time.Time) []Change {
	p.setReach(extension, endpoint{device: "browser"}, "page", online)
	return p.showPerson(extension, at)
}

func (p *Projector) setReach(extension string, e endpoint, contact string, known bool) {
	if !known {
		delete(p.reach[extension], e)
		if len(p.reach[extension]) == 0 {
			delete(p.reach, extension)
		}
		return
	}
	if p.reach[extension] == nil {
		p.reach[extension] = map[endpoint]string{}
	}
	p.reach[extension][e] = contact
}

// Reset brings the projector in line with a picture, and returns what differs
// from what people were told. Open pages stay as SetOnline said.
func (p *Projector) Reset(now Picture) []Change {
	old := p.legs
	p.forget()
	for _, c := range now.Calls {
		p.take(c)
	}
	p.takeBindings(now)
	changes := p.reread(now.At)
	for id, l := range old {
		switch still := p.legs[id]; {
		case still != nil:
			still.shown, still.browser = l.shown, still.browser || l.browser
		case l.shown != nil:
			changes = append(changes, Change{Ended: id, Cause: pbx.Cause{Code: pbx.CauseNormal}, For: l.party.Extension})
		}
	}
	for _, c := range p.calls {
		changes = append(changes, p.showCall(c)...)
	}
	for _, n := range p.order {
		changes = append(changes, p.showPerson(n, now.At)...)
	}
	return changes
}

// takeBindings replaces what is known of registrations.
func (p *Projector) takeBindings(now Picture) {
	page := endpoint{device: "browser"}
	for ext := range maps.Clone(p.reach) {
		_, online := p.reach[ext][page]
		delete(p.reach, ext)
		p.setReach(ext, page, "page", online)
	}
	for _, b := range now.Bindings {
		contact := b.Contact
		if now.Reachable != nil && !now.Reachable(b.Device, b.Key()) {
			contact = silent
		}
		p.setReach(b.Extension, endpoint{b.Device, b.Key()}, contact, true)
	}
}

// take adds a running call of a picture.
func (p *Projector) take(lc pbx.LiveCall) {
	c := &callState{id: lc.ID, from: lc.From, dialled: lc.Dialled, to: lc.To, startedAt: lc.StartedAt}
	p.calls[c.id] = c
	for _, ll := range lc.Legs {
		l := p.addLeg(c, ll.ID, ll.Party, ll.Incoming, lc.StartedAt)
		l.bridge, l.alerted = ll.Bridge, true
		if ll.State == "ringing" {
			continue
		}
		l.held = ll.State == "held"
		l.answeredAt = lc.AnsweredAt
		if l.answeredAt.IsZero() {
			l.answeredAt = lc.StartedAt
		}
		if !lc.AnsweredAt.IsZero() && !ll.Incoming {
			c.answeredBy = ll.Party
		}
	}
}

func (p *Projector) addLeg(c *callState, id pbx.LegID, party pbx.PartyInfo, incoming bool, at time.Time) *legState {
	l := &legState{id: id, call: c, party: party, incoming: incoming, startedAt: at}
	l.browser = strings.HasPrefix(party.Device, "browser:")
	c.legs = append(c.legs, l)
	p.legs[id] = l
	if ext := party.Extension; ext != "" {
		if p.lines[ext] == nil {
			p.lines[ext] = map[pbx.LegID]*legState{}
		}
		p.lines[ext][id] = l
	}
	return l
}

func (p *Projector) dropLeg(l *legState) {
	delete(p.legs, l.id)
	delete(p.lines[l.party.Extension], l.id)
	if len(p.lines[l.party.Extension]) == 0 {
		delete(p.lines, l.party.Extension)
	}
	l.call.legs = slices.DeleteFunc(l.call.legs, func(o *legState) bool { return o == l })
}

// reread takes over who has which number and name.
func (p *Projector) reread(at time.Time) []Change {
	numbers := p.directory.Numbers()
	if slices.Equal(numbers, p.numbers) {
		return nil
	}
	p.numbers = numbers
	var changes []Change
	seen := make(map[string]pbx.PartyInfo, len(numbers))
	order := make([]string, len(numbers))
	for i, n := range numbers {
		seen[n.Number], order[i] = n, n.Number
	}
	for _, n := range p.order {
		if _, ok := seen[n]; !ok {
			delete(p.people, n)
			changes = append(changes, Change{Removed: n})
		}
	}
	p.parties, p.order = seen, order
	for _, n := range numbers {
		old := p.people[n.Number]
		fresh := old == nil
		if fresh {
			old = &Person{Number: n.Number, State: p.lineState(n.Number), Since: at}
			p.people[n.Number] = old
		}
		if fresh || old.Name != n.Name || old.UserID != n.User {
			old.Name, old.UserID = n.Name, n.User
			shown := *old
			changes = append(changes, Change{Person: &shown})
		}
	}
	return changes
}
