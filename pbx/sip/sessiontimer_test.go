package sip

import (
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// timedCall is a call of a phone that asked for a session timer.
func (r *rig) timedCall(edits ...func(*pbxtest.Message)) (*pbxtest.Call, *fakeLeg, *pbxtest.Message) {
	r.t.Helper()
	p := r.phone("101")
	p.Patience = time.Hour
	c := p.Invite("102", offerSDP, edits...)
	l := r.incoming()
	l.sig.Answer([]byte(answerSDP))
	res := c.Expect(200)
	c.Ack()
	l.expect(leg.InAcked)
	return c, l, res
}

// timedDial is a call to a phone that answers with these terms.
func (r *rig) timedDial(edits ...func(*pbxtest.Message)) (*pbxtest.Call, *fakeLeg) {
	r.t.Helper()
	p := r.phone("102")
	p.Patience = time.Hour
	l := r.call(p)
	c := p.ExpectInvite()
	l.expect(leg.InTrying)
	c.Answer(answerSDP, edits...)
	l.expect(leg.InAnswered)
	l.sig.Ack(nil)
	c.ExpectAck()
	return c, l
}

// What a caller may ask for, and what it gets (RFC 4028 §9, table 2). Who asks
// and names nobody refreshes himself; who can but does not ask is refreshed by us.
func TestSessionTerms(t *testing.T) {
	for name, tt := range map[string]struct {
		supported, asks, min string
		want, require        string
	}{
		"nothing":       {"", "", "", "", ""},
		"able":          {"timer", "", "", "1800;refresher=uas", "timer"},
		"asks":          {"timer", "600", "", "600;refresher=uac", "timer"},
		"asks for us":   {"timer", "600;refresher=uas", "", "600;refresher=uas", "timer"},
		"asks for him":  {"timer", "600;refresher=uac", "", "600;refresher=uac", "timer"},
		"too long":      {"timer", "7200", "", "1800;refresher=uac", "timer"},
		"has a minimum": {"timer", "7200", "3600", "3600;refresher=uac", "timer"},
		"a proxy asks":  {"", "600;refresher=uac", "", "600;refresher=uas", ""},
		"short, unable": {"", "30", "", "90;refresher=uas", ""},
		"nonsense":      {"timer", "soon", "", "1800;refresher=uas", "timer"},
	} {
		bubble(t, func(t *testing.T, r *rig) {
			_, _, res := r.timedCall(func(m *pbxtest.Message) {
				for name, v := range map[string]string{"k": tt.supported, "x": tt.asks, "Min-SE": tt.min} {
					if v != "" {
						m.Add(name, v)
					}
				}
			})
			if res.Get("Session-Expires") != tt.want || res.Get("Require") != tt.require {
				t.Errorf("%s:\n%s", name, res)
			}
		})
	}
}

// Too short an interval is refused with 422 and the least one, for a new call
// and within one, which lives on (RFC 4028 §8).
func TestSessionTooShort(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		short := func(m *pbxtest.Message) {
			m.Set("Supported", "timer")
			m.Set("Session-Expires", "89")
		}
		res := r.phone("101").Invite("102", offerSDP, short).Expect(422)
		if res.Get("Min-SE") != "90" {
			t.Fatalf("refusal:\n%s", res)
		}
		r.noLeg()
		if got := r.events.refusals(); len(got) != 0 {
			t.Fatalf("told as refused: %v", got)
		}
		p := r.phone("103")
		c, l := r.answered(p)
		for _, method := range []string{"UPDATE", "INVITE"} {
			if res := c.Request(method, short); res.Status() != 422 || res.Get("Min-SE") != "90" {
				t.Fatalf("%s was answered:\n%s", method, res)
			}
		}
		l.quiet()
		c.Bye()
		l.expect(leg.InBye)
	})
}

