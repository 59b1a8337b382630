package sip

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// A phone is called, rings, answers, talks and hangs up.
func TestOutgoingCall(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		inv := c.InviteMessage()
		if inv.URI() != p.Contact() || string(inv.Body) != offerSDP || inv.FromTag() != string(l.id) ||
			!contains(inv.Get("From"), `"Anna Nováková" <sip:101@192.0.2.1:5060>`) ||
			!contains(inv.Get("To"), "sip:102@") || !contains(inv.Get("P-Asserted-Identity"), "sip:101@") ||
			!contains(inv.Get("Contact"), "192.0.2.1:5060") || inv.Get("Max-Forwards") == "" {
			t.Fatalf("INVITE:\n%s", inv)
		}
		l.expect(leg.InTrying)
		c.Respond(180)
		if in := l.expect(leg.InRinging); in.SDP != nil {
			t.Fatalf("ringing with %q", in.SDP)
		}
		c.Answer(answerSDP)
		if in := l.expect(leg.InAnswered); string(in.SDP) != answerSDP {
			t.Fatalf("answer %q", in.SDP)
		}
		l.sig.Ack(nil)
		c.ExpectAck()
		c.Bye()
		if in := l.expect(leg.InBye); in.Cause.Code != pbx.CauseNormal || in.Cause.By != pbx.ByCallee {
			t.Fatalf("cause %+v", in.Cause)
		}
		l.sig.Release()
		r.settle()
		if n := r.stack.Usages(); n != 0 {
			t.Fatalf("%d usages left", n)
		}
	})
}

// The exchange hangs up on the phone: CSeq grows, the dialog's tags are used.
func TestOutgoingCallEndedByUs(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.dialled(r.phone("102"))
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		bye := c.ExpectBye()
		if bye.CSeq() != 2 || bye.ToTag() == "" || !contains(bye.Get("Reason"), "cause=16") {
			t.Fatalf("BYE:\n%s", bye)
		}
		l.expect(leg.InGone)
	})
}

// Every way a phone refuses is told apart.
func TestOutgoingRefused(t *testing.T) {
	for _, tt := range []struct {
		status int
		rings  bool
		reason string
		want   pbx.CauseCode
	}{
		{486, true, "", pbx.CauseBusy},
		{600, false, "", pbx.CauseBusy},
		{603, true, "", pbx.CauseDeclined},
		{480, false, "", pbx.CauseUnreachable},
		{480, true, "", pbx.CauseNoAnswer},
		{480, true, "Q.850;cause=21", pbx.CauseDeclined},
		{408, true, "", pbx.CauseNoAnswer},
		{404, false, "", pbx.CauseNotInService},
		{488, false, "", pbx.CauseIncompatible},
		{503, false, "", pbx.CauseUnreachable},
		{302, false, "", pbx.CauseUnreachable},
	} {
		bubble(t, func(t *testing.T, r *rig) {
			p := r.phone("102")
			l := r.call(p)
			c := p.ExpectInvite()
			l.expect(leg.InTrying)
			if tt.rings {
				c.Respond(180)
				l.expect(leg.InRinging)
			}
			c.Respond(tt.status, func(m *pbxtest.Message) {
				if tt.reason != "" {
					m.Add("Reason", tt.reason)
				}
			})
			if in := l.expect(leg.InRefused); in.Cause.Code != tt.want || in.Cause.By != pbx.ByCallee {
				t.Errorf("%d: %+v, want %s", tt.status, in.Cause, tt.want)
			}
			c.ExpectAck()
			l.sig.Release()
		})
	}
}

// A phone that demands credentials gets nobody's, neither for an INVITE nor for
// a BYE.
func TestNoCredentialsForPhones(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		challenge := func(m *pbxtest.Message) {
			m.Add("WWW-Authenticate", `Digest realm="klapka", nonce="abc", algorithm=MD5, qop="auth"`)
		}
		var mu sync.Mutex
		var sent []string
		r.net.Capture(func(p pbxtest.Packet) {
			if p.From == serverAddr {
				mu.Lock()
				defer mu.Unlock()
				sent = append(sent, string(p.Data))
			}
		})
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		c.Respond(401, challenge)
		l.expect(leg.InRefused)
		p.ExpectNoInvite(time.Minute)

		c, l = r.dialled(p)
		p.Mute = true
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		c.RespondTo(c.ExpectRequest("BYE"), 401, challenge)
		l.expect(leg.InGone)
		r.settle()
		mu.Lock()
		defer mu.Unlock()
		for _, m := range sent {
			if contains(m, "uthorization:") {
				t.Fatalf("credentials were sent:\n%s", m)
			}
		}
	})
}

