package browser

import (
	"klapka.dev/klapka/pbx"
)

// tell gives a frame to a page, if it has a socket. The edge is locked.
func (t *tab) tell(f pbx.BrowserFrame) {
	if t.link != nil {
		t.link.send(f)
	}
}

// show tells every page of the user how a leg stands. The edge is locked.
func (e *Edge) show(u *usage) {
	if u.rings != nil || u.state == "" {
		return
	}
	f := u.frame()
	for t := range e.users[u.user] {
		t.tell(f)
	}
}

func (u *usage) frame() pbx.LegFrame {
	f := pbx.LegFrame{T: "leg.changed", Leg: u.id, Call: u.call, State: u.state}
	if t := u.tab; t != nil {
		f.Tab, f.Active, f.Detached = t.id.Tab, t.active == u, t.link == nil
	}
	if u.state == pbx.BrowserEnded {
		cause := u.cause
		cause.Text = "" // not for people
		f.Cause = &cause
	}
	return f
}

// ring rings at every page of the browser. The edge is locked.
func (e *Edge) ring(u *usage) {
	for t := range u.rings.tabs {
		t.tell(u.ringFrame())
	}
}

func (u *usage) ringFrame() pbx.RingFrame {
	return pbx.RingFrame{T: "ring", Leg: u.id, Call: u.call, From: pbx.BrowserPeer{Number: u.from.Number, Name: u.from.Name}}
}

// stopRinging tells every page of the browser, and the one that answered, that a
// leg rings no longer. by is the id of the user's page that answered, if any. The
// edge is locked.
func (e *Edge) stopRinging(u *usage, why pbx.CauseCode, by string) {
	for t := range u.rings.tabs {
		reason := why
		if t.id.Tab == by && why == pbx.CauseAnsweredElsewhere {
			reason = pbx.CauseNormal
		}
		t.tell(pbx.RingStopFrame{T: "ring.stop", Leg: u.id, Reason: reason, By: by})
	}
}

// answerer is the user's page that took the call of a leg in its stead, "" when
// it was somebody else or a phone. The edge is locked.
func (e *Edge) answerer(u *usage) string {
	for _, o := range e.legs {
		if o != u && o.call == u.call && o.user == u.user && o.tab != nil && !o.incoming {
			return o.tab.id.Tab
		}
	}
	return ""
}

// catchUp tells a page that has just come what there is. The edge is locked.
func (e *Edge) catchUp(t *tab) {
	for _, u := range e.legs {
		switch {
		case u.leg == nil || u.user != t.id.User:
		case u.rings == t.client:
			t.tell(u.ringFrame())
		case u.tab == t:
			e.show(u) // the others learn that its page is back
		case u.rings == nil && u.state != pbx.BrowserEnded:
			t.tell(u.frame())
		}
	}
}

// memory keeps what became of the last legs that rang in vain, so that whoever
// answers too late learns why.
type memory struct {
	list [64]lateLeg
	next int
}

type lateLeg struct {
	user string
	leg  pbx.LegID
	why  string
}

// add takes note of a leg that stops ringing; by is the user's page that answered.
func (m *memory) add(u *usage, by string) {
	why := "the call has ended"
	switch {
	case by != "":
		why = "the call has been answered in another page"
	case u.cause.Code == pbx.CauseAnsweredElsewhere:
		why = "the call has been answered elsewhere"
	case u.cause.Code == pbx.CauseDeclined:
		why = "the call has been declined"
	}
	m.list[m.next%len(m.list)] = lateLeg{u.user, u.id, why}
	m.next++
}

// find says what became of a leg of the user; "" when that is not known.
func (m *memory) find(user string, id pbx.LegID) string {
	for _, l := range m.list {
		if l.leg == id && l.user == user {
			return l.why
		}
	}
	return ""
}
