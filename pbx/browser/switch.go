package browser

import (
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// enter puts a leg on a page, where it waits. The edge is locked.
func (u *usage) enter(t *tab) {
	if u.tab == t {
		return
	}
	if u.tab != nil {
		old := u.tab
		u.leave()
		u.edge.watch(old)
	}
	u.tab = t
	t.legs[u] = struct{}{}
	u.mount()
	u.edge.watch(t)
}

// leave takes a leg off its page. The edge is locked.
func (u *usage) leave() {
	t := u.tab
	delete(t.legs, u)
	if t.active == u {
		t.active = nil
		if t.session != nil {
			t.session.Activate(nil)
		}
	}
	u.tab = nil
}

// mount puts the leg's slot on its page's session, if there is one. The edge is
// locked.
func (u *usage) mount() {
	t := u.tab
	if t == nil || t.session == nil || u.slot == nil {
		return
	}
	t.session.Add(u.slot)
	if t.active == u {
		t.session.Activate(u.slot)
	}
}

// activate gives microphone and loudspeaker of its page to the leg. Whoever had
// them waits. The edge is locked.
func (u *usage) activate() {
	t := u.tab
	if before := t.active; before != nil && before != u {
		t.active = nil
		before.wait()
		u.edge.show(before)
	}
	t.active = u
	u.mount()
	if u.waits {
		u.waits = false
		u.post(leg.Input{Kind: leg.InOffered, SDP: describe(sdp.SendRecv)})
	}
}

// wait tells the leg that its user holds, once it is up. The edge is locked.
func (u *usage) wait() {
	if u.waits || u.state != pbx.BrowserUp {
		return
	}
	u.waits = true
	u.post(leg.Input{Kind: leg.InOffered, SDP: describe(sdp.Inactive)})
}

// Activate implements pbx.Browsers.
func (e *Edge) Activate(at pbx.Tab, id pbx.LegID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.placed(at, id)
	if err != nil {
		return err
	}
	u.activate()
	e.show(u)
	return nil
}

// Hold implements pbx.Browsers.
func (e *Edge) Hold(at pbx.Tab, id pbx.LegID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.placed(at, id)
	if err != nil {
		return err
	}
	if u.state != pbx.BrowserUp {
		return pbx.Errorf(pbx.Conflict, "the call is not answered yet")
	}
	if u.tab.active == u {
		u.tab.active = nil
		if u.tab.session != nil {
			u.tab.session.Activate(nil)
		}
	}
	u.wait()
	e.show(u)
	return nil
}

// Continue implements pbx.Browsers.
func (e *Edge) Continue(at pbx.Tab, id pbx.LegID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.placed(at, id)
	if err != nil {
		return err
	}
	t, err := e.open(at)
	if err != nil {
		return err
	}
	u.enter(t)
	u.activate()
	e.show(u)
	return nil
}

// Place implements pbx.Browsers.
func (e *Edge) Place(id pbx.LegID) (pbx.Tab, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, ok := e.legs[id]
	if !ok || u.tab == nil {
		return pbx.Tab{}, false
	}
	return u.tab.id, true
}
