package sip

import (
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// A call comes in, rings, is answered, talks and is ended by the caller.
func TestIncomingCall(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c := p.Invite("102", offerSDP)
		l := r.incoming()
		if l.inv.Caller.Number != "101" || l.inv.Dialled != "102" || string(l.inv.Offer) != offerSDP ||
			l.inv.Edge != "udp" || l.inv.Remote != p.Addr().String() || l.inv.SIPCall != c.ID || l.inv.UA != "scripted phone" {
			t.Fatalf("invitation %+v", l.inv)
		}
		c.Expect(100)
		l.sig.Ring(nil)
		if tag := c.Expect(180).ToTag(); tag != string(l.inv.Leg) {
			t.Fatalf("180 has To-tag %q, the leg is %q", tag, l.inv.Leg)
		}
		l.sig.Answer([]byte(answerSDP))
		ok := c.Expect(200)
		if string(ok.Body) != answerSDP || ok.ToTag() != string(l.inv.Leg) || ok.Get("Contact") == "" || ok.Get("Allow") == "" {
			t.Fatalf("answer:\n%s", ok)
		}
		c.Ack()
		l.expect(leg.InAcked)
		c.Bye()
		if in := l.expect(leg.InBye); in.Cause.Code != pbx.CauseNormal || in.Cause.By != pbx.ByCaller {
			t.Fatalf("cause %+v", in.Cause)
		}
		l.sig.Release()
		r.settle()
		if n := r.stack.Usages(); n != 0 {
			t.Fatalf("%d usages left", n)
		}
	})
}

// The exchange hangs up an incoming call.
func TestIncomingCallEndedByUs(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		l.sig.Bye(pbx.Cause{Code: pbx.CauseBusy})
		if bye := c.ExpectBye(); !contains(bye.Get("Reason"), "Q.850;cause=17") {
			t.Fatalf("BYE:\n%s", bye)
		}
		l.expect(leg.InGone)
		l.sig.Release()
	})
}

// Early sound: 183 with an answer, then the same in the 200.
func TestIncomingEarlySound(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Ring(nil)
		c.Expect(180)
		l.sig.Ring([]byte(answerSDP))
		if m := c.Expect(183); string(m.Body) != answerSDP || m.Get("Content-Type") != "application/sdp" {
			t.Fatalf("183:\n%s", m)
		}
		l.sig.Reject(pbx.Cause{Code: pbx.CauseNoAnswer})
		c.Expect(480)
	})
}

// A late offer: ours is in the 200, the answer in the ACK.
func TestIncomingLateOffer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", "")
		l := r.incoming()
		if l.inv.Offer != nil {
			t.Fatalf("offer %q", l.inv.Offer)
		}
		l.sig.Answer([]byte(offerSDP))
		c.Expect(200)
		c.AckWith(answerSDP)
		if in := l.expect(leg.InAcked); string(in.SDP) != answerSDP {
			t.Fatalf("ACK brought %q", in.SDP)
		}
	})
}

// Every refusal arrives with its status, acknowledged and not repeated.
func TestIncomingRefused(t *testing.T) {
	for code, status := range map[pbx.CauseCode]int{
		pbx.CauseBusy: 486, pbx.CauseDeclined: 603, pbx.CauseNotInService: 404, pbx.CauseForbidden: 403,
		pbx.CauseIncompatible: 488, pbx.CauseCongested: 503, pbx.CauseUnreachable: 480,
	} {
		bubble(t, func(t *testing.T, r *rig) {
			c := r.phone("101").Invite("102", offerSDP)
			l := r.incoming()
			l.sig.Reject(pbx.Cause{Code: code})
			l.sig.Release()
			res := c.Expect(status)
			if status == 503 && res.Get("Retry-After") == "" {
				t.Errorf("503 without Retry-After")
			}
			if said, ok := causeOfReason(res.All("Reason")); !ok || said != code {
				t.Errorf("%s: Reason %q", code, res.Get("Reason"))
			}
			r.settle()
			if c.Seen(status) != 1 {
				t.Errorf("%s: %d times %d", code, c.Seen(status), status)
			}
		})
	}
}

