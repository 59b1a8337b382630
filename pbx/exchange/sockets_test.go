package exchange

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

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
		// A page has no address: it makes names up, as JsSIP does (RFC 7118 §5).
		page.Edit = func(m *pbxtest.Message) bool {
			for i, h := range m.Headers {
				m.Headers[i].Value = strings.ReplaceAll(h.Value, from.String(), "kf7v0q1w3x2d.invalid")
				if h.Name == "Contact" && m.Method() == "REGISTER" {
					m.Headers[i].Value += `;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:7f6c9b1e-0b5e-4a0c-9f4c-0a9f2b1c3d4e>";expires=600`
				}
			}
			return true
		}
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
		if m := in.InviteMessage(); !strings.HasPrefix(m.Get("Via"), "SIP/2.0/WS 10.0.0.1:8080") || m.URI() != "sip:101@kf7v0q1w3x2d.invalid;transport=ws" {
			t.Errorf("the page is called by\n%s", m)
		}
		in.Answer(sdpAt(annaRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		call.Bye()
		in.ExpectBye()

		// The page is closed: its registration goes with the socket.
		page.Close()
		synctest.Wait()
		pavel.Invite("101", sdpAt(pavelRTP)).Expect(480, 404)
	})
}
