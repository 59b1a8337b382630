package browser_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// A user dials, is told how it goes, talks and hangs up.
func TestDial(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p, other := r.open("101", "c1", "t1"), r.open("101", "c2", "t2")
		stranger := r.open("103", "c3", "t3")
		s := p.offer("m1")
		id := p.dial(" 1-0 2")
		r.post(id, leg.Input{Kind: leg.CmdRing})
		r.post(id, leg.Input{Kind: leg.CmdAnswer})
		if l := r.leg(id); !s.plays(l) || l.Party().Extension != "101" || l.Party().Device != "browser:c1" {
			t.Errorf("plays %v, party %+v", s.plays(l), l.Party())
		}
		if at, ok := r.edge.Place(id); !ok || at != p.at {
			t.Errorf("the leg is at %+v", at)
		}
		if err := r.edge.Hangup(other.at, id); err != nil { // any page commands any call
			t.Fatal(err)
		}
		for _, q := range []*page{p, other} {
			q.expect("dialling active, ringing active, up active, ended normal")
		}
		stranger.expect("")
		if got := r.story(id); got != "ringing up ended:normal/caller dead" {
			t.Error(got)
		}
		if _, ok := r.edge.Place(id); ok {
			t.Error("a dead leg has a place")
		}
	})
}

// Every way in which a call that was dialled ends before an answer.
func TestDialEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		do          func(*page, pbx.LegID)
		story, last string
	}{
		"given up": {func(p *page, id pbx.LegID) { _ = p.edge.Hangup(p.at, id) },
			"ended:cancelled/caller dead", "ended cancelled"},
		"given up as it is answered": {func(p *page, id pbx.LegID) {
			p.leg(id).Post(leg.Input{Kind: leg.CmdAnswer})
			_ = p.edge.Hangup(p.at, id)
		}, "up ended:cancelled/caller dead", "ended cancelled"},
		"busy": {func(p *page, id pbx.LegID) {
			p.post(id, leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseBusy, By: pbx.BySystem}})
		}, "ended:busy/system dead", "ended busy"},
		"hung up by the other side": {func(p *page, id pbx.LegID) {
			p.post(id, leg.Input{Kind: leg.CmdAnswer})
			p.post(id, leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseNormal, By: pbx.ByCallee}})
		}, "up ended:normal/callee dead", "ended normal"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, r *rig) {
				p := r.open("101", "c1", "t1")
				id := p.dial("102")
				tc.do(p, id)
				if got := r.story(id); got != tc.story {
					t.Errorf("%q, want %q", got, tc.story)
				}
				if got := p.frames(); !strings.HasSuffix(got, tc.last) {
					t.Errorf("frames %q, want at the end %q", got, tc.last)
				}
				expectCode(t, r.edge.Hangup(p.at, id), pbx.NotFound)
			})
		})
	}
}

// What the leg asks for while its call is still being set up is not lost.
func TestDialEndsAtOnce(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		r.onInvite = func(l *leg.Leg) {
			l.Post(leg.Input{Kind: leg.CmdRing})
			l.Post(leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseNotInService, By: pbx.BySystem}})
			synctest.Wait()
		}
		p.dial("999")
		p.expect("dialling active, ringing active, ended not_in_service")
	})
}

func TestDialRefused(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p, nobody := r.open("101", "c1", "t1"), r.open("", "c2", "t2")
		for to, want := range map[string]pbx.ErrorCode{
			"": pbx.Invalid, " - ": pbx.Invalid, "1\x002": pbx.Invalid, strings.Repeat("1", 65): pbx.Invalid, "refused": pbx.TooMany,
		} {
			_, err := r.edge.Dial(p.at, to)
			expectCode(t, err, want)
		}
		_, err := r.edge.Dial(nobody.at, "101")
		expectCode(t, err, pbx.Forbidden)
		_, err = r.edge.Dial(pbx.Tab{User: "u101", Client: "c1", Tab: "gone"}, "102")
		expectCode(t, err, pbx.Conflict)
		p.expect("")
		for range 16 {
			p.dial("102")
		}
		_, err = r.edge.Dial(p.at, "102")
		expectCode(t, err, pbx.TooMany)
	})
}

