package sip

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// set is an edit.
func set(name, value string) func(*pbxtest.Message) {
	return func(m *pbxtest.Message) { m.Set(name, value) }
}

// Nothing but OPTIONS is answered with success to somebody who proved nothing,
// and out-of-dialog requests that do not work are refused unread.
func TestUnauthenticated(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Secret = ""
		for method, status := range map[string]int{
			"INVITE": 407, "MESSAGE": 405, "REFER": 405, "SUBSCRIBE": 489, "PUBLISH": 489, "NOTIFY": 481, "INFO": 481,
			"UPDATE": 481, "PRACK": 481, "BYE": 481, "CANCEL": 481, "REGISTER": 405, "FOO": 501, "OPTIONS": 200,
		} {
			res := p.Request(method, "sip:102@192.0.2.1", set("Message-Account", strings.Repeat("x", 600)), set("Refer-To", "<sip:+4319@x>"))
			if res.Status() != status {
				t.Errorf("%s was answered:\n%s", method, res)
			}
		}
		r.noLeg()
		if got := r.events.refusals(); len(got) != 0 {
			t.Errorf("a first challenge is no refusal: %v", got)
		}
	})
}

// Known and unknown people are answered alike, by INVITE and OPTIONS.
func TestNobodyLearnsWhoExists(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Secret = ""
		for _, method := range []string{"INVITE", "OPTIONS"} {
			a, b := p.Request(method, "sip:102@192.0.2.1"), p.Request(method, "sip:99999@192.0.2.1")
			names := func(m *pbxtest.Message) (out string) {
				for _, h := range m.Headers {
					out += h.Name + " "
				}
				return m.Start + " " + out
			}
			if names(a) != names(b) {
				t.Errorf("%s:\n%s\n%s", method, a, b)
			}
		}
	})
}

// A challenge to a false source is sent once, not repeated for 32 s.
func TestChallengeIsNotRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Secret, p.NoAck = "", true
		c := p.Invite("102", offerSDP)
		c.Expect(407)
		r.settle()
		if n := c.Seen(407); n != 1 {
			t.Fatalf("%d challenges", n)
		}
	})
}

// A wrong secret: refused, with an event that names the source.
func TestWrongSecret(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Secret = "wrong"
		p.Invite("102", offerSDP).Expect(407)
		if got := r.events.refusals(); len(got) != 1 || got[0] != "digest" {
			t.Fatalf("refusals %v", got)
		}
		r.noLeg()
	})
}

// Who calls is who proved it, whatever From, Contact and identity headers claim.
func TestForgedCaller(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Invite("102", offerSDP, set("From", `"Boss" <sip:100@klapka>;tag=a`), set("P-Asserted-Identity", "<sip:100@klapka>"),
			set("Contact", "<sip:100@192.0.2.101>"))
		if c := r.incoming().inv.Caller; c.Number != "101" || c.Name != "User 101" || c.Device != "dev-101" {
			t.Fatalf("caller %+v", c)
		}
	})
}