// A phone that is gone: repeated INVITEs, then the leg is told after 32 s.
func TestOutgoingNoResponse(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		p.Mute = true
		start := time.Now()
		l := r.call(p)
		in := l.expect(leg.InRefused)
		if d := time.Since(start); d != 32*time.Second || in.Cause.Code != pbx.CauseUnreachable {
			t.Fatalf("after %v: %+v", d, in.Cause)
		}
		if c := p.ExpectInvite(); c.Requests("INVITE") != 7 {
			t.Fatalf("%d INVITEs", c.Requests("INVITE"))
		}
	})
}

// Stopping a phone that rings: the CANCEL has the INVITE's line, Via, From, To
// and CSeq number, and says "elsewhere" only when somebody else answered (T-28).
func TestOutgoingCancelled(t *testing.T) {
	for code, elsewhere := range map[pbx.CauseCode]bool{pbx.CauseAnsweredElsewhere: true, pbx.CauseCancelled: false, pbx.CauseNoAnswer: false} {
		bubble(t, func(t *testing.T, r *rig) {
			p := r.phone("102")
			l := r.call(p)
			c := p.ExpectInvite()
			l.expect(leg.InTrying)
			c.Respond(180)
			l.expect(leg.InRinging)
			l.sig.Cancel(pbx.Cause{Code: code})
			m, inv := c.ExpectCancel(), c.InviteMessage()
			if m.URI() != inv.URI() || m.Get("Via") != inv.Get("Via") || m.Get("From") != inv.Get("From") ||
				m.Get("To") != inv.Get("To") || m.CSeq() != inv.CSeq() {
				t.Errorf("CANCEL does not match:\n%s\n%s", inv, m)
			}
			if got := contains(m.Get("Reason"), "SIP;cause=200"); got != elsewhere {
				t.Errorf("%s: Reason %q", code, m.Get("Reason"))
			}
			if in := l.expect(leg.InRefused); in.Cause.Code != pbx.CauseCancelled {
				t.Errorf("cause %+v", in.Cause)
			}
			c.ExpectAck()
		})
	}
}

// The phone answers while the CANCEL is on its way: the answer counts, is
// acknowledged and ended.
func TestOutgoingAnswerCrossesCancel(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		p.Edit = func(m *pbxtest.Message) bool { return m.Status() != 487 }
		l.sig.Cancel(pbx.Cause{Code: pbx.CauseCancelled})
		c.ExpectCancel()
		c.Answer(answerSDP)
		l.expect(leg.InAnswered)
		l.sig.Ack(nil)
		l.sig.Bye(pbx.Cause{Code: pbx.CauseCancelled})
		c.ExpectAck()
		c.ExpectBye()
		l.expect(leg.InGone)
	})
}

// A phone that ignores a CANCEL is given up after 32 s; should it answer later,
// it is told that the call is over.
func TestOutgoingCancelIgnored(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		p.Edit = func(m *pbxtest.Message) bool { return m.Status() != 487 }
		l.sig.Cancel(pbx.Cause{Code: pbx.CauseCancelled})
		start := time.Now()
		l.expect(leg.InRefused)
		if d := time.Since(start); d != 32*time.Second {
			t.Fatalf("given up after %v", d)
		}
		c.Answer(answerSDP)
		c.ExpectAck()
		c.ExpectBye()
		l.quiet()
	})
}

// A repeated 200 is acknowledged again (the first ACK was lost).
func TestOutgoingAckAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		c.Answer(answerSDP)
		l.expect(leg.InAnswered)
		time.Sleep(1600 * time.Millisecond) // repeated twice, before our leg makes up its mind
		synctest.Wait()
		if n := c.Requests("ACK"); n != 0 {
			t.Fatalf("%d ACKs before the leg wanted one", n)
		}
		l.sig.Ack(nil)
		c.ExpectAck()
		for range 2 {
			c.Answer(answerSDP)
			c.ExpectAck()
		}
		l.quiet()
	})
}

