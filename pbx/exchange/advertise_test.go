package exchange

import (
	"net/netip"
	"strings"
	"testing"

	"klapka.dev/klapka/pbx/pbxtest"
)

// A machine with two networks: phones of each are told the address by which they
// reach it, and phones of one can call those of the other.
func TestEachListenerHasItsOwnAddress(t *testing.T) {
	vpn := netip.MustParseAddrPort("10.8.0.1:5060")
	prepared(t, 1, func(r *rig) {
		r.more = func(o *Options) {
			o.SIPUDP = append(o.SIPUDP, vpn)
			o.SIPAdvertiseFor = map[netip.AddrPort]netip.AddrPort{vpn: netip.MustParseAddrPort("203.0.113.7:5070")}
		}
	}, func(r *rig) {
		conn, err := r.net.ListenPacket(netip.MustParseAddrPort("10.8.0.20:5060"))
		if err != nil {
			t.Fatal(err)
		}
		far := pbxtest.NewPhone(r.t, conn, vpn, "102", "klapka-demo-102")
		r.phones = append(r.phones, far)
		far.Register()
		call := r.phone("101", annaAddr).Invite("102", sdpAt(annaRTP))
		in := far.ExpectInvite()
		if m := in.InviteMessage(); !strings.Contains(m.Get("Contact"), "@203.0.113.7:5070>") || !strings.Contains(m.Get("Via"), " 203.0.113.7:5070;") {
			t.Errorf("INVITE:\n%s", m)
		}
		in.Answer(sdpAt(pavelRTP))
		if res := call.Expect(200); !strings.Contains(res.Get("Contact"), "@10.0.0.1:5060>") {
			t.Errorf("answer:\n%s", res)
		}
		call.Ack()
		in.ExpectAck()
		call.Bye()
		in.ExpectBye()
	})
}