// A call rings at every page of a browser, one answers, the others are told who.
func TestRingAndAnswer(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p, q, stranger := r.open("101", "c1", "t1"), r.open("101", "c1", "t2"), r.open("103", "c1", "t3")
		s := p.offer("m1")
		l := r.call("L", r.binding("101"))
		if got := r.story("L"); got != "ringing" {
			t.Error(got)
		}
		p.expect("ring L from 102")
		q.expect("ring L from 102")
		expectCode(t, r.edge.Answer(stranger.at, "L"), pbx.NotFound)
		if err := r.edge.Answer(p.at, "L"); err != nil {
			t.Fatal(err)
		}
		p.expect("ring.stop normal t1, up active")
		q.expect("ring.stop answered_elsewhere t1, up active")
		if !s.plays(l) {
			t.Error("the answered leg has no loudspeaker")
		}
		if err := r.edge.Answer(p.at, "L"); err != nil {
			t.Errorf("the same click again: %v", err)
		}
		expectCode(t, r.edge.Answer(q.at, "L"), pbx.Conflict)
		expectCode(t, r.edge.Reject(q.at, "L"), pbx.Conflict)
		if err := r.edge.Hangup(p.at, "L"); err != nil {
			t.Fatal(err)
		}
		if got := r.story("L"); got != "ringing up ended:normal/callee dead" {
			t.Error(got)
		}
		stranger.expect("")
	})
}

// Two pages answer in the same moment: one gets the call, the other a reason.
func TestTwoPagesAnswer(t *testing.T) {
	for range 20 {
		run(t, func(t *testing.T, r *rig) {
			pages := []*page{r.open("101", "c1", "t1"), r.open("101", "c1", "t2")}
			r.call("L", r.binding("101"))
			errs := make([]error, 2)
			var work sync.WaitGroup
			for i, p := range pages {
				work.Go(func() { errs[i] = r.edge.Answer(p.at, "L") })
			}
			work.Wait()
			won := 0
			for i, err := range errs {
				if err == nil {
					won++
					if at, _ := r.edge.Place("L"); at != pages[i].at {
						t.Errorf("page %d won, and the call is at %s", i, at.Tab)
					}
					continue
				}
				if pbx.CodeOf(err) != pbx.Conflict || !strings.Contains(err.Error(), "another page") {
					t.Errorf("the loser was told %v", err)
				}
				if got := pages[i].frames(); !strings.Contains(got, "ring.stop answered_elsewhere "+pages[1-i].at.Tab) {
					t.Errorf("the loser got %q", got)
				}
			}
			if won != 1 {
				t.Errorf("%d pages won: %v", won, errs)
			}
			if got := r.story("L"); got != "ringing up" {
				t.Error(got)
			}
		})
	}
}

// The reasons for which a call stops ringing.
func TestRingStops(t *testing.T) {
	ended := func(c pbx.CauseCode) func(*rig, *page) {
		return func(r *rig, _ *page) {
			r.post("L", leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: c, By: pbx.BySystem}})
		}
	}
	for name, tc := range map[string]struct {
		do          func(*rig, *page)
		story, page string
		late        string // what an answer after that is told
	}{
		"answered on a phone": {ended(pbx.CauseAnsweredElsewhere), "ringing ended:answered_elsewhere/system dead",
			"ring.stop answered_elsewhere", "answered elsewhere"},
		"caller gave up": {ended(pbx.CauseCancelled), "ringing ended:cancelled/system dead", "ring.stop cancelled", "has ended"},
		"declined": {func(r *rig, p *page) { _ = r.edge.Reject(p.at, "L") },
			"ringing ended:declined/callee dead", "ring.stop declined", "declined"},
		"hung up instead of declined": {func(r *rig, p *page) { _ = r.edge.Hangup(p.at, "L") },
			"ringing ended:declined/callee dead", "ring.stop declined", "declined"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, r *rig) {
				p := r.open("101", "c1", "t1")
				r.call("L", r.binding("101"))
				p.frames()
				tc.do(r, p)
				if got := r.story("L"); got != tc.story {
					t.Errorf("%q, want %q", got, tc.story)
				}
				if got := p.frames(); !strings.HasPrefix(got, tc.page) {
					t.Errorf("frames %q, want %q", got, tc.page)
				}
				err := r.edge.Answer(p.at, "L")
				if pbx.CodeOf(err) != pbx.Conflict || !strings.Contains(err.Error(), tc.late) {
					t.Errorf("answering too late: %v", err)
				}
			})
		})
	}
}

