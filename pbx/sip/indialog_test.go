package sip

import (
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// reinvite sends a re-INVITE while the leg does something with the offer.
func reinvite(c *pbxtest.Call, l *fakeLeg, sdp string, decide func(in leg.Input)) *pbxtest.Message {
	done := make(chan *pbxtest.Message)
	go func() { done <- c.Reinvite(sdp) }()
	decide(l.expect(leg.InOffered))
	return <-done
}

// A phone holds and resumes, in a call of either direction.
func TestReinvite(t *testing.T) {
	for _, outgoing := range []bool{false, true} {
		bubble(t, func(t *testing.T, r *rig) {
			make := r.answered
			if outgoing {
				make = func(p *pbxtest.Phone) (*pbxtest.Call, *fakeLeg) { return r.dialled(p) }
			}
			c, l := make(r.phone("101"))
			res := reinvite(c, l, otherSDP, func(in leg.Input) {
				if string(in.SDP) != otherSDP {
					t.Errorf("offer %q", in.SDP)
				}
				l.sig.AnswerOffer([]byte(answerSDP))
			})
			if res.Status() != 200 || string(res.Body) != answerSDP || res.Get("Contact") == "" {
				t.Fatalf("answer:\n%s", res)
			}
			l.quiet()
			r.settle() // acknowledged: not repeated, not given up
			l.quiet()
			c.Bye()
			l.expect(leg.InBye)
		})
	}
}

// A re-INVITE without an offer gets ours; the answer comes with the ACK.
func TestReinviteLateOffer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		res := reinvite(c, l, "", func(in leg.Input) {
			if in.SDP != nil {
				t.Errorf("offer %q", in.SDP)
			}
			l.sig.AnswerOffer([]byte(offerSDP))
		})
		if string(res.Body) != offerSDP {
			t.Fatalf("offer:\n%s", res)
		}
		// Meanwhile no other offer is taken (RFC 3264 §4).
		if res := c.Update(otherSDP); res.Status() != 491 {
			t.Fatalf("UPDATE was answered:\n%s", res)
		}
		l.quiet()
	})
}

// The leg refuses an offer; the call goes on.
func TestReinviteRefused(t *testing.T) {
	for refusal, status := range map[leg.Refusal]int{
		leg.RefusePending: 491, leg.RefuseUnanswered: 500, leg.RefuseIncompatible: 488,
	} {
		bubble(t, func(t *testing.T, r *rig) {
			c, l := r.answered(r.phone("101"))
			res := reinvite(c, l, otherSDP, func(leg.Input) { l.sig.RefuseOffer(refusal) })
			if res.Status() != status || (status == 500) != (res.Get("Retry-After") != "") {
				t.Errorf("answer:\n%s", res)
			}
			c.Bye()
			l.expect(leg.InBye)
		})
	}
}

// Nobody acknowledges our answer to a re-INVITE: the leg is told after 32 s.
func TestReinviteAckLost(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c, l := r.answered(p)
		p.Edit = func(m *pbxtest.Message) bool { return m.Method() != "ACK" }
		reinvite(c, l, otherSDP, func(leg.Input) { l.sig.AnswerOffer([]byte(answerSDP)) })
		l.expect(leg.InAckLost)
	})
}

// A re-INVITE is given up before the leg answered: 487, and the call goes on.
func TestReinviteCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c, l := r.answered(p)
		var via string
		p.Edit = func(m *pbxtest.Message) bool {
			switch m.Method() {
			case "INVITE":
				via = m.Get("Via")
			case "CANCEL":
				m.Set("Via", via)
			}
			return true
		}
		done := make(chan *pbxtest.Message)
		go func() { done <- c.Reinvite(otherSDP) }()
		l.expect(leg.InOffered)
		c.SendCancel()
		if res := <-done; res.Status() != 487 {
			t.Fatalf("re-INVITE was answered:\n%s", res)
		}
		l.sig.AnswerOffer([]byte(answerSDP)) // too late, and harmless
		c.Bye()
		l.expect(leg.InBye)
	})
}

// An offer by UPDATE, and an UPDATE that only says where the phone is now.
func TestUpdate(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c, l := r.answered(p)
		done := make(chan *pbxtest.Message)
		go func() { done <- c.Update(otherSDP) }()
		l.expect(leg.InOffered)
		l.sig.AnswerOffer([]byte(answerSDP))
		if res := <-done; res.Status() != 200 || string(res.Body) != answerSDP {
			t.Fatalf("UPDATE was answered:\n%s", res)
		}
		res := c.Request("UPDATE", func(m *pbxtest.Message) { m.Add("Contact", "<sip:101@192.0.2.101:7777>") })
		if res.Status() != 200 || len(res.Body) != 0 {
			t.Fatalf("UPDATE was answered:\n%s", res)
		}
		l.quiet()
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if bye := c.ExpectBye(); bye.URI() != "sip:101@192.0.2.101:7777" {
			t.Fatalf("BYE goes to %s", bye.URI())
		}
	})
}

