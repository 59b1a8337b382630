package exchange

import (
	"net/netip"
	"strings"
	"testing"

	"klapka.dev/klapka/pbx/pbxtest"
)

// A softphone in a page registers through the web server's /ws, calls a desk
// phone and is called by one: same dial plan, same records.
func TestSoftphoneOnWebSocket(t *testing.T) {
	web := netip.MustParseAddrPort("10.0.0.1:8080")
	prepared(t, 1, func(r *rig) { r.http = []netip.AddrPort{web} }, func(r *rig) {
		from := netip.MustParseAddrPort("10.0.0.30:4000")
		ws, err := r.net.DialWebSocket(r.t.Context(), from, "ws://10.0.0.1:8080/ws", "sip", nil)
		if err != nil {
			t.Fatal(err)
		}
		page := pbxtest.NewSocketPhone(r.t, ws, from, sipAddr, "101", "klapka-demo-101")
		r.phones = append(r.phones, page)
		page.Register()
		pavel := r.phone("102", pavelAddr)

		call := page.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		if res := call.Expect(200); !strings.Contains(res.Get("Contact"), "10.0.0.1:8080;transport=ws") {
			t.Errorf("the page is told to come back to %s", res.Get("Contact"))
		}
		call.Ack()
		in.ExpectAck()
		call.Bye()
		in.ExpectBye()
		r.wantOutcome("101→102 normal by caller, answered by 102; 101 normal; 102 normal")

		call = pavel.Invite("101", sdpAt(pavelRTP))
		in = page.ExpectInvite()
		if via := in.InviteMessage().Get("Via"); !strings.HasPrefix(via, "SIP/2.0/WS 10.0.0.1:8080") {
			t.Errorf("Via %s", via)
		}
		in.Answer(sdpAt(annaRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		call.Bye()
		in.ExpectBye()
	})
}
