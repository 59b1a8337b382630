package sip

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// prack acknowledges a reliable provisional response.
func prack(c *pbxtest.Call, res *pbxtest.Message, edits ...func(*pbxtest.Message)) *pbxtest.Message {
	return c.Request("PRACK", append([]func(*pbxtest.Message){set("RAck", res.Get("RSeq")+" "+res.Get("CSeq"))}, edits...)...)
}

// Early sound to a caller that knows 100rel is repeated until its PRACK comes;
// the answer waits for that, because nobody may answer while one side does not
// know what was agreed on (RFC 3262 §3).
func TestEarlySoundIsReliable(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP, set("Supported", "100rel"))
		l := r.incoming()
		l.sig.Ring(nil)
		if res := c.Expect(180); res.Get("RSeq") != "" {
			t.Fatalf("ringing needs no PRACK:\n%s", res)
		}
		l.sig.Ring([]byte(answerSDP))
		res := c.Expect(183)
		if res.Get("Require") != "100rel" || res.Get("RSeq") == "" || string(res.Body) != answerSDP {
			t.Fatalf("early sound:\n%s", res)
		}
		time.Sleep(3600 * time.Millisecond)
		if n := c.Seen(183); n != 4 { // at 0, 0.5, 1.5 and 3.5 s
			t.Fatalf("%d times 183", n)
		}
		l.sig.Answer([]byte(answerSDP))
		synctest.Wait()
		if c.Seen(200) != 0 {
			t.Fatal("answered before the PRACK")
		}
		if ok := prack(c, res); ok.Status() != 200 {
			t.Fatalf("PRACK was answered:\n%s", ok)
		}
		c.Expect(200)
		c.Ack()
		l.expect(leg.InAcked)
		if again := prack(c, res); again.Status() != 481 {
			t.Fatalf("a second PRACK was answered:\n%s", again)
		}
		r.settle()
		if c.Seen(183) != 4 || c.Seen(200) != 1 {
			t.Fatalf("%d times 183, %d times 200", c.Seen(183), c.Seen(200))
		}
		c.Bye()
		l.expect(leg.InBye)
	})
}

// A caller that insists on 100rel gets everything so, one after the other, and
// the numbers grow by one.
func TestReliabilityRequired(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP, set("Require", "100rel"))
		l := r.incoming()
		l.sig.Ring(nil)
		ringing := c.Expect(180)
		l.sig.Ring([]byte(answerSDP))
		synctest.Wait()
		if c.Seen(183) != 0 {
			t.Fatal("183 did not wait for the PRACK of 180")
		}
		if res := prack(c, ringing, set("RAck", "1 "+ringing.Get("CSeq"))); res.Status() != 481 {
			t.Fatalf("a wrong PRACK was answered:\n%s", res)
		}
		prack(c, ringing)
		early := c.Expect(183)
		if number(early.Get("RSeq")) != number(ringing.Get("RSeq"))+1 {
			t.Fatalf("RSeq %s after %s", early.Get("RSeq"), ringing.Get("RSeq"))
		}
		prack(c, early)
		l.sig.Reject(pbx.Cause{Code: pbx.CauseBusy})
		c.Expect(486)
	})
	bubble(t, func(t *testing.T, r *rig) {
		// Without an offer the first reliable response would have to carry ours.
		c := r.phone("101").Invite("102", "", set("Require", "100rel"))
		l := r.incoming()
		l.sig.Ring(nil)
		l.sig.Answer([]byte(offerSDP))
		c.Expect(200)
		c.AckWith(answerSDP)
		l.expect(leg.InAcked)
		if c.Seen(180) != 0 {
			t.Fatal("180 was sent")
		}
	})
}

func number(s string) (n int) {
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// A caller that never acknowledges is given up after 64·T1, also when it was
// answered meanwhile; so is one that cancels while the answer waits.
func TestPrackLost(t *testing.T) {
	for _, answer := range []bool{false, true} {
		bubble(t, func(t *testing.T, r *rig) {
			c := r.phone("101").Invite("102", offerSDP, set("Supported", "100rel"))
			l := r.incoming()
			l.sig.Ring([]byte(answerSDP))
			if answer {
				l.sig.Answer([]byte(answerSDP))
			}
			start := time.Now()
			if in := l.expect(leg.InLost); time.Since(start) != giveUp || in.Cause.Code != pbx.CauseNetwork {
				t.Fatalf("after %v: %+v", time.Since(start), in.Cause)
			}
			c.Expect(504)
			l.sig.Release()
			r.settle()
			if c.Seen(200) != 0 || r.stack.Usages() != 0 {
				t.Fatalf("%d times 200, %d usages", c.Seen(200), r.stack.Usages())
			}
		})
	}
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP, set("Supported", "100rel"))
		l := r.incoming()
		l.sig.Ring([]byte(answerSDP))
		c.Expect(183)
		l.sig.Answer([]byte(answerSDP))
		c.Cancel()
		c.Expect(487)
		l.expect(leg.InCancelled)
		l.sig.Release()
		n := c.Seen(183)
		r.settle()
		if c.Seen(183) != n || c.Seen(200) != 0 {
			t.Fatal("something was said after the 487")
		}
	})
}

