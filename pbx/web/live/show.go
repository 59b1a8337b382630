package live

import (
	"time"

	"klapka.dev/klapka/pbx"
)

// showPerson tells of an extension whose line is in another state than shown.
func (p *Projector) showPerson(extension string, at time.Time) []Change {
	person := p.people[extension]
	if person == nil {
		return nil
	}
	state := p.lineState(extension)
	if state == person.State {
		return nil
	}
	person.State, person.Since = state, at
	shown := *person
	return []Change{{Person: &shown}}
}

// strength orders line states; the strongest of several calls is shown.
var strength = [...]LineState{Offline, Free, Ringing, Held, Dialling, Talking}

func stronger(a, b LineState) LineState {
	for i := len(strength) - 1; i >= 0; i-- {
		if strength[i] == a || strength[i] == b {
			return strength[i]
		}
	}
	return a
}

func (p *Projector) lineState(extension string) LineState {
	state := Offline
	for _, contact := range p.reach[extension] {
		if contact != "" {
			state = Free
		}
	}
	for _, l := range p.lines[extension] {
		switch {
		case l.answeredAt.IsZero() && l.incoming:
			state = stronger(state, Dialling)
		case l.answeredAt.IsZero() && l.alerted:
			state = stronger(state, Ringing)
		case l.answeredAt.IsZero():
		case l.held:
			state = stronger(state, Held)
		default:
			state = stronger(state, Talking)
		}
	}
	return state
}

// showCall tells the people in a call what is new about it.
func (p *Projector) showCall(c *callState) []Change {
	var changes []Change
	for _, l := range c.legs {
		if l.party.Extension == "" || !l.incoming && !l.alerted && l.answeredAt.IsZero() {
			continue // nobody's, or not even rung yet
		}
		v := p.view(l)
		if l.shown != nil && l.shown.same(v) {
			continue
		}
		first := l.shown == nil
		l.shown = &v
		told := v
		changes = append(changes, Change{Call: &told, New: first, For: l.party.Extension})
	}
	return changes
}

// view is a call as the person at one of its legs sees it.
func (p *Projector) view(l *legState) OwnCall {
	v := OwnCall{
		Call: l.call.id, Leg: l.id, Direction: Incoming, State: CallRinging, Peer: p.peer(l), StartedAt: l.startedAt,
		OnHold: l.held, Device: CallDevice{Kind: "phone", Name: p.directory.DeviceName(l.party.Device)},
	}
	if l.incoming {
		v.Direction = Outgoing
		if !l.alerted {
			v.State = CallDialling
		}
	}
	if !l.answeredAt.IsZero() {
		at := l.answeredAt
		v.AnsweredAt, v.State = &at, CallTalking
		if l.held || l.heldByOther() {
			v.State = CallHeld
		}
	}
	if tab, ok := p.tab(l); ok {
		v.Device = CallDevice{Kind: "browser", TabID: &tab}
	} else if l.browser {
		v.Device = CallDevice{Kind: "browser"}
	}
	return v
}

func (p *Projector) tab(l *legState) (string, bool) {
	if p.place == nil {
		return "", false
	}
	return p.place(l.id)
}

func (l *legState) heldByOther() bool {
	o := l.other()
	return o != nil && o.held
}

// other is the leg on the other side of the bridge, when it is one of two.
func (l *legState) other() *legState {
	var found *legState
	if l.bridge == "" {
		return nil
	}
	for _, o := range l.call.legs {
		if o != l && o.bridge == l.bridge {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

// peer is whom the person at a leg speaks to, or is going to.
func (p *Projector) peer(l *legState) Peer {
	party := l.call.from
	if o := l.other(); o != nil {
		party = o.party
	} else if l.incoming {
		party = l.call.answeredBy
		if party.Number == "" {
			party = pbx.PartyInfo{Number: l.call.dialled}
			if l.call.to.Kind == pbx.TargetExtension {
				party.Name = p.parties[l.call.to.ID].Name
			}
		}
	}
	return Peer{Number: party.Number, Name: party.Name}
}
