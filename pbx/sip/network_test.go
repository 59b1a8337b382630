package sip

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// P24: a connection breaks in the middle of a call. The phone has 32 s to come
// back; if it does, the call goes on by the new connection.
func TestP24ConnectionLost(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.streamPhone("101")
		_, l := r.answered(p)
		p.Close()
		time.Sleep(30 * time.Second)
		l.quiet()
		in := l.expect(leg.InLost)
		if in.Cause.Code != pbx.CauseNetwork {
			t.Fatalf("cause %+v", in.Cause)
		}
		l.sig.Bye(in.Cause)
		l.expect(leg.InGone)
		l.sig.Release()
	})
	bubble(t, func(t *testing.T, r *rig) {
		p := r.streamPhone("101")
		_, l := r.answered(p)
		p.Close()
		time.Sleep(10 * time.Second)
		again := r.streamPhone("101")
		again.Invite("103", offerSDP)
		r.incoming()
		flow := r.door.last.Load()
		r.mu.Lock()
		r.regs["dev-101"] = []pbx.Binding{{Edge: "tcp", Remote: again.Addr(), ConnID: flow.ConnID}}
		r.mu.Unlock()
		time.Sleep(time.Minute)
		l.quiet()
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if m := again.ExpectStray(); m.Method() != "BYE" {
			t.Fatalf("the phone got:\n%s", m)
		}
		l.expect(leg.InGone)
	})
}

// P24: a connection that breaks while it rings ends the leg of either direction.
func TestP24ConnectionLostWhileRinging(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.streamPhone("101")
		p.Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Ring(nil)
		synctest.Wait()
		p.Close()
		l.expect(leg.InLost)
		l.sig.Reject(pbx.Cause{Code: pbx.CauseNetwork})
		l.sig.Release()

		q := r.streamPhone("103")
		q.Request("OPTIONS", "sip:klapka")
		l = r.call(q, func(d *leg.Dialing) { d.Binding.Edge = "tcp" })
		q.ExpectInvite()
		l.expect(leg.InTrying)
		q.Close()
		if in := l.expect(leg.InRefused); in.Cause.Code != pbx.CauseNetwork {
			t.Fatalf("cause %+v", in.Cause)
		}
		l.sig.Release()
	})
}

// A phone behind NAT whose router changes the port is followed: our BYE goes to
// where its last request came from.
func TestFlowFollowsThePeer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		conn, err := r.net.ListenPacket(netip.MustParseAddrPort("192.0.2.101:6666"))
		if err != nil {
			t.Fatal(err)
		}
		moved := pbxtest.NewPhone(t, conn, serverAddr, "101", "")
		moved.Request("INFO", "sip:102@192.0.2.1", func(m *pbxtest.Message) {
			m.Set("From", c.InviteMessage().Get("From"))
			m.Set("To", c.InviteMessage().Get("To")+";tag="+string(l.inv.Leg))
			m.Set("Call-ID", c.ID)
			m.Set("CSeq", "50 INFO")
		})
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if m := moved.ExpectStray(); m.Method() != "BYE" {
			t.Fatalf("the phone got:\n%s", m)
		}
		l.expect(leg.InGone)
	})
}

// Calls work over a network that loses, doubles and mixes up packets.
func TestBadNetwork(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.net.SetLink(pbxtest.Link{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.2, Duplicate: 0.1, Reorder: 0.1})
		p, q := r.phone("101"), r.phone("102")
		for range 10 {
			c := p.Invite("102", offerSDP)
			in := r.incoming()
			out := r.call(q)
			d := q.ExpectInvite()
			d.Respond(180)
			in.sig.Ring(nil)
			d.Answer(answerSDP)
			waitFor(out, leg.InAnswered)
			out.sig.Ack(nil)
			in.sig.Answer([]byte(answerSDP))
			c.Expect(200)
			c.Ack()
			waitFor(in, leg.InAcked)
			d.ExpectAck()
			c.Bye()
			waitFor(in, leg.InBye)
			in.sig.Release()
			out.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
			waitFor(out, leg.InGone)
			out.sig.Release()
		}
		r.settle()
		if n := r.stack.Usages(); n != 0 {
			t.Fatalf("%d usages left", n)
		}
	})
}

// waitFor passes over other inputs.
func waitFor(l *fakeLeg, kind leg.InputKind) leg.Input {
	l.t.Helper()
	timeout := time.After(3 * time.Minute)
	for {
		select {
		case in := <-l.inputs:
			if in.Kind == kind {
				return in
			}
		case <-timeout:
			l.t.Fatalf("leg was not told %v", kind)
		}
	}
}