// A host that takes no calls: 503 with Retry-After, and an event with the reason.
func TestIncomingHostRefuses(t *testing.T) {
	for code, status := range map[pbx.ErrorCode]int{
		pbx.TooMany: 503, pbx.Unavailable: 503, pbx.Forbidden: 403, pbx.NotFound: 404, pbx.Internal: 500,
	} {
		bubble(t, func(t *testing.T, r *rig) {
			r.refuse = pbx.Errorf(code, "no")
			res := r.phone("101").Invite("102", offerSDP).Expect(status)
			if status == 503 && res.Get("Retry-After") == "" {
				t.Errorf("503 without Retry-After")
			}
			synctest.Wait()
			if got := r.events.refusals(); len(got) != 1 || got[0] != string(code) {
				t.Errorf("refusals %v", got)
			}
			if r.stack.Usages() != 0 {
				t.Errorf("usage left")
			}
		})
	}
}

// The caller gives up while it rings.
func TestIncomingCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Ring(nil)
		ringing := c.Expect(180)
		if m := c.Cancel(); m.Status() != 200 {
			t.Fatalf("CANCEL was answered:\n%s", m)
		}
		if m := c.Expect(487); m.ToTag() != ringing.ToTag() {
			t.Fatalf("487 has another To-tag than 180: %q, %q", m.ToTag(), ringing.ToTag())
		}
		if in := l.expect(leg.InCancelled); in.Cause.Code != pbx.CauseCancelled {
			t.Fatalf("cause %+v", in.Cause)
		}
		l.sig.Release()
		r.settle()
		if c.Seen(200) != 0 || c.Seen(487) != 1 {
			t.Fatalf("%d times 200, %d times 487", c.Seen(200), c.Seen(487))
		}
	})
}

// A CANCEL after the answer is answered and means nothing.
func TestIncomingCancelTooLate(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Answer([]byte(answerSDP))
		c.Expect(200)
		if m := c.Cancel(); m.Status() != 200 {
			t.Fatalf("CANCEL was answered:\n%s", m)
		}
		c.Ack()
		l.expect(leg.InAcked)
		l.quiet()
		c.Bye()
		l.expect(leg.InBye)
	})
}

// A caller may end an early dialog by BYE; the INVITE is then answered 487.
func TestIncomingByeBeforeAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Ring(nil)
		c.Expect(180)
		c.Bye()
		c.Expect(487)
		l.expect(leg.InCancelled)
	})
}

// The 180 is repeated each minute, so that proxies on the way keep the INVITE.
func TestIncomingRingsOn(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Ring(nil)
		time.Sleep(3*time.Minute + time.Second)
		if n := c.Seen(180); n != 4 {
			t.Fatalf("%d times 180 in three minutes", n)
		}
		l.sig.Reject(pbx.Cause{Code: pbx.CauseNoAnswer})
		c.Expect(180)
		time.Sleep(3 * time.Minute)
		if n := c.Seen(180); n != 4 {
			t.Fatalf("180 goes on after the final response: %d", n)
		}
	})
}

// The 200 is repeated at 0.5, 1.5, 3.5, 7.5, 11.5 … s until the ACK, on TCP too;
// when none comes within 32 s, the leg is told.
func TestIncomingAckLost(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		bubble(t, func(t *testing.T, r *rig) {
			p := r.phone("101")
			if network == "tcp" {
				p = r.streamPhone("101")
			}
			c := p.Invite("102", offerSDP)
			l := r.incoming()
			start := time.Now()
			l.sig.Answer([]byte(answerSDP))
			time.Sleep(8 * time.Second)
			if n := c.Seen(200); n != 5 {
				t.Errorf("%s: %d times 200 within 8 s", network, n)
			}
			in := l.expect(leg.InAckLost)
			if d := time.Since(start); d != 32*time.Second || in.Cause.Code != pbx.CauseNetwork {
				t.Errorf("%s: ACK lost after %v, %+v", network, d, in.Cause)
			}
			n := c.Seen(200)
			l.sig.Bye(in.Cause)
			c.ExpectBye()
			l.expect(leg.InGone)
			l.sig.Release()
			r.settle()
			if c.Seen(200) != n {
				t.Errorf("%s: 200 is repeated after the end", network)
			}
		})
	}
}

// A leg that dies without a word leaves no phone ringing, and no phone in a call.
func TestReleaseCleansUp(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c := p.Invite("102", offerSDP)
		r.incoming().sig.Release()
		c.Expect(500)

		c, l := r.answered(p)
		l.sig.Release()
		c.ExpectBye()

		q := r.phone("102")
		l = r.call(q)
		in := q.ExpectInvite()
		l.expect(leg.InTrying)
		l.sig.Release()
		in.ExpectCancel()
		r.settle()
		if n := r.stack.Usages(); n != 0 {
			t.Fatalf("%d usages left", n)
		}
	})
}
