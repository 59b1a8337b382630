package browser

import (
	"fmt"
	"strings"
	"unicode"

	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// maxNumber is the longest number that may be dialled.
const maxNumber = 64

// Dial implements pbx.Browsers.
func (e *Edge) Dial(at pbx.Tab, to string) (pbx.Dialled, error) {
	number, err := dialable(to)
	if err != nil {
		return pbx.Dialled{}, err
	}
	u, inv, err := e.begin(at, number)
	if err != nil {
		return pbx.Dialled{}, err
	}
	l, err := e.o.Host.Invite(u, inv)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		delete(e.legs, u.id)
		return pbx.Dialled{}, err
	}
	slot, ok := l.Source().(*peer.Slot)
	u.known(l, slot)
	if !ok {
		l.Post(leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseFault, By: pbx.BySystem, Text: "not an endpoint of browsers"}})
	}
	if t := e.tabs[at]; t != nil {
		u.enter(t)
		u.activate()
	} else {
		u.lose(pbx.CauseNetwork)
	}
	e.show(u)
	u.catchUp()
	return pbx.Dialled{Call: u.call, Leg: u.id}, nil
}

// begin prepares a call of a page.
func (e *Edge) begin(at pbx.Tab, number string) (*usage, leg.Invitation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, err := e.open(at)
	switch {
	case err != nil:
		return nil, leg.Invitation{}, err
	case t.client.extension == "":
		return nil, leg.Invitation{}, pbx.Errorf(pbx.Forbidden, "you have no extension to call from")
	case len(t.legs) >= maxLegs:
		return nil, leg.Invitation{}, pbx.Errorf(pbx.TooMany, "too many calls in one page")
	}
	u := &usage{edge: e, id: pbx.LegID(pbx.NewID()), user: at.User, incoming: true, state: pbx.BrowserDialling}
	e.legs[u.id] = u
	return u, leg.Invitation{
		Leg: u.id, Caller: e.o.People.Party(t.client.extension, t.client.device()), Dialled: number,
		Offer: describe(sdp.SendRecv), Edge: EdgeName, Remote: t.client.remote, UA: t.client.agent,
	}, nil
}

// dialable is a number as people write it, without what only helps the eye.
func dialable(to string) (string, error) {
	number := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-()/", r) {
			return -1
		}
		return r
	}, to)
	if number == "" || len(number) > maxNumber {
		return "", pbx.FieldErrorf("to", "want a number of 1 to %d characters", maxNumber)
	}
	for _, r := range number {
		if !unicode.IsPrint(r) {
			return "", pbx.FieldErrorf("to", "contains a character that cannot be dialled")
		}
	}
	return number, nil
}

// Dialer starts legs that ring at browsers, for the bindings of this edge.
func (e *Edge) Dialer() leg.Dialer { return dialer{e} }

type dialer struct{ e *Edge }

// Dial implements leg.Dialer. The leg rings at all pages of a browser, one of
// which makes the noise.
func (d dialer) Dial(g leg.Dialing) (leg.Signaler, error) { return d.e.dial(g) }

func (e *Edge) dial(d leg.Dialing) (leg.Signaler, error) {
	slot, ok := d.Leg.Source().(*peer.Slot)
	if !ok {
		return nil, fmt.Errorf("the leg has no endpoint of browsers, but %T", d.Leg.Source())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.clients[clientID{d.Binding.Username, strings.TrimPrefix(d.Binding.Contact, contactScheme)}]
	if c == nil || !c.awake {
		return nil, fmt.Errorf("browser %q is gone", d.Binding.Contact)
	}
	u := &usage{edge: e, id: d.Leg.ID(), user: c.id.user, rings: c, offer: d.Offer}
	u.known(d.Leg, slot)
	u.from = d.From
	e.legs[u.id] = u
	e.ring(u)
	u.post(leg.Input{Kind: leg.InRinging})
	return u, nil
}