// listening starts a phone on TCP that waits for a connection of ours, as one
// does that registered before our restart; where is its registration.
func (r *rig) listening(number string) (connected chan *pbxtest.Phone, where func(*leg.Dialing)) {
	r.t.Helper()
	at := netip.MustParseAddrPort("192.0.2." + number + ":5060")
	l, err := r.net.Listen(at)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = l.Close() })
	connected = make(chan *pbxtest.Phone, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		connected <- pbxtest.NewStreamPhone(r.t, conn, serverAddr, number, "")
	}()
	return connected, func(d *leg.Dialing) {
		d.To.Number = number
		d.Binding = pbx.Binding{
			Device: "dev-" + number, Username: number, Edge: "tcp", ConnID: 7,
			Contact: "sip:" + number + "@" + at.String() + ";transport=tcp", Remote: netip.AddrPortFrom(at.Addr(), 41000),
		}
	}
}

// A phone that registered over TCP before our restart is called by a new
// connection; the call lives on it, and the next one takes it too.
func TestOutgoingAfterRestart(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.far = 300 * time.Millisecond
		connected, where := r.listening("102")
		phone := r.phone("103") // for its number only
		l := r.call(phone, where)
		p := <-connected
		for range 2 {
			c := p.ExpectInvite()
			l.expect(leg.InTrying)
			c.Answer(answerSDP)
			l.expect(leg.InAnswered)
			l.sig.Ack(nil)
			c.ExpectAck()
			c.Bye()
			l.expect(leg.InBye)
			l.sig.Release()
			l = r.call(phone, where)
		}
		p.ExpectInvite().Respond(486)
		l.expect(leg.InTrying)
		l.expect(leg.InRefused)
		p.Close()
	})
}

// A call given up while its phone is still being connected to never rings there,
// nor does one to a phone that cannot be reached keep anybody waiting.
func TestOutgoingGivenUpWhileConnecting(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.far = 2 * time.Second
		connected, where := r.listening("102")
		l := r.call(r.phone("103"), where)
		time.Sleep(time.Second)
		l.sig.Cancel(pbx.Cause{Code: pbx.CauseCancelled})
		if in := l.expect(leg.InRefused); in.Cause.Code != pbx.CauseCancelled {
			t.Fatalf("cause %+v", in.Cause)
		}
		p := <-connected
		p.ExpectNoInvite(time.Minute)
		p.Close()

		gone := func(d *leg.Dialing) {
			where(d)
			d.Binding.Contact, d.Binding.Remote = "sip:104@192.0.2.104", netip.MustParseAddrPort("192.0.2.104:41000")
		}
		if in := r.call(r.phone("105"), gone).expect(leg.InRefused); in.Cause.Code != pbx.CauseUnreachable {
			t.Fatalf("cause %+v", in.Cause)
		}
	})
}

// Calls over IPv6, in both directions: addresses stand in brackets wherever they
// are written, and what is written leads back.
func TestIPv6(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		conn, err := r.net.ListenPacket(netip.MustParseAddrPort("[2001:db8::101]:5060"))
		if err != nil {
			t.Fatal(err)
		}
		p := pbxtest.NewPhone(t, conn, serverAddr6, "101", "secret-101")
		p.Domain = "[2001:db8::1]"
		c := p.Invite("102", offerSDP)
		l := r.incoming()
		if l.inv.Remote != "[2001:db8::101]:5060" || l.inv.Dialled != "102" {
			t.Fatalf("%+v", l.inv)
		}
		l.sig.Answer([]byte(answerSDP))
		if res := c.Expect(200); res.Get("Contact") != "<sip:102@[2001:db8::1]:5060>" {
			t.Fatalf("answer:\n%s", res)
		}
		c.Ack()
		l.expect(leg.InAcked)
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if bye := c.ExpectBye(); bye.URI() != "sip:101@[2001:db8::101]:5060" {
			t.Fatalf("BYE:\n%s", bye)
		}
		l.expect(leg.InGone)

		c, l = r.dialled(p, func(d *leg.Dialing) { d.Binding.Edge = "udp6" })
		inv := c.InviteMessage()
		for name, want := range map[string]string{
			"Via": "SIP/2.0/UDP [2001:db8::1]:5060;", "Contact": "<sip:101@[2001:db8::1]:5060>",
			"From": "<sip:101@[2001:db8::1]:5060>", "To": "<sip:101@[2001:db8::1]:5060>", "P-Asserted-Identity": "<sip:101@[2001:db8::1]:5060>",
		} {
			if !contains(inv.Get(name), want) {
				t.Errorf("%s: %s", name, inv.Get(name))
			}
		}
		c.Bye()
		l.expect(leg.InBye)
	})
}