// A phone that does not refresh is hung up on a little before its interval is
// over; one that does is not, whichever request it takes for it.
func TestSessionExpires(t *testing.T) {
	asks := func(m *pbxtest.Message) {
		m.Set("Supported", "timer")
		m.Set("Session-Expires", "120;refresher=uac")
	}
	bubble(t, func(t *testing.T, r *rig) {
		c, l, _ := r.timedCall(asks)
		for range 5 {
			time.Sleep(60 * time.Second)
			if res := c.Request("UPDATE", asks); res.Get("Session-Expires") != "120;refresher=uac" {
				t.Fatalf("UPDATE was answered:\n%s", res)
			}
			time.Sleep(60 * time.Second)
			done := make(chan *pbxtest.Message)
			go func() { done <- c.Reinvite(otherSDP, set("Supported", "timer")) }()
			l.expect(leg.InOffered)
			l.sig.AnswerOffer([]byte(answerSDP))
			if res := <-done; res.Get("Session-Expires") != "120;refresher=uac" { // asked for no more, and left as it was
				t.Fatalf("re-INVITE was answered:\n%s", res)
			}
		}
		start := time.Now()
		l.quiet()
		in := l.expect(leg.InLost)
		if d := time.Since(start); d != 88*time.Second || in.Cause.Code != pbx.CauseNetwork { // 120 − min(32, 40)
			t.Fatalf("after %v: %+v", d, in.Cause)
		}
		l.sig.Bye(in.Cause)
		c.ExpectBye()
		l.expect(leg.InGone)
		l.sig.Release()
		r.settle()
		l.quiet()
	})
}

// We refresh a phone that allows UPDATE by UPDATE, at half the interval, and
// both directions of call name the role rightly.
func TestRefreshByUpdate(t *testing.T) {
	for _, outgoing := range []bool{false, true} {
		bubble(t, func(t *testing.T, r *rig) {
			var c *pbxtest.Call
			var l *fakeLeg
			if outgoing {
				c, l = r.timedDial(set("Allow", "INVITE, ACK, BYE, UPDATE"), set("Session-Expires", "200;refresher=uac"))
				if got := c.InviteMessage().Get("Session-Expires"); got != "1800" {
					t.Fatalf("asked for %q", got)
				}
			} else {
				c, l, _ = r.timedCall(set("Supported", "timer"), set("Session-Expires", "200;refresher=uas"))
			}
			for range 3 {
				start := time.Now()
				m := c.ExpectRequest("UPDATE")
				if d := time.Since(start); d != 100*time.Second || len(m.Body) != 0 || m.Get("Contact") == "" ||
					m.Get("Session-Expires") != "200;refresher=uac" {
					t.Fatalf("after %v:\n%s", d, m)
				}
				c.RespondTo(m, 200, set("Session-Expires", "200;refresher=uac"))
				synctest.Wait()
			}
			l.quiet()
			c.Bye()
			l.expect(leg.InBye)
			r.settle()
			r.settle()
			if n := c.Requests("UPDATE"); n != 3 {
				t.Fatalf("%d UPDATEs", n)
			}
		})
	}
}

// A phone without UPDATE gets a re-INVITE that offers exactly what was said last,
// the same version in o=; its unchanged answer concerns nobody, a changed one is
// the leg's.
func TestRefreshByReinvite(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.timedDial(set("Allow", "INVITE, ACK, BYE"), set("Session-Expires", "200"))
		refresh := func(sdp string) {
			m := c.ExpectRequest("INVITE")
			if string(m.Body) != offerSDP || m.Get("Session-Expires") != "200;refresher=uac" {
				t.Fatalf("re-INVITE:\n%s", m)
			}
			c.RespondTo(m, 200, set("Session-Expires", "200;refresher=uac"), set("Content-Type", "application/sdp"),
				func(m *pbxtest.Message) { m.Body = []byte(sdp) })
			if ack := c.ExpectAck(); ack.CSeq() != m.CSeq() {
				t.Fatalf("ACK:\n%s", ack)
			}
		}
		refresh(answerSDP)
		synctest.Wait()
		l.quiet()
		refresh(otherSDP)
		if in := l.expect(leg.InOffered); string(in.SDP) != otherSDP {
			t.Fatalf("change %q", in.SDP)
		}
		l.sig.AnswerOffer([]byte("never sent"))
		refresh(otherSDP)
		c.Bye()
		l.expect(leg.InBye)
	})
}