// INVITEs that cannot be handled are refused with words, before any leg is made.
func TestUnusableInvites(t *testing.T) {
	multipart := func(parts string) func(*pbxtest.Message) {
		return func(m *pbxtest.Message) {
			m.Set("Content-Type", `multipart/mixed;boundary="b 1"`)
			m.Body = []byte(parts)
		}
	}
	for name, tt := range map[string]struct {
		edit   func(*pbxtest.Message)
		status int
		want   string
	}{
		"hops":           {set("Max-Forwards", "0"), 483, ""},
		"extension":      {set("Require", "100rel, foo"), 420, "Unsupported: foo"},
		"body":           {set("Content-Type", "application/isup"), 415, "Accept: application/sdp"},
		"encoding":       {set("Content-Encoding", "gzip"), 415, "Accept"},
		"empty parts":    {multipart(""), 415, "Accept"},
		"no sdp part":    {multipart("--b 1\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b 1--\r\n"), 415, "Accept"},
		"broken parts":   {multipart("--b 1\r\nContent"), 415, "Accept"},
		"from tag":       {set("From", "<sip:101@x>"), 400, "Missing From Tag"},
		"long call-id":   {set("Call-ID", strings.Repeat("x", 513)), 400, "Too Long"},
		"long tag":       {set("From", "<sip:101@x>;tag="+strings.Repeat("x", 513)), 400, "Too Long"},
		"replaces":       {set("Replaces", "a@b;to-tag=1;from-tag=2"), 481, ""},
		"foreign dialog": {set("To", "<sip:102@x>;tag=other"), 481, ""},
	} {
		bubble(t, func(t *testing.T, r *rig) {
			res := r.phone("101").Invite("102", offerSDP, tt.edit).Expect(tt.status)
			if !contains(res.String(), tt.want) {
				t.Errorf("%s:\n%s", name, res)
			}
			r.noLeg()
		})
	}
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Invite("sip:192.0.2.1", offerSDP).Expect(484)
		p.Invite("102", offerSDP, set("CSeq", "1 OPTIONS"))
		if m := p.ExpectStray(); m.Status() != 400 {
			t.Errorf("another method in CSeq:\n%s", m)
		}
		r.noLeg()
	})
}

// Odd INVITEs that can be understood are.
func TestOddInvites(t *testing.T) {
	for name, tt := range map[string]struct {
		to      string
		edit    func(*pbxtest.Message)
		dialled string
	}{
		"escaped user":   {"sip:%31%30%32@192.0.2.1", func(*pbxtest.Message) {}, "102"},
		"star code":      {"sip:*43@192.0.2.1", func(*pbxtest.Message) {}, "*43"},
		"pound":          {"sip:%23@192.0.2.1;user=phone", func(*pbxtest.Message) {}, "#"},
		"tel":            {"tel:+43;phone-context=x", set("To", "<tel:+43>"), "+43"},
		"session timer":  {"102", set("Session-Expires", "90;refresher=uac"), "102"},
		"supported":      {"102", set("Supported", "100rel, timer, replaces, outbound"), "102"},
		"no type":        {"102", func(m *pbxtest.Message) { m.Remove("Content-Type") }, "102"},
		"type with more": {"102", set("Content-Type", "Application/SDP; charset=utf-8"), "102"},
		"long header":    {"102", set("X-Long", strings.Repeat("y", 8000)), "102"},
		"nasty words":    {"102", set("User-Agent", "';-- <img onerror> %00 \x1b[2J"), "102"},
		"parts": {"102", func(m *pbxtest.Message) {
			m.Set("Content-Type", `multipart/mixed;boundary=bb`)
			m.Body = []byte("--bb\r\nContent-Type: text/plain\r\n\r\nhi\r\n--bb\r\nContent-Type: application/sdp\r\n\r\n" + offerSDP + "\r\n--bb--\r\n")
		}, "102"},
	} {
		bubble(t, func(t *testing.T, r *rig) {
			p := r.phone("101")
			c := p.Invite(tt.to, offerSDP, tt.edit)
			l := r.incoming()
			if l.inv.Dialled != tt.dialled || string(l.inv.Offer) != offerSDP {
				t.Errorf("%s: %+v", name, l.inv)
			}
			l.sig.Reject(pbx.Cause{Code: pbx.CauseBusy})
			c.Expect(486)
		})
	}
}

// An INVITE that reached us twice by different ways is answered once.
func TestMergedRequest(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c := p.Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Ring(nil)
		c.Expect(180)
		// The same with credentials that are good for once more, by another branch.
		res := p.Request("INVITE", "sip:102@192.0.2.1", set("From", c.InviteMessage().Get("From")), set("Call-ID", c.ID))
		if res.Status() != 482 {
			t.Fatalf("merged request was answered:\n%s", res)
		}
		r.noLeg()
		l.sig.Reject(pbx.Cause{Code: pbx.CauseBusy})
		c.Expect(486)
	})
}

// Our own INVITE that comes back to us goes no further.
func TestLoop(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		r.call(p)
		c := p.ExpectInvite()
		res := p.Request("INVITE", "sip:102@192.0.2.1", set("From", c.InviteMessage().Get("From")), set("Call-ID", c.ID))
		if res.Status() != 482 {
			t.Fatalf("loop was answered:\n%s", res)
		}
	})
}

