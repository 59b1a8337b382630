package browser

import (
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// usage is the wire side of one leg: what a dialog is to a phone. It implements
// leg.Signaler. What the leg asks for is shown to the user's pages; what the user
// does is posted to the leg. Everything is guarded by Edge.mu.
type usage struct {
	edge     *Edge
	id       pbx.LegID
	user     string
	incoming bool // the user dialled
	state    pbx.BrowserState
	rings    *client       // is being rung; nil: answered, over, or the user dialled
	from     pbx.PartyInfo // who is calling a user who is rung
	offer    []byte        // the exchange's, to a user who is rung
	leg      *leg.Leg
	call     pbx.CallID
	slot     *peer.Slot
	tab      *tab // where it is; nil while it rings
	waits    bool // the leg was told that its user holds
	cause    pbx.Cause
	early    []func() // what the leg asked for before it was known
}

// whenKnown runs f now, or as soon as the leg is known; in order.
func (u *usage) whenKnown(f func()) {
	u.edge.mu.Lock()
	defer u.edge.mu.Unlock()
	if u.leg == nil {
		u.early = append(u.early, f)
		return
	}
	f()
}

// known names the leg of a usage. The edge is locked.
func (u *usage) known(l *leg.Leg, slot *peer.Slot) {
	u.leg, u.call, u.slot = l, l.Call(), slot
}

// catchUp does what was asked for meanwhile. The edge is locked.
func (u *usage) catchUp() {
	for len(u.early) > 0 {
		f := u.early[0]
		u.early = u.early[1:]
		f()
	}
}

// post tells the leg what its user did. The edge is locked, the leg known.
func (u *usage) post(in leg.Input) { u.leg.Post(in) }

// Ring implements leg.Signaler.
func (u *usage) Ring([]byte) {
	u.whenKnown(func() {
		if u.state == pbx.BrowserDialling {
			u.state = pbx.BrowserRinging
			u.edge.show(u)
		}
	})
}

// Answer implements leg.Signaler. A browser has no ACK that could be lost.
func (u *usage) Answer([]byte) {
	u.whenKnown(func() {
		u.post(leg.Input{Kind: leg.InAcked})
		if u.state == pbx.BrowserEnded {
			return
		}
		u.state = pbx.BrowserUp
		if u.tab != nil && u.tab.active != u {
			u.wait()
		}
		u.edge.show(u)
	})
}

// Reject implements leg.Signaler.
func (u *usage) Reject(c pbx.Cause) { u.whenKnown(func() { u.end(c) }) }

// Cancel implements leg.Signaler.
func (u *usage) Cancel(c pbx.Cause) {
	u.whenKnown(func() {
		u.end(c)
		u.post(leg.Input{Kind: leg.InRefused, Cause: c})
	})
}

// Bye implements leg.Signaler.
func (u *usage) Bye(c pbx.Cause) {
	u.whenKnown(func() {
		u.end(c)
		u.post(leg.Input{Kind: leg.InGone})
	})
}

// Ack implements leg.Signaler: there is nobody to tell.
func (u *usage) Ack([]byte) {}

// AnswerOffer implements leg.Signaler: our offers only say who holds.
func (u *usage) AnswerOffer([]byte) {}

// RefuseOffer implements leg.Signaler. A leg that is not answered yet cannot
// hold; it is told when it is.
func (u *usage) RefuseOffer(leg.Refusal) {}

// Release implements leg.Signaler.
func (u *usage) Release() {
	u.whenKnown(func() {
		u.end(u.cause)
		delete(u.edge.legs, u.id)
	})
}

// end shows once that the leg is over, and takes it off its page. The edge is
// locked.
func (u *usage) end(c pbx.Cause) {
	e := u.edge
	if u.state == pbx.BrowserEnded {
		return
	}
	if u.cause.Code == "" {
		u.cause = c
	}
	if u.cause.Code == "" {
		u.cause.Code = pbx.CauseNormal
	}
	if u.rings != nil {
		e.missed.add(u, e.answerer(u))
		e.stopRinging(u, u.cause.Code, e.answerer(u))
	}
	u.state = pbx.BrowserEnded
	if t := u.tab; t != nil {
		u.leave()
		e.watch(t)
	}
	e.show(u)
}

// lose ends a leg whose page or sound is gone for good. The edge is locked.
func (u *usage) lose(code pbx.CauseCode) {
	u.cause = pbx.Cause{Code: code, By: u.self()}
	u.post(leg.Input{Kind: leg.InLost, Cause: u.cause})
}

// self is the user as a party of the call.
func (u *usage) self() pbx.Party {
	if u.incoming {
		return pbx.ByCaller
	}
	return pbx.ByCallee
}

// describe is a session description between the leg and this edge. It never
// leaves the exchange: what is agreed with the browser is its media session's
// affair, and here only the codecs and who holds are said.
func describe(d sdp.Direction) []byte { return sdp.Offer(local(d)) }

func local(d sdp.Direction) sdp.Local {
	var nowhere peer.Slot
	return sdp.Local{Addr: nowhere.Local(), SessionID: 1, Version: 1, Codecs: peer.Codecs(), Direction: d}
}
