package sip

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// P1: CANCEL and answer at the same moment. Whoever wins, the caller hears one
// final response and never a ghost of the other.
func TestP1CancelMeetsAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		for range 40 {
			c := p.Invite("102", offerSDP)
			l := r.incoming()
			go l.sig.Answer([]byte(answerSDP))
			c.SendCancel()
			if c.Expect(200, 487).Status() == 200 {
				c.Ack()
				l.expect(leg.InAcked)
				l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
				c.ExpectBye()
			} else if in := waitFor(l, leg.InLost); in.Cause.Code != pbx.CauseCancelled {
				// InCancelled would be ignored by a leg that believes to have answered.
				t.Fatalf("cause %+v", in.Cause)
			}
			l.sig.Release()
			r.settle()
			if c.Seen(200) > 0 && c.Seen(487) > 0 {
				t.Fatalf("%d times 200 and %d times 487", c.Seen(200), c.Seen(487))
			}
		}
	})
}

// stubborn is a server transaction whose CANCEL won between our look and our
// answer, as the library shows it.
type stubborn struct {
	sip.ServerTransaction
	repeats int // the status it would repeat now
}

func (s *stubborn) Respond(res *sip.Response) error {
	s.repeats = res.StatusCode
	return sip.ErrTransactionCanceled
}

// P1: the library keeps the refused 200 as the response to repeat; the 487 is
// put back at once.
func TestP1GhostAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		u := r.stack.table.find(string(l.inv.Leg))
		tx := &stubborn{}
		s := &inviteServer{u: u, req: u.first.req, tx: tx}
		if s.answer([]byte(answerSDP)) || tx.repeats != 487 {
			t.Fatalf("the transaction repeats %d", tx.repeats)
		}
		if s.answer([]byte(answerSDP)); s.repeat != nil {
			t.Fatal("answered again")
		}
		c.Bye()
	})
}

// P2: the transaction tells of a CANCEL holding its lock; whatever the leg does
// at once must not wait for that lock.
func TestP2CancelUnderLock(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c := p.Invite("102", offerSDP)
		l := r.incoming()
		done := make(chan struct{})
		go func() {
			l.expect(leg.InCancelled)
			l.sig.Ring(nil)
			l.sig.Answer([]byte(answerSDP))
			l.sig.Reject(pbx.Cause{Code: pbx.CauseBusy})
			l.sig.Release()
			close(done)
		}()
		c.Cancel()
		<-done
		c.Expect(487)
		r.settle()
		if c.Seen(486) != 0 || c.Seen(200) != 0 || c.Seen(487) != 1 {
			t.Fatal("something was said after the 487")
		}
	})
}

// P2, P5: a CANCEL that comes with the INVITE, or while the caller is still being
// looked up: 487 with the tag of the 100, and no leg.
func TestP2CancelBeforeTheLeg(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second} {
		bubble(t, func(t *testing.T, r *rig) {
			r.door.slow = 2 * time.Second
			p := r.phone("101")
			sent := make(chan struct{}, 1)
			p.Edit = func(m *pbxtest.Message) bool {
				if m.Method() == "INVITE" && m.Get("Proxy-Authorization") != "" {
					sent <- struct{}{}
				}
				return true
			}
			c := p.Invite("102", offerSDP)
			<-sent
			time.Sleep(after)
			if res := c.Cancel(); res.Status() != 200 && res.Status() != 481 {
				t.Fatalf("CANCEL was answered:\n%s", res)
			} else if res.Status() == 481 {
				return // it was there before its INVITE
			}
			c.Expect(487)
			time.Sleep(time.Minute)
			r.noLeg()
			if n := r.stack.Usages(); n != 0 {
				t.Fatalf("%d usages left", n)
			}
		})
	}
}

// P4: a defect met while a call is made ends that call with 500, and nothing
// else; the next call works.
func TestP4Panic(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		r.panics = true
		p.Invite("102", offerSDP).Expect(500)
		synctest.Wait()
		if r.stack.Counts().Panics.Load() != 1 || r.stack.Usages() != 0 {
			t.Fatalf("%d panics, %d usages", r.stack.Counts().Panics.Load(), r.stack.Usages())
		}
		r.panics = false
		r.answered(p)
	})
}

