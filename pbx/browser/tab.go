package browser

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// tab is a page, with its media session and its legs. It outlives its socket by
// the grace.
type tab struct {
	id     pbx.Tab
	client *client
	link   *link // nil: the socket is gone
	asleep bool  // the page does not answer heartbeats
	legs   map[*usage]struct{}
	active *usage // has microphone and loudspeaker
	gone   bool   // forgotten

	session Session // nil: none yet, or none any more
	ms      string  // its name
	grace   *time.Timer

	negotiating sync.Mutex // one offer at a time; taken before Edge.mu
}

// link implements pbx.TabLink.
type link struct {
	edge  *Edge
	tab   *tab
	send  func(pbx.BrowserFrame)
	alarm *time.Timer // the page has not been heard for too long
}

// Connect implements pbx.Browsers.
func (e *Edge) Connect(i pbx.TabInfo) (pbx.TabLink, error) {
	if !isID(i.Client) {
		return nil, pbx.FieldErrorf("client_id", "want 1 to 64 letters, digits, - or _")
	}
	if !isID(i.Tab.Tab) {
		return nil, pbx.FieldErrorf("tab_id", "want 1 to 64 letters, digits, - or _")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, pbx.Errorf(pbx.Unavailable, "the exchange is being stopped")
	}
	t := e.tab(i)
	if t.link != nil {
		t.link.alarm.Stop()
	}
	l := &link{edge: e, tab: t, send: i.Send}
	l.alarm = time.AfterFunc(e.o.Asleep, l.unheard)
	t.link, t.asleep = l, false
	e.watch(t)
	e.rouse(t.client)
	e.catchUp(t)
	return l, nil
}

// isID reports whether a page may call itself, or its browser, that.
func isID(s string) bool {
	for _, r := range s {
		word := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
		if !word {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// tab finds or makes the page.
func (e *Edge) tab(i pbx.TabInfo) *tab {
	id := clientID{i.User, i.Client}
	c := e.clients[id]
	if c == nil {
		c = &client{id: id, since: time.Now(), tabs: map[*tab]struct{}{}}
		e.clients[id] = c
	}
	c.extension, c.agent, c.remote = i.Extension, i.UserAgent, i.Remote
	t := e.tabs[i.Tab]
	if t == nil {
		t = &tab{id: i.Tab, client: c, legs: map[*usage]struct{}{}}
		e.tabs[i.Tab] = t
		c.tabs[t] = struct{}{}
		if e.users[i.User] == nil {
			e.users[i.User] = map[*tab]struct{}{}
		}
		e.users[i.User][t] = struct{}{}
	}
	return t
}

// open finds a page whose socket is open.
func (e *Edge) open(at pbx.Tab) (*tab, error) {
	t := e.tabs[at]
	if t == nil || t.link == nil {
		return nil, pbx.Errorf(pbx.Conflict, "this page is not connected")
	}
	return t, nil
}

// Pong implements pbx.TabLink.
func (l *link) Pong() {
	l.edge.mu.Lock()
	defer l.edge.mu.Unlock()
	l.heard()
}

// heard takes note that the page lives. The edge is locked.
func (l *link) heard() {
	t := l.tab
	if t.link != l {
		return
	}
	l.alarm.Reset(l.edge.o.Asleep)
	if t.asleep {
		t.asleep = false
		l.edge.rouse(t.client)
	}
}

// unheard is the alarm's.
func (l *link) unheard() {
	l.edge.mu.Lock()
	defer l.edge.mu.Unlock()
	if l.tab.link == l {
		l.tab.asleep = true
		l.edge.rouse(l.tab.client)
	}
}

// Close implements pbx.TabLink.
func (l *link) Close() {
	e, t := l.edge, l.tab
	e.mu.Lock()
	defer e.mu.Unlock()
	l.alarm.Stop()
	if t.link != l {
		return
	}
	t.link = nil
	for u := range t.legs {
		e.show(u)
	}
	if len(t.legs) == 0 && t.session == nil && !e.ringsAlone(t) {
		e.drop(t)
		return
	}
	e.watch(t)
	e.rouse(t.client)
}

// ringsAlone reports whether a page is the last of a client that is being rung:
// it may be reloading, and should ring on.
func (e *Edge) ringsAlone(t *tab) bool {
	if len(t.client.tabs) > 1 {
		return false
	}
	for _, u := range e.legs {
		if u.rings == t.client {
			return true
		}
	}
	return false
}

// watch lets the grace run while a page lacks what its legs need.
func (e *Edge) watch(t *tab) {
	mute := t.session == nil || t.session.State() == peer.Closed || t.session.State() == peer.Failed
	needed := t.link == nil || mute && len(t.legs) > 0
	switch {
	case t.gone:
	case !needed && t.grace != nil:
		t.grace.Stop()
		t.grace = nil
	case needed && t.grace == nil:
		var mine *time.Timer
		mine = time.AfterFunc(e.o.Grace, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if t.grace == mine {
				e.expire(t)
			}
		})
		t.grace = mine
	}
}

// expire ends the grace: what has lost its page, or its sound, is over.
func (e *Edge) expire(t *tab) {
	t.grace = nil
	for u := range t.legs {
		u.lose(pbx.CauseNetwork)
	}
	if t.link == nil {
		e.drop(t)
	}
}

// drop forgets a page. Its legs, if any are left, are without one.
func (e *Edge) drop(t *tab) {
	t.gone = true
	if t.grace != nil {
		t.grace.Stop()
	}
	if t.link != nil {
		t.link.alarm.Stop()
		t.link = nil
	}
	if t.session != nil {
		t.session.Close()
		t.session = nil
	}
	for u := range t.legs {
		u.tab = nil
	}
	delete(e.tabs, t.id)
	delete(e.users[t.id.User], t)
	if len(e.users[t.id.User]) == 0 {
		delete(e.users, t.id.User)
	}
	c := t.client
	delete(c.tabs, t)
	e.rouse(c)
	if len(c.tabs) > 0 {
		return
	}
	delete(e.clients, c.id)
	for _, u := range e.legs {
		if u.rings == c {
			u.post(leg.Input{Kind: leg.InRefused, Cause: pbx.Cause{Code: pbx.CauseUnreachable}})
		}
	}
}

// address is a remote address as bindings have it; the zero one when it is
// something else.
func address(s string) netip.AddrPort {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a
	}
	a, _ := netip.ParseAddr(s) // invalid stays the zero address
	return netip.AddrPortFrom(a, 0)
}

// answerTime bounds one negotiation.
const answerTime = 5 * time.Second

func negotiate(s Session, offer string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	return s.Negotiate(ctx, offer)
}
