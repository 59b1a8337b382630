package browser

import (
	"strings"
	"time"

	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// maxKeys is how many keys one command may press.
const maxKeys = 64

// mine finds a leg of the user. A leg that rang and was answered elsewhere is a
// conflict that says so; anything else that is not his is not found.
func (e *Edge) mine(at pbx.Tab, id pbx.LegID) (*usage, error) {
	u, ok := e.legs[id]
	if ok && u.user == at.User && u.leg != nil && u.state != pbx.BrowserEnded {
		return u, nil
	}
	if why := e.missed.find(at.User, id); why != "" {
		return nil, pbx.Errorf(pbx.Conflict, "%s", why)
	}
	return nil, pbx.Errorf(pbx.NotFound, "no such call")
}

// placed finds a leg of the user that is in a page.
func (e *Edge) placed(at pbx.Tab, id pbx.LegID) (*usage, error) {
	u, err := e.mine(at, id)
	if err == nil && u.tab == nil {
		err = pbx.Errorf(pbx.Conflict, "the call is not answered yet")
	}
	return u, err
}

// Answer implements pbx.Browsers.
func (e *Edge) Answer(at pbx.Tab, id pbx.LegID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.mine(at, id)
	if err != nil {
		return err
	}
	t, err := e.open(at)
	switch {
	case err != nil:
		return err
	case u.incoming:
		return pbx.Errorf(pbx.Conflict, "this call was made from here and cannot be answered")
	case u.tab == t:
		return nil // the same click, twice
	case u.rings == nil:
		return pbx.Errorf(pbx.Conflict, "the call has been answered in another page")
	case len(t.legs) >= maxLegs:
		return pbx.Errorf(pbx.TooMany, "too many calls in one page")
	}
	answer, _, err := sdp.Answer(u.offer, local(sdp.SendRecv))
	if err != nil {
		u.post(leg.Input{Kind: leg.InRefused, Cause: pbx.Cause{Code: pbx.CauseIncompatible, By: pbx.BySystem, Text: err.Error()}})
		return pbx.Errorf(pbx.Conflict, "browsers cannot take this kind of sound")
	}
	e.stopRinging(u, pbx.CauseAnsweredElsewhere, t.id.Tab)
	u.rings, u.state = nil, pbx.BrowserUp
	u.enter(t)
	u.activate()
	u.post(leg.Input{Kind: leg.InAnswered, SDP: answer})
	e.show(u)
	return nil
}

// Reject implements pbx.Browsers.
func (e *Edge) Reject(at pbx.Tab, id pbx.LegID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.mine(at, id)
	if err != nil {
		return err
	}
	if u.rings == nil {
		return pbx.Errorf(pbx.Conflict, "the call does not ring any more")
	}
	u.refuse()
	return nil
}

// refuse declines on behalf of the person. The edge is locked.
func (u *usage) refuse() {
	u.cause = pbx.Cause{Code: pbx.CauseDeclined, By: pbx.ByCallee}
	u.post(leg.Input{Kind: leg.InRefused, Cause: u.cause})
}

// Hangup implements pbx.Browsers.
func (e *Edge) Hangup(at pbx.Tab, id pbx.LegID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.mine(at, id)
	switch {
	case err != nil:
		return err
	case u.rings != nil:
		u.refuse()
	case u.state == pbx.BrowserUp:
		u.cause = pbx.Cause{Code: pbx.CauseNormal, By: u.self()}
		u.post(leg.Input{Kind: leg.InBye, Cause: u.cause})
	default:
		// A call that is answered in this very moment is hung up instead.
		u.cause = pbx.Cause{Code: pbx.CauseCancelled, By: pbx.ByCaller}
		u.post(leg.Input{Kind: leg.InCancelled, Cause: u.cause})
		u.post(leg.Input{Kind: leg.InBye})
	}
	return nil
}

// Digits implements pbx.Browsers.
func (e *Edge) Digits(at pbx.Tab, id pbx.LegID, digits string) error {
	if digits == "" || len(digits) > maxKeys || strings.Trim(digits, "0123456789*#ABCDabcd") != "" {
		return pbx.FieldErrorf("digits", "want 1 to %d of 0-9 * # A-D", maxKeys)
	}
	e.mu.Lock()
	u, err := e.placed(at, id)
	e.mu.Unlock()
	if err != nil {
		return err
	}
	// Without the lock: keys reach the leg, and whoever hears the user, at once.
	u.slot.Press(digits, 100*time.Millisecond)
	return nil
}
