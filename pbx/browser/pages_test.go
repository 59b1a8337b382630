package browser_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/pbx"
)

// live answers heartbeats until the returned function is called.
func (p *page) live() (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.link.Pong()
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); synctest.Wait() }
}

// A page that does not come back loses its legs after the grace, not before.
func TestGrace(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p, other := r.open("101", "c1", "t1"), r.open("101", "c2", "t2")
		p.offer("m1")
		id := p.talk("102")
		other.frames()
		p.link.Close()
		p.link.Close() // again
		other.expect("up active detached")
		time.Sleep(29 * time.Second)
		if got := r.story(id); got != "up" {
			t.Errorf("within the grace: %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := r.story(id); got != "up ended:network/caller dead" {
			t.Errorf("after the grace: %s", got)
		}
		other.expect("ended network")
		if r.sessions[0].State() != peer.Closed {
			t.Error("the media session of a page that is gone is still open")
		}
		expectCode(t, r.edge.Hangup(other.at, id), pbx.NotFound)
	})
}

// Another page continues a call, whether its page is gone or not.
func TestContinueInAnotherPage(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p, q := r.open("101", "c1", "t1"), r.open("101", "c2", "t2")
		defer q.live()()
		sp, sq := p.offer("m1"), q.offer("m2")
		id := p.talk("102")
		q.frames()
		p.link.Close()
		time.Sleep(20 * time.Second)
		if err := r.edge.Continue(q.at, id); err != nil {
			t.Fatal(err)
		}
		q.expect("up active detached, up active")
		if sp.plays(r.leg(id)) || !sq.plays(r.leg(id)) {
			t.Error("the sound is not where the call is")
		}
		time.Sleep(time.Minute)
		if got := r.story(id); got != "up" {
			t.Errorf("after the first page's grace: %s", got)
		}
		if at, _ := r.edge.Place(id); at != q.at {
			t.Errorf("the call is at %+v", at)
		}
		expectCode(t, r.edge.Continue(p.at, id), pbx.Conflict) // that page is gone
	})
}

// A page that is reloaded in mid-call has its call again, on its next media session.
func TestReload(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		first := p.offer("m1")
		id := p.talk("102")
		p.link.Close()
		first.becomes(peer.Closed)
		time.Sleep(3 * time.Second)
		again := r.open("101", "c1", "t1")
		defer again.live()()
		again.expect("up active")
		second := again.offer("m2")
		if !second.plays(r.leg(id)) {
			t.Error("the call has no sound after the reload")
		}
		p.link.Close() // the old socket's end comes late
		p.link.Pong()
		time.Sleep(time.Minute)
		if got := r.story(id); got != "up" {
			t.Errorf("after the reload: %s", got)
		}
		if _, err := p.link.Offer("m3", "offer", pbx.OfferNew); pbx.CodeOf(err) != pbx.Conflict {
			t.Errorf("an offer on the old socket: %v", err)
		}
	})
}

// A socket that breaks and comes back goes on with the same media session.
func TestSocketBreaks(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		s := p.offer("m1")
		id := p.talk("102")
		p.link.Close()
		again := r.open("101", "c1", "t1")
		defer again.live()()
		if _, err := again.link.Offer("m1", "offer", pbx.OfferICE); err != nil {
			t.Fatal(err)
		}
		if len(r.sessions) != 1 || s.offers != 2 || !s.plays(r.leg(id)) {
			t.Errorf("%d sessions, %d offers, plays %v", len(r.sessions), s.offers, s.plays(r.leg(id)))
		}
		time.Sleep(time.Minute)
		if got := r.story(id); got != "up" {
			t.Error(got)
		}
	})
}

// A call whose page lives but whose sound is gone for good ends after the grace.
func TestSoundGone(t *testing.T) {
	for name, tc := range map[string]struct {
		mend bool
		want string
	}{"for good": {false, "up ended:network/caller dead"}, "mended": {true, "up"}} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, r *rig) {
				p := r.open("101", "c1", "t1")
				defer p.live()()
				s := p.offer("m1")
				id := p.talk("102")
				s.becomes(peer.Failed)
				time.Sleep(20 * time.Second)
				if tc.mend {
					if _, err := p.link.Offer("m1", "offer", pbx.OfferICE); err != nil {
						t.Fatal(err)
					}
					s.becomes(peer.Connected)
				}
				time.Sleep(20 * time.Second)
				if got := r.story(id); got != tc.want {
					t.Errorf("%q, want %q", got, tc.want)
				}
			})
		})
	}
}

