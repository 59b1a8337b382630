package exchange

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

// A phone on TCP, on a network without NAT, is called after a restart of ours
// although it has not noticed: by a new connection to where it listens.
func TestTCPPhoneIsCalledAfterRestart(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna := r.phone("101", annaAddr)
		at := netip.MustParseAddrPort("10.0.0.30:5060")
		listener, err := r.net.Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := r.net.Dial(r.t.Context(), netip.AddrPortFrom(at.Addr(), 41000), sipAddr)
		if err != nil {
			t.Fatal(err)
		}
		before := pbxtest.NewStreamPhone(r.t, conn, sipAddr, "102", "klapka-demo-102")
		r.phones = append(r.phones, before)
		before.Request("REGISTER", "sip:10.0.0.1", func(m *pbxtest.Message) { m.Set("Contact", "<sip:102@10.0.0.30;transport=tcp>") })
		synctest.Wait()
		r.end()
		before.Close()
		r.start()

		again := make(chan *pbxtest.Phone, 1)
		go func() {
			if c, err := listener.Accept(); err == nil {
				again <- pbxtest.NewStreamPhone(r.t, c, sipAddr, "102", "klapka-demo-102")
			}
		}()
		call := anna.Invite("102", sdpAt(annaRTP))
		after := <-again
		r.phones = append(r.phones, after)
		in := after.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		time.Sleep(time.Second)
		call.Bye()
		in.ExpectBye()
		r.wantOutcome("101→102 normal by caller, answered by 102; 101 normal; 102 normal")
		_ = listener.Close()
	})
}