// P4: a defect in a dialog answers the request that met it, and the dialog
// lives.
func TestP4PanicInDialog(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, l := r.answered(r.phone("101"))
		u := r.stack.table.find(string(l.inv.Leg))
		real := u.leg
		u.leg = faulty{}
		if res := c.Digit('1'); res.Status() != 200 { // answered before the defect
			t.Fatalf("INFO was answered:\n%s", res)
		}
		u.q.do(func() { u.leg = real })
		c.Bye()
		l.expect(leg.InBye)
		if r.stack.Counts().Panics.Load() != 1 {
			t.Fatal("the defect was not counted")
		}
	})
}

type faulty struct{}

func (faulty) Post(leg.Input) { panic("leg") }

// P5: 100, 180, 183, 200 and, in another call, 401 and 487 carry one To-tag: the
// leg's.
func TestP5OneTag(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var mu sync.Mutex
		tags := make(map[string]map[string]bool) // by Call-ID and CSeq
		r.net.Capture(func(p pbxtest.Packet) {
			m, err := pbxtest.ParseMessage(p.Data)
			if err != nil || p.From != serverAddr || m.Status() == 0 || m.Method() != "INVITE" {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			key := m.Get("Call-ID") + m.Get("CSeq")
			if tags[key] == nil {
				tags[key] = make(map[string]bool)
			}
			tags[key][m.ToTag()] = true
		})
		p := r.phone("101")
		c := p.Invite("102", offerSDP)
		l := r.incoming()
		l.sig.Ring(nil)
		l.sig.Ring([]byte(answerSDP))
		l.sig.Answer([]byte(answerSDP))
		c.Expect(200)
		c.Ack()
		c = p.Invite("103", offerSDP)
		l = r.incoming()
		l.sig.Ring(nil)
		c.Expect(180)
		c.Cancel()
		c.Expect(487)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(tags) != 4 {
			t.Fatalf("%d transactions", len(tags))
		}
		for key, set := range tags {
			if len(set) != 1 || set[""] {
				t.Errorf("%s: tags %v", key, set)
			}
		}
	})
}

// P7, P19: two phones on TCP. What is meant for the first goes on its own
// connection, whatever port its Contact names, and never on the last accepted.
func TestP7P19Streams(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		a, b := r.streamPhone("101"), r.streamPhone("102")
		for _, p := range []*pbxtest.Phone{a, b} {
			p.Request("OPTIONS", "sip:klapka")
		}
		onTCP := func(d *leg.Dialing) { d.Binding.Edge = "tcp" }
		c, l := r.dialled(a, onTCP, func(d *leg.Dialing) { d.Binding.Contact = "sip:101@192.0.2.101:9;transport=tcp" })
		if got := c.InviteMessage().Get("Contact"); !contains(got, "transport=tcp") {
			t.Fatalf("Contact %q", got)
		}
		b.ExpectNoInvite(time.Second)
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		c.ExpectBye()
		l.expect(leg.InGone)

		c, l = r.answered(b)
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		c.ExpectBye()
		l.expect(leg.InGone)
	})
}

// P13: an answer larger than an Ethernet frame arrives over UDP.
func TestP13LargeAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.phone("101").Invite("102", offerSDP)
		big := answerSDP + strings.Repeat("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", 100)
		r.incoming().sig.Answer([]byte(big))
		if res := c.Expect(200); string(res.Body) != big {
			t.Fatalf("%d bytes arrived of %d", len(res.Body), len(big))
		}
		c.Ack()
	})
}