// Keys by INFO, in both ways phones write them.
func TestInfoDigits(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		for _, key := range []byte("5*#D") {
			if res := c.Digit(key); res.Status() != 200 {
				t.Fatalf("INFO was answered:\n%s", res)
			}
			if in := l.expect(leg.InDigit); in.Digits != string(key) {
				t.Fatalf("key %q, want %q", in.Digits, key)
			}
		}
		info := func(kind, body string) int {
			return c.Request("INFO", func(m *pbxtest.Message) {
				m.Add("Content-Type", kind)
				m.Body = []byte(body)
			}).Status()
		}
		if info("application/dtmf", "10") != 200 || l.expect(leg.InDigit).Digits != "*" {
			t.Fatal("application/dtmf")
		}
		if info("application/DTMF-Relay; x=y", "duration = 9\r\nsignal = 7 \r\n") != 200 || l.expect(leg.InDigit).Digits != "7" {
			t.Fatal("odd spelling")
		}
		if info("application/dtmf-relay", "Signal=77\r\n") != 400 || info("application/media_control+xml", "<x/>") != 415 {
			t.Fatal("nonsense was taken")
		}
		l.quiet()
	})
}

// A BYE says why when something went wrong; otherwise somebody hung up, whatever
// is written there.
func TestByeReasons(t *testing.T) {
	for reason, want := range map[string]pbx.CauseCode{
		"": pbx.CauseNormal, "Q.850;cause=16": pbx.CauseNormal, "Q.850;cause=17": pbx.CauseNormal,
		"SIP;cause=200": pbx.CauseNormal, `Q.850;cause=102;text="RTP timeout"`: pbx.CauseMediaTimeout,
	} {
		bubble(t, func(t *testing.T, r *rig) {
			c, l := r.answered(r.phone("101"))
			c.Bye(func(m *pbxtest.Message) { m.Add("Reason", reason) })
			if in := l.expect(leg.InBye); in.Cause.Code != want {
				t.Errorf("%q: %s, want %s", reason, in.Cause.Code, want)
			}
		})
	}
}

// Methods that do not work within a dialog are refused, and the call goes on.
func TestUnknownMethodsInDialog(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		for method, status := range map[string]int{
			"REFER": 405, "MESSAGE": 405, "NOTIFY": 481, "SUBSCRIBE": 489, "PUBLISH": 489, "PRACK": 481, "FOO": 501, "OPTIONS": 200,
		} {
			if res := c.Request(method); res.Status() != status || status > 400 && status != 481 && res.Get("Allow") == "" {
				t.Errorf("%s was answered:\n%s", method, res)
			}
		}
		l.quiet()
		c.Bye()
		l.expect(leg.InBye)
	})
}

// Our tag alone does not open a dialog: Call-ID and the peer's tag must fit.
func TestStrangers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c, l := r.answered(p)
		for _, edit := range []func(*pbxtest.Message){
			func(m *pbxtest.Message) { m.Set("Call-ID", "other") },
			func(m *pbxtest.Message) { m.Set("From", "<sip:101@x>;tag=other") },
			func(m *pbxtest.Message) { m.Set("To", "<sip:102@x>;tag=other") },
			func(m *pbxtest.Message) { m.Set("To", "<sip:102@x>") },
		} {
			if res := c.Request("BYE", edit); res.Status() != 481 {
				// A BYE without To-tag is of no dialog at all.
				t.Errorf("BYE was answered:\n%s", res)
			}
		}
		l.quiet()
		c.Bye()
		l.expect(leg.InBye)
		l.sig.Release()
		synctest.Wait()
		if res := c.Request("BYE"); res.Status() != 481 {
			t.Errorf("BYE after the end was answered:\n%s", res)
		}
	})
}

// P3: messages overtake one another. A BYE before the ACK ends the call, a
// late re-INVITE does not undo a newer one, a repeated INFO is one key.
func TestP3OutOfOrder(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c := p.Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Answer([]byte(answerSDP))
		c.Expect(200)
		c.Bye()
		l.expect(leg.InBye)
		l.sig.Release()
		n := c.Seen(200)
		r.settle()
		if c.Seen(200) != n {
			t.Fatal("200 is repeated after the BYE")
		}

		c, l = r.answered(p)
		c.Request("OPTIONS", func(m *pbxtest.Message) { m.Set("CSeq", "900 OPTIONS") })
		reinvite(c, l, otherSDP, func(leg.Input) { l.sig.AnswerOffer([]byte(answerSDP)) })
		res := c.Request("INVITE", func(m *pbxtest.Message) {
			m.Set("CSeq", "2 INVITE")
			m.Add("Content-Type", "application/sdp")
			m.Body = []byte(offerSDP)
		})
		if res.Status() != 500 || res.Get("Retry-After") == "" {
			t.Fatalf("old re-INVITE was answered:\n%s", res)
		}
		for range 2 {
			c.Request("INFO", func(m *pbxtest.Message) {
				m.Set("CSeq", "77 INFO")
				m.Add("Content-Type", "application/dtmf")
				m.Body = []byte("3")
			})
		}
		l.expect(leg.InDigit)
		l.quiet()
	})
}

// A second offer while the first is undecided is asked to come later.
func TestTwoOffers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		done := make(chan *pbxtest.Message)
		go func() { done <- c.Reinvite(otherSDP) }()
		l.expect(leg.InOffered)
		if res := c.Update(otherSDP); res.Status() != 500 || res.Get("Retry-After") == "" {
			t.Fatalf("UPDATE was answered:\n%s", res)
		}
		l.sig.AnswerOffer([]byte(answerSDP))
		if res := <-done; res.Status() != 200 {
			t.Fatalf("re-INVITE was answered:\n%s", res)
		}
	})
}

// An offer that crosses the end of the leg is answered.
func TestOfferForADeadLeg(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		done := make(chan *pbxtest.Message)
		go func() { done <- c.Update(otherSDP) }()
		l.expect(leg.InOffered)
		l.sig.Release()
		if res := <-done; res.Status() != 481 {
			t.Fatalf("UPDATE was answered:\n%s", res)
		}
		time.Sleep(time.Second)
	})
}