// Both ends send a re-INVITE at once: the phone's gets 491, ours is tried again
// after the pause of who owns the Call-ID (RFC 3261 §14.1).
func TestRefreshGlare(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.timedDial(set("Allow", "INVITE, ACK, BYE"), set("Session-Expires", "200"))
		m := c.ExpectRequest("INVITE")
		if res := c.Reinvite(otherSDP); res.Status() != 491 {
			t.Fatalf("re-INVITE was answered:\n%s", res)
		}
		c.RespondTo(m, 491)
		start := time.Now()
		m = c.ExpectRequest("INVITE")
		if d := time.Since(start); d < 2100*time.Millisecond || d > 4*time.Second {
			t.Fatalf("again after %v", d)
		}
		c.RespondTo(m, 200, set("Session-Expires", "200"))
		c.ExpectAck()
		l.quiet()
		c.Bye()
		l.expect(leg.InBye)
	})
}

// What becomes of a refresh: a phone that is gone, or does not know the call any
// more, ends it; one that cannot UPDATE after all gets a re-INVITE; one that
// wants a longer interval gets it; other refusals are tried again.
func TestRefreshFails(t *testing.T) {
	allowed := []func(*pbxtest.Message){set("Allow", "UPDATE"), set("Session-Expires", "200;refresher=uac")}
	for _, status := range []int{0, 408, 481} {
		bubble(t, func(t *testing.T, r *rig) {
			c, l := r.timedDial(allowed...)
			if status != 0 {
				c.RespondTo(c.ExpectRequest("UPDATE"), status)
			}
			in := l.expect(leg.InLost)
			l.sig.Bye(in.Cause)
			c.ExpectBye()
			l.expect(leg.InGone)
			l.sig.Release()
		})
	}
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.timedDial(allowed...)
		c.RespondTo(c.ExpectRequest("UPDATE"), 422, set("Min-SE", "400"))
		m := c.ExpectRequest("UPDATE")
		if m.Get("Session-Expires") != "400;refresher=uac" || m.Get("Min-SE") != "400" {
			t.Fatalf("UPDATE:\n%s", m)
		}
		c.RespondTo(m, 503)
		m = c.ExpectRequest("UPDATE")
		c.RespondTo(m, 405)
		m = c.ExpectRequest("INVITE")
		c.RespondTo(m, 200) // and wants no timer any more
		c.ExpectAck()
		time.Sleep(2 * time.Hour)
		l.quiet()
		c.Bye()
		l.expect(leg.InBye)
	})
}

// A phone that refuses our INVITE for its interval gets it again with its own
// (RFC 4028 §7.4), and can be given up afterwards like any other.
func TestDialledSessionTooShort(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		c.Respond(422, set("Min-SE", "2400"))
		m := c.ExpectRequest("INVITE")
		if m.Get("Session-Expires") != "2400" || m.Get("Min-SE") != "2400" || m.CSeq() != 2 || string(m.Body) != offerSDP {
			t.Fatalf("INVITE:\n%s", m)
		}
		c.RespondTo(m, 200, set("Contact", "<"+p.Contact()+">"), set("Session-Expires", "2400;refresher=uas"),
			set("Content-Type", "application/sdp"), func(m *pbxtest.Message) { m.Body = []byte(answerSDP) })
		l.expect(leg.InAnswered)
		l.sig.Ack(nil)
		if ack := c.ExpectRequest("ACK"); ack.CSeq() != 2 {
			t.Fatalf("ACK:\n%s", ack)
		}
		start := time.Now()
		in := l.expect(leg.InLost) // nothing of the first transaction's end, but the session's
		if d := time.Since(start); d != 2368*time.Second {
			t.Fatalf("after %v", d)
		}
		l.sig.Bye(in.Cause)
		c.ExpectBye()
		l.expect(leg.InGone)
	})
}
