package sip

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"

	"klapka.dev/klapka/pbx/leg"
)

// The public address changes in the middle of calls: phones that allow UPDATE
// hear the new one by that, others by a re-INVITE of what was agreed on, and new
// calls name it at once.
func TestCallsLearnOurNewAddress(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		conn, err := r.net.ListenPacket(netip.MustParseAddrPort("192.0.2.9:3478"))
		if err != nil {
			t.Fatal(err)
		}
		var where atomic.Pointer[stun.XORMappedAddress]
		at := func(ip string) {
			where.Store(&stun.XORMappedAddress{IP: netip.MustParseAddr(ip).AsSlice(), Port: 5060})
		}
		at("192.0.2.1")
		go func() {
			buf := make([]byte, 1500)
			for {
				n, from, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
				if m.Decode() != nil {
					continue
				}
				if res, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess, where.Load()); err == nil {
					_, _ = conn.WriteTo(res.Raw, from)
				}
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.stack.FollowSTUN(ctx, "192.0.2.9"); close(done) }()

		updating, la, _ := r.timedCall(set("Allow", "INVITE, UPDATE"))
		inviting, lb := r.timedDial(set("Allow", "INVITE"))
		time.Sleep(time.Minute)
		if updating.Requests("UPDATE")+inviting.Requests("INVITE") != 1 {
			t.Fatal("something was said without a reason")
		}
		at("198.51.100.4")
		m := updating.ExpectRequest("UPDATE")
		if !strings.Contains(m.Get("Contact"), "@198.51.100.4:5060") || m.Get("Session-Expires") != "" {
			t.Errorf("UPDATE:\n%s", m)
		}
		updating.RespondTo(m, 200)
		m = inviting.ExpectRequest("INVITE")
		if !strings.Contains(m.Get("Contact"), "@198.51.100.4:5060") || string(m.Body) != offerSDP {
			t.Errorf("re-INVITE:\n%s", m)
		}
		inviting.RespondTo(m, 200)
		inviting.ExpectAck()
		p := r.phone("103")
		l := r.call(p)
		c := p.ExpectInvite()
		if inv := c.InviteMessage(); !strings.Contains(inv.Get("Contact"), "198.51.100.4") || !strings.Contains(inv.Get("Via"), "198.51.100.4") {
			t.Errorf("INVITE:\n%s", inv)
		}
		l.expect(leg.InTrying)
		c.Respond(486)
		l.expect(leg.InRefused)
		synctest.Wait()
		la.quiet()
		lb.quiet()
		cancel()
		<-done
		_ = conn.Close()
	})
}