// One call rings at two browsers of the user: the loser learns which page won.
func TestAnsweredInAnotherBrowser(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p, q := r.open("101", "c1", "t1"), r.open("101", "c2", "t2")
		all := r.edge.Bindings("101")
		if len(all) != 2 {
			t.Fatalf("%d bindings", len(all))
		}
		for _, b := range all {
			r.call(pbx.LegID("L"+b.Contact), b)
		}
		p.frames()
		q.frames()
		if err := r.edge.Answer(p.at, "Lbrowser:c1"); err != nil {
			t.Fatal(err)
		}
		r.post("Lbrowser:c2", leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseAnsweredElsewhere, By: pbx.BySystem}})
		if got := q.frames(); !strings.Contains(got, "ring.stop answered_elsewhere t1") {
			t.Errorf("the other browser got %q", got)
		}
	})
}

// A page answers while the exchange already ends the leg: it ends properly.
func TestAnswerTooLate(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		l := r.call("L", r.binding("101"))
		l.Post(leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseAnsweredElsewhere, By: pbx.BySystem}})
		_ = r.edge.Answer(p.at, "L")
		if got := r.story("L"); !strings.HasSuffix(got, "ended:answered_elsewhere/system dead") {
			t.Error(got)
		}
		if got := p.frames(); !strings.HasSuffix(got, "ended answered_elsewhere") {
			t.Error(got)
		}
	})
}

// Swap: one leg of a page has the sound, the other side of the others is on hold.
func TestSwap(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		s := p.offer("m1")
		a := p.talk("102")
		b := p.dial("103")
		p.expect("up, dialling active")
		if got := r.story(a); got != "up held=true" {
			t.Errorf("first call: %s", got)
		}
		if err := r.edge.Activate(p.at, a); err != nil { // back, while the second still rings
			t.Fatal(err)
		}
		p.expect("dialling, up active")
		r.post(b, leg.Input{Kind: leg.CmdAnswer})
		p.expect("up")
		if got := r.story(b); got != "up held=true" {
			t.Errorf("second call, answered while it waits: %s", got)
		}
		if !s.plays(r.leg(a)) {
			t.Error("the first call has no sound")
		}
		if err := r.edge.Activate(p.at, b); err != nil {
			t.Fatal(err)
		}
		p.expect("up, up active")
		if got := r.story(a) + "|" + r.story(b); got != "up held=true held=false held=true|up held=true held=false" {
			t.Error(got)
		}
		if err := r.edge.Hold(p.at, b); err != nil {
			t.Fatal(err)
		}
		p.expect("up")
		if s.active != nil {
			t.Error("somebody has the sound while all wait")
		}
		if err := r.edge.Hangup(p.at, b); err != nil {
			t.Fatal(err)
		}
		p.expect("ended normal")
		if s.active != nil {
			t.Error("a call on hold was resumed by itself")
		}
	})
}

// Nobody touches the legs of others, and none that are not there.
func TestForeignLegs(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p, thief := r.open("101", "c1", "t1"), r.open("103", "c1", "t1")
		up := p.talk("102")
		r.call("L", r.binding("101"))
		p.frames()
		for _, id := range []pbx.LegID{up, "L", "nothing"} {
			for name, do := range map[string]func(pbx.Tab, pbx.LegID) error{
				"answer": r.edge.Answer, "reject": r.edge.Reject, "hangup": r.edge.Hangup, "activate": r.edge.Activate,
				"hold": r.edge.Hold, "continue": r.edge.Continue,
				"digits": func(at pbx.Tab, id pbx.LegID) error { return r.edge.Digits(at, id, "1") },
			} {
				if err := do(thief.at, id); pbx.CodeOf(err) != pbx.NotFound {
					t.Errorf("%s %s: %v", name, id, err)
				}
			}
		}
		p.expect("")
		thief.expect("")
		expectCode(t, r.edge.Hold(p.at, "L"), pbx.Conflict)
		expectCode(t, r.edge.Answer(p.at, up), pbx.Conflict)
	})
}

// Keys told by the page reach the leg as those of a phone do.
func TestDigits(t *testing.T) {
	run(t, func(t *testing.T, r *rig) {
		p := r.open("101", "c1", "t1")
		id := p.talk("102")
		for _, bad := range []string{"", "1x", "é", strings.Repeat("1", 65)} {
			expectCode(t, r.edge.Digits(p.at, id, bad), pbx.Invalid)
		}
		if err := r.edge.Digits(p.at, id, "12#"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.keys[id] != "12#" {
			t.Errorf("keys %q", r.keys[id])
		}
	})
}