func TestOffers(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		offer := func(ms, description string, why pbx.OfferReason) error {
			_, err := p.link.Offer(ms, description, why)
			return err
		}
		expectCode(t, offer("", "offer", pbx.OfferNew), pbx.Invalid)
		expectCode(t, offer("m1", "offer", pbx.OfferICE), pbx.NotFound) // of an exchange that has been restarted
		expectCode(t, offer("m1", "bad", pbx.OfferNew), pbx.Invalid)
		if r.sessions[0].State() != peer.Closed {
			t.Error("a session that came to nothing is still open")
		}
		s := p.offer("m1")
		expectCode(t, offer("m1", "bad", pbx.OfferICE), pbx.Invalid)
		if s.State() != peer.Connected {
			t.Error("a session ended for a bad offer")
		}
		id := p.talk("102")
		next := p.offer("m2")
		if s.State() != peer.Closed || !next.plays(r.leg(id)) {
			t.Error("the next session did not take the place of the first")
		}
		next.becomes(peer.Closed)
		expectCode(t, offer("m2", "offer", pbx.OfferICE), pbx.NotFound)
		r.refuse = errors.New("full")
		expectCode(t, offer("m3", "offer", pbx.OfferNew), pbx.Unavailable)
	})
}

// A user's media sessions are bounded; pages that are gone make way.
func TestTooManySessions(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		var pages []*page
		for i := range 21 {
			pages = append(pages, r.open("101", "c1", fmt.Sprint("t", i)))
		}
		for _, p := range pages[:20] {
			p.offer("m")
		}
		_, err := pages[20].link.Offer("m", "offer", pbx.OfferNew)
		expectCode(t, err, pbx.TooMany)
		pages[0].link.Close()
		pages[20].offer("m")
		if r.sessions[0].State() != peer.Closed {
			t.Error("the session of a page that is gone did not make way")
		}
	})
}

// reachable are the changes of a browser's reachability, as events.
func (r *rig) reachable() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		if b, ok := e.Body.(pbx.DeviceReachable); ok {
			out = append(out, fmt.Sprint(b.Contact, " ", b.Extension, " ", b.Reachable))
		}
	}
	r.events = nil
	return strings.Join(out, ", ")
}

// A browser whose pages miss their heartbeats is asleep: it isn't rung as if it
// were alive, and that is an event.
func TestAsleep(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		stop := p.live()
		time.Sleep(time.Minute)
		b := r.binding("101")
		if b.Edge != browserEdge || b.Contact != "browser:c1" || b.UserAgent != "Browser/1" {
			t.Errorf("binding %+v", b)
		}
		stop()
		if got := r.reachable(); got != "browser:c1 101 true" {
			t.Errorf("while it lives: %s", got)
		}
		time.Sleep(16 * time.Second)
		if n := len(r.edge.Bindings("101")); n != 0 {
			t.Errorf("%d bindings of a browser that is asleep", n)
		}
		if got := r.reachable(); got != "browser:c1 101 false" {
			t.Errorf("asleep: %s", got)
		}
		r.call("L", b) // whoever still has the binding
		if got := r.story("L"); got != "ended:unreachable/system dead" {
			t.Error(got)
		}
		p.link.Pong()
		r.binding("101")
		second := r.open("101", "c1", "t2")
		p.link.Close()
		r.binding("101")
		second.link.Close()
		if n := len(r.edge.Bindings("101")); n != 0 {
			t.Errorf("%d bindings of a browser without pages", n)
		}
		if got := r.reachable(); got != "browser:c1 101 true, browser:c1 101 false" {
			t.Errorf("awake and gone: %s", got)
		}
	})
}

const browserEdge = "browser"

// A page that is reloaded while it rings rings on; one that stays away does not.
func TestReloadWhileRinging(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		r.call("L", r.binding("101"))
		p.link.Close()
		time.Sleep(time.Second)
		again := r.open("101", "c1", "t1")
		again.expect("ring L from 102")
		again.link.Close()
		time.Sleep(31 * time.Second)
		if got := r.story("L"); got != "ringing ended:unreachable/callee dead" {
			t.Error(got)
		}
	})
}

func TestConnectRefused(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		for _, at := range []pbx.Tab{
			{User: "u", Client: "", Tab: "t"}, {User: "u", Client: "c", Tab: ""}, {User: "u", Client: "a b", Tab: "t"},
			{User: "u", Client: "c", Tab: strings.Repeat("x", 65)}, {User: "u", Client: "browser:c", Tab: "t"},
		} {
			_, err := r.edge.Connect(pbx.TabInfo{Tab: at, Extension: "101"})
			expectCode(t, err, pbx.Invalid)
		}
		if err := r.edge.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := r.edge.Connect(pbx.TabInfo{Tab: pbx.Tab{User: "u", Client: "c", Tab: "t"}})
		expectCode(t, err, pbx.Unavailable)
	})
}