// P14: compact header names mean the same.
func TestP14CompactHeaders(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Edit = func(m *pbxtest.Message) bool {
			short := map[string]string{"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m", "Content-Type": "c"}
			for i, h := range m.Headers {
				if s, ok := short[h.Name]; ok {
					m.Headers[i].Name = s
				}
			}
			return true
		}
		c, l := r.answered(p)
		if string(l.inv.Offer) != offerSDP {
			t.Fatalf("offer %q", l.inv.Offer)
		}
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if bye := c.ExpectBye(); bye.URI() != p.Contact() {
			t.Fatalf("BYE goes to %s", bye.URI())
		}
	})
}

// P15: a Contact with quoted semicolons and commas in its parameters leads back
// to the phone.
func TestP15QuotedContact(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		c := p.Invite("102", offerSDP, func(m *pbxtest.Message) {
			m.Set("Contact", `"A, <b>;c" <sip:101@192.0.2.101:5060;ob>;pub-gruu="sip:x@y;gr=z,1";+sip.instance="<urn:uuid:1>"`)
		})
		l := r.incoming()
		l.sig.Answer([]byte(answerSDP))
		c.Expect(200)
		c.Ack()
		l.expect(leg.InAcked)
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if bye := c.ExpectBye(); bye.URI() != "sip:101@192.0.2.101:5060;ob" {
			t.Fatalf("BYE goes to %s", bye.URI())
		}
	})
}

// P17: an ACK for a 200 counts whether it has a branch of its own or the
// INVITE's.
func TestP17AckWithInviteBranch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		var via string
		p.Edit = func(m *pbxtest.Message) bool {
			switch m.Method() {
			case "INVITE":
				via = m.Get("Via")
			case "ACK":
				m.Set("Via", via)
			}
			return true
		}
		c, l := r.answered(p) // waits for the leg to hear of the ACK
		r.settle()
		if c.Seen(200) != 1 {
			t.Fatalf("%d times 200", c.Seen(200))
		}
		l.quiet()
	})
}

// P18: more provisional responses than anybody expects, repeated ones among
// them, and CSeq numbers of both directions that have nothing to do with one
// another.
func TestP18ManyProvisionals(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		for range 30 {
			c.Respond(180)
			c.Respond(183)
		}
		l.expect(leg.InRinging)
		synctest.Wait()
		l.quiet()
		c.Answer(answerSDP)
		l.expect(leg.InAnswered)
		l.sig.Ack(nil)
		c.ExpectAck()
		c.Request("OPTIONS", func(m *pbxtest.Message) { m.Set("CSeq", "4711 OPTIONS") })
		l.sig.Bye(pbx.Cause{Code: pbx.CauseNormal})
		if bye := c.ExpectBye(); bye.CSeq() != 2 {
			t.Fatalf("BYE has CSeq %d", bye.CSeq())
		}
		l.expect(leg.InGone)
	})
}

// P20: a leg that does not act on anything keeps no transaction from going on:
// responses are always taken.
func TestP20ResponsesAreDrained(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("102")
		l := r.call(p)
		c := p.ExpectInvite()
		l.expect(leg.InTrying)
		u := r.stack.table.find(string(l.id))
		block := make(chan struct{})
		u.q.do(func() { <-block })
		for range 20 {
			c.Respond(183)
		}
		c.Respond(486)
		c.ExpectAck() // by the transaction, though the usage stands still
		close(block)
		l.expect(leg.InRefused)
	})
}

// P21: OPTIONS and refused methods leave no transaction behind for 32 s.
func TestP21NothingStaysBehind(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := r.phone("101")
		p.Request("OPTIONS", "sip:klapka")
		synctest.Wait()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		const n = 1000
		for range n {
			m := &pbxtest.Message{Start: "OPTIONS sip:klapka SIP/2.0"}
			m.Add("Via", "SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK"+pbx.NewID())
			m.Add("From", "<sip:101@x>;tag=a")
			m.Add("To", "<sip:klapka>")
			m.Add("Call-ID", pbx.NewID())
			m.Add("CSeq", "1 OPTIONS")
			p.SendRaw(m.Bytes())
			p.ExpectStray()
		}
		synctest.Wait()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > n*1024 {
			t.Fatalf("%d bytes kept for each", grown/n)
		}
	})
}
