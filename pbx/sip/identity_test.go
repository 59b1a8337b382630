package sip

import (
	"testing"

	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
)

// ringFor has a caller's call ring at another phone and returns what that gets.
func (r *rig) ringFor(edits ...func(*pbxtest.Message)) *pbxtest.Message {
	r.t.Helper()
	r.phone("101").Invite("102", offerSDP, edits...)
	in := r.incoming()
	q := r.phone("102")
	r.call(q, func(d *leg.Dialing) { d.Parent = in.inv.Leg })
	return q.ExpectInvite().InviteMessage()
}

// A caller who asks for privacy, in either way that phones do, is Anonymous to
// the callee: no header tells number or name (RFC 3323, RFC 3325).
func TestCallerHides(t *testing.T) {
	for _, edit := range []func(*pbxtest.Message){
		set("Privacy", "id"), set("Privacy", "header;user ; critical"),
		set("From", `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a`),
	} {
		bubble(t, func(t *testing.T, r *rig) {
			inv := r.ringFor(edit)
			if inv.Get("Privacy") != "id" || !contains(inv.Get("From"), `"Anonymous" <sip:anonymous@anonymous.invalid>`) {
				t.Errorf("INVITE:\n%s", inv)
			}
			for _, secret := range []string{"sip:101@", "Anna", "P-Asserted-Identity"} {
				if contains(inv.String(), secret) {
					t.Errorf("%s is told:\n%s", secret, inv)
				}
			}
		})
	}
}

// A caller who does not hide is shown and asserted as the exchange knows him,
// whatever he claims to be.
func TestCallerIsAsserted(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		inv := r.ringFor(set("Privacy", "none"), set("P-Asserted-Identity", "<sip:100@klapka>"), set("Remote-Party-ID", "<sip:100@klapka>"))
		if inv.Get("P-Asserted-Identity") != `"Anna Nováková" <sip:101@192.0.2.1:5060>` || contains(inv.String(), "sip:100@") ||
			inv.Get("Privacy") != "" || inv.Get("Remote-Party-ID") != "" {
			t.Errorf("INVITE:\n%s", inv)
		}
	})
}

// A call that goes round between exchanges loses a hop at each: callers cannot
// raise the number above what a new call has (RFC 3261 §16.6).
func TestHopsAreCarried(t *testing.T) {
	for sent, want := range map[string]string{"12": "11", "1": "0", "255": "69"} {
		bubble(t, func(t *testing.T, r *rig) {
			if got := r.ringFor(set("Max-Forwards", sent)).Get("Max-Forwards"); got != want {
				t.Errorf("Max-Forwards %s became %s", sent, got)
			}
		})
	}
}
