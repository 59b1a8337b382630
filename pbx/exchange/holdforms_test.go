package exchange

import (
	"strings"
	"testing"
	"testing/synctest"

	"klapka.dev/klapka/pbx/pbxtest"
)

// Every way in which phones say hold is understood, by re-INVITE and by UPDATE,
// and the other phone hears nothing of the signalling.
func TestHoldForms(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		state := func() string {
			synctest.Wait()
			return r.x.calls.Calls()[0].Legs[0].State
		}
		for form, sdp := range map[string]string{
			"sendonly": sdpAt(annaRTP, "a=sendonly"), "inactive": sdpAt(annaRTP, "a=inactive"),
			"0.0.0.0": strings.Replace(sdpAt(annaRTP), "c=IN IP4 10.", "c=IN IP4 0.0.0.0\r\nx=", 1),
			"::":      strings.Replace(sdpAt(annaRTP), "c=IN IP4 10.", "c=IN IP6 ::\r\nx=", 1),
		} {
			for how, offer := range map[string]func(string) *pbxtest.Message{
				"re-INVITE": func(s string) *pbxtest.Message { return call.Reinvite(s) }, "UPDATE": call.Update,
			} {
				if m := offer(sdp); m.Status() != 200 || state() != "held" {
					t.Errorf("%s by %s: %q after\n%s", form, how, state(), m)
				}
				if m := offer(sdpAt(annaRTP)); m.Status() != 200 || state() == "held" {
					t.Errorf("resume from %s by %s: %q after\n%s", form, how, state(), m)
				}
			}
		}
		if n := in.Requests("INVITE"); n > 1 {
			t.Error("the other phone was bothered")
		}
		call.Bye()
		in.ExpectBye()
	})
}