// Behind a proxy two phones ring and both answer: the first counts, the second
// is acknowledged and hung up without the leg hearing of it.
func TestOutgoingForked(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		a := p.ExpectInvite()
		b := a.Fork()
		l.expect(leg.InTrying)
		a.Progress("v=0\r\na")
		if in := l.expect(leg.InRinging); string(in.SDP) != "v=0\r\na" {
			t.Fatalf("early %q", in.SDP)
		}
		b.Progress("v=0\r\nb")
		if in := l.expect(leg.InRinging); string(in.SDP) != "v=0\r\nb" {
			t.Fatalf("early %q", in.SDP)
		}
		a.Answer(answerSDP)
		synctest.Wait()
		b.Answer(otherSDP)
		if in := l.expect(leg.InAnswered); string(in.SDP) != answerSDP {
			t.Fatalf("answer %q", in.SDP)
		}
		l.sig.Ack(nil)
		a.ExpectAck()
		b.ExpectAck()
		if bye := b.ExpectBye(); bye.ToTag() == "" {
			t.Fatalf("BYE:\n%s", bye)
		}
		l.quiet()
		if a.Requests("BYE") != 0 {
			t.Fatal("the first fork was hung up")
		}
		a.Bye()
		l.expect(leg.InBye)
	})
}

// Names and numbers from the store cannot add headers or end an address (P16).
func TestP16InjectionByNames(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		r.call(p, func(d *leg.Dialing) {
			d.From = pbx.PartyInfo{Number: "10>1\r\nX: y", Name: "Eve\" <sip:boss@klapka>\r\nRoute: <sip:evil>\x00\\"}
		})
		inv := p.ExpectInvite().InviteMessage()
		if inv.Get("X") != "" || inv.Get("Route") != "" {
			t.Fatalf("a header got in:\n%s", inv)
		}
		for _, name := range []string{"From", "P-Asserted-Identity"} {
			if v := inv.Get(name); strings.ContainsAny(v, "\r\n\x00") ||
				!contains(v, `"Eve\" <sip:boss@klapka>  Route: <sip:evil> \\"`, "<sip:10%3E1%0D%0AX%3A%20y@") {
				t.Fatalf("%s: %q", name, v)
			}
		}
	})
}

// A withheld number stays withheld.
func TestOutgoingAnonymous(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		r.call(p, func(d *leg.Dialing) { d.From = pbx.PartyInfo{} })
		inv := p.ExpectInvite().InviteMessage()
		if !contains(inv.Get("From"), "anonymous@anonymous.invalid") || inv.Get("P-Asserted-Identity") != "" {
			t.Fatalf("INVITE:\n%s", inv)
		}
	})
}

// The way through a proxy that put itself into Path is taken, and within the
// dialog the one through Record-Route.
func TestOutgoingRoutes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p, func(d *leg.Dialing) { d.Binding.Path = []string{"<sip:edge.example;lr>"} })
		c := p.ExpectInvite()
		if got := c.InviteMessage().All("Route"); len(got) != 1 || !contains(got[0], "sip:edge.example;lr") {
			t.Fatalf("routes %v", got)
		}
		l.expect(leg.InTrying)
		c.Answer(answerSDP, func(m *pbxtest.Message) {
			m.Add("Record-Route", "<sip:b.example;lr>, <sip:a.example;lr>")
			m.Set("Contact", `"Q;x" <sip:102@10.9.8.7:9;x=y>;+sip.instance="<urn:uuid:1;2>"`) // P15
		})
		l.expect(leg.InAnswered)
		l.sig.Ack(nil)
		ack := c.ExpectAck()
		if got := fmt.Sprint(ack.All("Route")); ack.URI() != "sip:102@10.9.8.7:9;x=y" || got != "[<sip:a.example;lr> <sip:b.example;lr>]" {
			t.Fatalf("ACK by %s:\n%s", got, ack)
		}
	})
}

// What is wrong before anything was sent is an error.
func TestDialErrors(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		for _, b := range []pbx.Binding{
			{Edge: "nowhere", Contact: "sip:102@192.0.2.102", Remote: serverAddr},
			{Edge: "udp", Contact: "102", Remote: serverAddr},
			{Edge: "udp", Contact: "sip:102@192.0.2.102", Path: []string{"<"}, Remote: serverAddr},
		} {
			if _, err := r.stack.dial(leg.Dialing{Binding: b}, newFakeLeg(t), "x"); err == nil {
				t.Errorf("%+v was dialled", b)
			}
		}
		// A connection that is gone is an outcome.
		l := newFakeLeg(t)
		b := pbx.Binding{Edge: "tcp", Contact: "sip:102@192.0.2.102;transport=tcp", Remote: serverAddr, ConnID: 77}
		if _, err := r.stack.dial(leg.Dialing{Binding: b}, l, "y"); err != nil {
			t.Fatal(err)
		}
		if in := l.expect(leg.InRefused); in.Cause.Code != pbx.CauseUnreachable {
			t.Fatalf("cause %+v", in.Cause)
		}
	})
}
