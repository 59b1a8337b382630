package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// P22: the library finds headers by the exact case of their name; we find them in
// any, folded and in their compact form.
func TestP22HeaderNamesInAnyCase(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		if res := p.Invite("102", offerSDP, set("rEQUIRE", "foo,\r\n bar")).Expect(420); !contains(res.String(), "Unsupported: foo", "Unsupported: bar") {
			t.Errorf("refusal:\n%s", res)
		}
		c := p.Invite("102", offerSDP, set("SUPPORTED", "100REL ,\r\n\tTimer"), set("X", "90 ; Refresher = UAC"), set("pRiVaCy", "ID"))
		l := r.incoming()
		if u := r.stack.table.find(string(l.inv.Leg)); !u.wish.hidden {
			t.Error("Privacy was not read")
		}
		l.sig.Ring([]byte(answerSDP))
		prack(c, c.Expect(183))
		l.sig.Answer([]byte(answerSDP))
		if res := c.Expect(200); res.Get("Session-Expires") != "90;refresher=uac" {
			t.Errorf("answer:\n%s", res)
		}
		c.Ack()
		l.expect(leg.InAcked)
		c.Bye()
		l.expect(leg.InBye)
	})
}

// P23: the library knows one port per network; each of our listeners names its
// own, and a call stays on the listener it came by.
func TestP23EachListenerNamesItsOwnPort(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		for _, p := range []*pbxtest.Phone{r.phone("101"), r.streamPhone("103")} {
			c, l := r.answered(p)
			l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
			if bye := c.ExpectBye(); !strings.Contains(bye.Get("Via"), " 192.0.2.1:5060;") {
				t.Errorf("BYE:\n%s", bye)
			}
			l.expect(leg.InGone)
		}
		conn, err := r.net.ListenPacket(netip.MustParseAddrPort("[2001:db8::7]:5080"))
		if err != nil {
			t.Fatal(err)
		}
		p := pbxtest.NewPhone(t, conn, serverAddr6, "104", "secret-104")
		p.Domain = "[2001:db8::1]"
		c, l := r.dialled(p, func(d *leg.Dialing) { d.Binding.Edge = "udp6" })
		if m := c.InviteMessage(); !contains(m.Get("Via"), "[2001:db8::1]:5060;") || !contains(m.Get("Contact"), "@[2001:db8::1]:5060") {
			t.Errorf("INVITE:\n%s", m)
		}
		c.Bye()
		l.expect(leg.InBye)
	})
}

// P26: a phone that never acknowledges a refusal has it repeated and makes the
// library wait under a lock; nobody else waits, and after 32 s it is over.
func TestP26UnacknowledgedRefusals(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p, q := r.phone("101"), r.phone("103")
		p.NoAck = true
		var calls []*pbxtest.Call
		for range 20 {
			calls = append(calls, p.Invite("102", offerSDP))
		}
		time.Sleep(time.Second)
		for range 20 {
			l := r.incoming()
			l.sig.Reject(pbx.Cause{Code: pbx.CauseBusy})
			l.sig.Release()
		}
		start := time.Now()
		for range 5 {
			c, l := r.answered(q)
			c.Bye()
			l.expect(leg.InBye)
			l.sig.Release()
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("five calls took %v", d)
		}
		r.settle()
		for _, c := range calls {
			if n := c.Seen(486); n < 2 || n > 12 {
				t.Errorf("%d times 486", n)
			}
		}
		if n := len(r.stack.table.invites); n != 0 || r.stack.Usages() != 0 {
			t.Errorf("%d INVITEs and %d usages left", n, r.stack.Usages())
		}
	})
}

// Row 11 of the advisories: peers on TCP that say nothing, half a message, or
// read no answer, by the hundred: a phone on another connection registers its
// call at once all the while.
func TestHeldPeersDelayNobody(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		good := r.streamPhone("101")
		for i := range 100 {
			from := netip.MustParseAddrPort(fmt.Sprintf("198.51.100.%d:4000", i+1))
			conn, err := r.net.Dial(t.Context(), from, serverAddr)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				switch i % 3 {
				case 0:
				case 1:
					_, _ = conn.Write([]byte("INVITE sip:102@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP x"))
				case 2:
					_, _ = conn.Write([]byte(nasty("OPTIONS sip:x SIP/2.0", "Via: SIP/2.0/TCP h;branch=z9hG4bK"+pbx.NewID(), "Content-Length: 0")))
				}
			}()
		}
		for range 35 {
			start := time.Now()
			c, l := r.answered(good)
			c.Bye()
			l.expect(leg.InBye)
			l.sig.Release()
			if d := time.Since(start); d != 0 {
				t.Fatalf("a call took %v", d)
			}
			time.Sleep(time.Second)
		}
	})
}

// Row 10 of the advisories: values of 513 bytes and of many kilobytes in every
// header, a hundred headers of one kind, a thousand streams: no crash, no leg
// that stays, and the listener goes on.
func TestLongValues(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		headers := []string{"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Route", "Record-Route", "Require",
			"Supported", "Session-Expires", "Min-SE", "Privacy", "RAck", "Reason", "Replaces", "Authorization", "Content-Type", "Accept",
			"P-Asserted-Identity", "User-Agent", "Subject", "Event", "Expires"}
		for _, method := range []string{"INVITE", "SUBSCRIBE", "PRACK", "UPDATE", "OPTIONS"} {
			for _, name := range headers {
				for _, size := range []int{513, 8000, 30000} {
					p.SendRaw([]byte(nasty(method+" sip:102@x SIP/2.0", name+": "+strings.Repeat("9", size))))
					p.SendRaw([]byte(nasty(method+" sip:102@x SIP/2.0", name+": <sip:"+strings.Repeat("a", size)+"@x>;tag="+strings.Repeat("b", size/8))))
				}
			}
		}
		many := make([]string, 100)
		for i := range many {
			many[i] = "+Accept: application/x" + fmt.Sprint(i)
		}
		p.SendRaw([]byte(nasty("SUBSCRIBE sip:102@x SIP/2.0", many...)))
		r.settle()
		if n := r.stack.Counts().Panics.Load() + r.udp.Counts().Panics.Load(); n != 0 {
			t.Errorf("%d panics", n)
		}
		r.noLeg()
		q := r.phone("103")
		c := q.Invite("102", offerSDP+strings.Repeat("m=audio 4000 RTP/AVP 8\r\n", 1000))
		l := r.incoming()
		l.sig.Reject(pbx.Cause{Code: pbx.CauseIncompatible})
		c.Expect(488)
		l.sig.Release()
		synctest.Wait()
	})
}
