package browser_test

import (
	"net/netip"
	"testing"
	"time"

	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/media/peer/peertest"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/browser"
	"klapka.dev/klapka/pbx/leg"
)

// realRig is a rig with real media on loopback, in real time.
func realRig(t *testing.T) *rig {
	t.Helper()
	g, err := peer.New(peer.Options{Bind: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, browser.Through(g))
	t.Cleanup(func() {
		for _, l := range r.legs {
			l.Post(leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseShutdown}})
		}
		r.eventually("all legs are dead", func() bool {
			for _, l := range r.legs {
				if l.State() != leg.Dead {
					return false
				}
			}
			return true
		})
		if err := r.edge.Close(); err != nil {
			t.Error(err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("not within 10 s: %s", what)
		}
	}
}

// load loads the page in a browser: it connects and says a tone.
func (p *page) load(ms string, hz float64) *peertest.Browser {
	p.Helper()
	b, err := peertest.New()
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = b.Close() })
	if err := b.Connect(func(offer string) (string, error) { return p.link.Offer(ms, offer, pbx.OfferNew) }); err != nil {
		p.Fatal(err)
	}
	b.Say(hz)
	return b
}

// expectTone waits until a stretch of sound that begins now is one tone.
func (r *rig) expectTone(b *peertest.Browser, hz float64) {
	r.Helper()
	time.Sleep(100 * time.Millisecond) // what was under way before
	ear := b.Listen()
	want := mediatest.Expect{Tone: hz, From: 300 * time.Millisecond, To: 900 * time.Millisecond}
	time.Sleep(want.To)
	var err error
	for range 30 {
		time.Sleep(100 * time.Millisecond)
		if err = want.Check(ear.Heard()); err == nil {
			return
		}
	}
	r.Error(err)
}

// Two people talk from browser to browser; one swaps to a third and back, is
// reloaded in mid-call, and goes on in another page. Nobody hears a wrong tone.
func TestConversation(t *testing.T) {
	r := realRig(t)
	p, q, third := r.open("101", "c1", "t1"), r.open("102", "c2", "t2"), r.open("103", "c3", "t3")
	bp, bq, b3 := p.load("m1", 440), q.load("m2", 1000), third.load("m3", 2000)

	// between connects the page p with another, as call control would.
	between := func(id pbx.LegID, to *page) pbx.LegID {
		d, err := r.edge.Dial(p.at, to.at.User)
		if err != nil {
			t.Fatal(err)
		}
		o := &late{}
		called := leg.New(leg.Options{
			ID: id, Call: "call", Party: r.Party("1", ""), Edge: browser.EdgeName, Endpoint: r.endpoint(o), Events: r, Watcher: r, Log: discard,
		})
		o.leg = called
		r.add(called)
		called.Dial(r.edge.Dialer(), r.binding(to.at.User[1:]), r.Party("101", ""))
		r.eventually("it rings", func() bool { return called.State() == leg.Alerting })
		if err := r.edge.Answer(to.at, id); err != nil {
			t.Fatal(err)
		}
		caller := r.leg(d.Leg)
		caller.Post(leg.Input{Kind: leg.CmdAnswer})
		caller.Post(leg.Input{Kind: leg.CmdHear, Source: called.Source()})
		called.Post(leg.Input{Kind: leg.CmdHear, Source: caller.Source()})
		r.eventually("both are up", func() bool { return caller.State() == leg.Up && called.State() == leg.Up })
		return d.Leg
	}

	first := between("A", q)
	r.expectTone(bp, 1000)
	r.expectTone(bq, 440)
	between("B", third)
	r.expectTone(bp, 2000)
	r.expectTone(b3, 440)
	if err := r.edge.Activate(p.at, first); err != nil {
		t.Fatal(err)
	}
	r.expectTone(bp, 1000)
	r.expectTone(bq, 440)

	p.link.Close()
	if err := bp.Close(); err != nil {
		t.Fatal(err)
	}
	p = r.open("101", "c1", "t1")
	bp = p.load("m4", 600)
	r.expectTone(bp, 1000)
	r.expectTone(bq, 600)

	other := r.open("101", "c1", "t9")
	bo := other.load("m5", 800)
	if err := r.edge.Continue(other.at, first); err != nil {
		t.Fatal(err)
	}
	r.expectTone(bo, 1000)
	r.expectTone(bq, 800)
}