// While it rings on, the reminder of each minute repeats nothing that was
// acknowledged, and an offer in a PRACK leaves things as they are.
func TestReliableReminder(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP, set("Supported", "100rel"))
		l := r.incoming()
		l.sig.Ring([]byte(answerSDP))
		first := c.Expect(183)
		if res := prack(c, first, set("Content-Type", "application/sdp"), func(m *pbxtest.Message) { m.Body = []byte(otherSDP) }); res.Status() != 488 {
			t.Fatalf("PRACK was answered:\n%s", res)
		}
		time.Sleep(61 * time.Second)
		if again := c.Expect(183); len(again.Body) != 0 || again.Get("RSeq") != "" {
			t.Fatalf("reminder:\n%s", again)
		}
		l.sig.Answer([]byte(answerSDP))
		c.Expect(200)
		c.Ack()
		l.expect(leg.InAcked)
	})
}

// reliably makes a provisional response reliable.
func reliably(rseq string) func(*pbxtest.Message) {
	return func(m *pbxtest.Message) {
		m.Add("Require", "100rel")
		m.Add("RSeq", rseq)
	}
}

// A phone that sends its provisional responses reliably gets a PRACK for each,
// once, in order, within the early dialog; the BYE after them has a higher CSeq.
func TestPrackForPhones(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		if !contains(c.InviteMessage().Get("Supported"), "100rel") {
			t.Fatalf("INVITE:\n%s", c.InviteMessage())
		}
		c.Respond(180, reliably("7"))
		l.expect(leg.InRinging)
		m := c.ExpectRequest("PRACK")
		if m.Get("RAck") != "7 1 INVITE" || m.CSeq() != 2 || m.URI() != p.Contact() || m.ToTag() == "" {
			t.Fatalf("PRACK:\n%s", m)
		}
		c.RespondTo(m, 200)
		c.Respond(180, reliably("7")) // repeated
		c.Respond(183, reliably("9")) // overtook 8
		synctest.Wait()
		if n := c.Requests("PRACK"); n != 1 {
			t.Fatalf("%d PRACKs", n)
		}
		c.Respond(183, reliably("8"), func(m *pbxtest.Message) {
			m.Set("Content-Type", "application/sdp")
			m.Body = []byte(answerSDP)
		})
		if in := l.expect(leg.InRinging); string(in.SDP) != answerSDP {
			t.Fatalf("sound %q", in.SDP)
		}
		c.RespondTo(c.ExpectRequest("PRACK"), 200)
		c.Answer("") // what was agreed on reliably need not be said again
		l.expect(leg.InAnswered)
		l.sig.Ack(nil)
		c.ExpectAck()
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if bye := c.ExpectBye(); bye.CSeq() != 4 {
			t.Fatalf("BYE:\n%s", bye)
		}
		l.expect(leg.InGone)
	})
}

// A PRACK that is lost is repeated by its transaction; forks have numbers of
// their own.
func TestPrackOnABadNetwork(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		f := c.Fork()
		c.Respond(180, reliably("100"))
		f.Respond(180, reliably("3"))
		a, b := c.ExpectRequest("PRACK"), f.ExpectRequest("PRACK")
		if !strings.HasPrefix(a.Get("RAck"), "100 ") || !strings.HasPrefix(b.Get("RAck"), "3 ") || a.CSeq() == b.CSeq() {
			t.Fatalf("PRACKs:\n%s\n%s", a, b)
		}
		time.Sleep(2 * time.Second)
		if c.Requests("PRACK") < 3 {
			t.Fatalf("%d PRACKs", c.Requests("PRACK"))
		}
		l.expect(leg.InRinging)
		c.Respond(486)
		l.expect(leg.InRefused)
	})
}
