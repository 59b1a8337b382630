package exchange

import (
	"strings"
	"testing"

	"klapka.dev/klapka/media/sdp"
)

// A caller who would like a wide band is answered with what the callee has, as
// long as both have it: nothing is ever converted without need.
func TestCommonCodecIsUsed(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		wide := strings.Replace(sdpAt(annaRTP), "RTP/AVP 8 0", "RTP/AVP 9 0 8", 1)
		call := anna.Invite("102", wide)
		in := pavel.ExpectInvite()
		if offer := string(in.InviteMessage().Body); !strings.Contains(offer, "RTP/AVP 9 8 0 ") {
			t.Errorf("the callee is offered\n%s", offer)
		}
		in.Answer(sdpAt(pavelRTP))
		answer := call.Expect(200).Body
		d, err := sdp.Parse([]byte(answer))
		if err != nil || d.Media[0].Codecs[0].Name != sdp.PCMA {
			t.Errorf("the caller is answered with\n%s", answer)
		}
		call.Ack()
		in.ExpectAck()
		in.Bye()
		call.ExpectBye()
	})
}
