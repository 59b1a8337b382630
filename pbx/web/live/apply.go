package live

import (
	"slices"
	"time"

	"klapka.dev/klapka/pbx"
)

// Apply takes one event and returns what people should be told. ok is false when
// the event is about something the projector has never heard of: it missed
// something, and should be Reset.
func (p *Projector) Apply(e pbx.Event) (changes []Change, ok bool) {
	switch b := e.Body.(type) {
	case pbx.CallStarted:
		p.startCall(e, b)
	case pbx.CallAnswered:
		return p.changeCall(e, func(c *callState) { c.answeredBy = b.By })
	case pbx.CallEnded:
		return p.endCall(e, b.Cause), true
	case pbx.LegStarted:
		return p.startLeg(e, b)
	case pbx.LegRinging:
		return p.changeLeg(e, func(l *legState) { l.alerted = true })
	case pbx.LegAnswered:
		return p.changeLeg(e, func(l *legState) {
			if l.answeredAt.IsZero() {
				l.answeredAt = e.At
			}
		})
	case pbx.LegHeld:
		return p.changeLeg(e, func(l *legState) { l.held = b.Held })
	case pbx.BridgeJoined:
		return p.changeLeg(e, func(l *legState) { l.bridge = e.Bridge })
	case pbx.BridgeLeft:
		// It may come after the next bridge was joined, or the leg has ended.
		if l := p.legs[e.Leg]; l != nil && l.bridge == e.Bridge {
			return p.changeLeg(e, func(l *legState) { l.bridge = "" })
		}
	case pbx.LegEnded:
		return p.endLeg(e, b.Cause), true
	case pbx.DeviceRegistered:
		return p.registered(b, e.At), true
	case pbx.DeviceUnregistered:
		return p.unregistered(b.Binding, e.At), true
	case pbx.DeviceReachable:
		return p.reachable(b, e.At), true
	}
	return nil, true
}

func (p *Projector) startCall(e pbx.Event, b pbx.CallStarted) {
	if p.calls[e.Call] == nil {
		p.calls[e.Call] = &callState{id: e.Call, from: b.From, dialled: b.Dialled, to: b.To, startedAt: e.At}
	}
}

func (p *Projector) changeCall(e pbx.Event, change func(*callState)) ([]Change, bool) {
	c := p.calls[e.Call]
	if c == nil {
		return nil, false
	}
	change(c)
	return p.showCall(c), true
}

func (p *Projector) startLeg(e pbx.Event, b pbx.LegStarted) ([]Change, bool) {
	c := p.calls[e.Call]
	if c == nil {
		return nil, false
	}
	l := p.legs[e.Leg]
	if l == nil {
		l = p.addLeg(c, e.Leg, b.Party, b.Incoming, e.At)
	}
	l.browser = l.browser || b.Edge == "browser"
	return append(p.showCall(c), p.showPerson(l.party.Extension, e.At)...), true
}

// changeLeg changes a leg and tells everybody whom that concerns: the other
// people of the call, and who watches the line.
func (p *Projector) changeLeg(e pbx.Event, change func(*legState)) ([]Change, bool) {
	l := p.legs[e.Leg]
	if l == nil {
		return nil, false
	}
	change(l)
	return append(p.showCall(l.call), p.showPerson(l.party.Extension, e.At)...), true
}

func (p *Projector) endLeg(e pbx.Event, cause pbx.Cause) []Change {
	l := p.legs[e.Leg]
	if l == nil {
		return nil
	}
	p.dropLeg(l)
	var changes []Change
	if l.shown != nil {
		changes = append(changes, Change{Ended: l.id, Cause: cause, For: l.party.Extension})
	}
	changes = append(changes, p.showPerson(l.party.Extension, e.At)...)
	return append(changes, p.showCall(l.call)...)
}

func (p *Projector) endCall(e pbx.Event, cause pbx.Cause) []Change {
	c := p.calls[e.Call]
	if c == nil {
		return nil
	}
	delete(p.calls, e.Call)
	var changes []Change
	for _, l := range slices.Clone(c.legs) {
		changes = append(changes, p.endLeg(pbx.Event{Leg: l.id, At: e.At}, cause)...)
	}
	return changes
}

func (p *Projector) registered(b pbx.DeviceRegistered, at time.Time) []Change {
	k := b.Binding
	p.setReach(k.Extension, endpoint{k.Device, k.Key()}, k.Contact, true)
	changes := p.showPerson(k.Extension, at)
	if b.New {
		changes = append(changes, Change{Registration: k.Extension, For: k.Extension})
	}
	return changes
}

func (p *Projector) unregistered(k pbx.Binding, at time.Time) []Change {
	p.setReach(k.Extension, endpoint{k.Device, k.Key()}, "", false)
	return append(p.showPerson(k.Extension, at), Change{Registration: k.Extension, For: k.Extension})
}

// silent marks the contact of an endpoint that does not answer.
const silent = ""

func (p *Projector) reachable(b pbx.DeviceReachable, at time.Time) []Change {
	for e, contact := range p.reach[b.Extension] {
		switch {
		case e.device != b.Device:
		case b.Reachable && contact == silent:
			// Of several silent contacts of one device any will do: the line is
			// shown, not the contact.
			p.reach[b.Extension][e] = b.Contact
		case !b.Reachable && contact == b.Contact:
			p.reach[b.Extension][e] = silent
		}
	}
	return append(p.showPerson(b.Extension, at), Change{Registration: b.Extension, For: b.Extension})
}