// Taking the place of a dialog needs its exact name, and is not offered yet.
func TestReplaces(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		q := r.phone("103")
		q.Invite("102", offerSDP, set("Replaces", "guess;to-tag="+string(l.inv.Leg)+";from-tag=x")).Expect(481)
		q.Invite("102", offerSDP, set("Replaces", c.ID+";to-tag="+string(l.inv.Leg)+";from-tag=x")).Expect(501)
		r.noLeg()
	})
}

// Messages without what every message has, and numbers out of range: refused or
// dropped, and the stack lives (rows of missing headers and of CSeq ≥ 2³¹).
func TestMalformed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		base := func(method string) *pbxtest.Message {
			m := &pbxtest.Message{Start: method + " sip:102@192.0.2.1 SIP/2.0"}
			m.Add("Via", "SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK"+pbx.NewID())
			m.Add("From", "<sip:101@x>;tag=a")
			m.Add("To", "<sip:102@x>")
			m.Add("Call-ID", pbx.NewID())
			m.Add("CSeq", "1 "+method)
			m.Add("Max-Forwards", "70")
			return m
		}
		for _, method := range []string{"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER", "NOTIFY", "FOO"} {
			for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards"} {
				m := base(method)
				m.Remove(name)
				p.Send(m)
				for _, value := range []string{"", ";;;", "4294967296 " + method, "2147483648 " + method, "<", `"`, "\x00"} {
					m := base(method)
					m.Set(name, value)
					p.Send(m)
				}
			}
			for _, header := range []string{"Authorization", "Proxy-Authorization", "Contact", "Reason", "Require", "Replaces", "Content-Type", "Record-Route", "Route"} {
				for _, value := range []string{"", "Digest", "Digest ,,,", "<", `"`, ";", strings.Repeat("(", 9000), "*"} {
					m := base(method)
					m.Set(header, value)
					p.Send(m)
				}
			}
		}
		r.settle()
		if n := r.stack.Counts().Panics.Load() + r.udp.Counts().Panics.Load(); n != 0 {
			t.Fatalf("%d panics", n)
		}
		if n := r.stack.Usages(); n != 0 {
			t.Fatalf("%d usages", n)
		}
		r.answered(r.phone("104"))
	})
}

// A flood of INVITEs that nobody finishes leaves nothing behind.
func TestAbandonedInvites(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		for range 100 {
			p.Invite("102", offerSDP)
			l := r.incoming()
			l.sig.Answer([]byte(answerSDP))
			go func() {
				in := l.expect(leg.InAckLost)
				l.sig.Bye(in.Cause)
				l.expect(leg.InGone)
				l.sig.Release()
			}()
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if n := r.stack.Usages(); n != 0 {
			t.Fatalf("%d usages left", n)
		}
		if n := len(r.stack.table.invites); n != 0 {
			t.Fatalf("%d INVITEs remembered", n)
		}
	})
}

// A re-INVITE without an offer crosses our BYE.
func TestLateOfferCrossesBye(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		done := make(chan *pbxtest.Message)
		go func() { done <- c.Reinvite("") }()
		l.expect(leg.InOffered)
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		l.sig.RefuseOffer(leg.RefusePending)
		l.expect(leg.InGone)
		l.sig.Release()
		if res := <-done; res.Status() != 491 {
			t.Fatalf("re-INVITE was answered:\n%s", res)
		}
	})
}

// A description with a thousand streams is the leg's to judge; it gets there.
func TestHugeOffer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var b strings.Builder
		b.WriteString(offerSDP)
		for i := range 1000 {
			fmt.Fprintf(&b, "m=audio %d RTP/AVP 8\r\n", 1000+i)
		}
		r.phone("101").Invite("102", b.String())
		if l := r.incoming(); string(l.inv.Offer) != b.String() {
			t.Fatalf("%d bytes arrived of %d", len(l.inv.Offer), b.Len())
		}
	})
}
