package sip

import (
	"crypto/md5"
	"encoding/hex"
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/account"
	"klapka.dev/klapka/pbx/sip/digest"
)

// people are the stored devices: 101, and 103 switched off.
type people struct{}

func (people) DeviceByUsername(name string) (pbx.Device, bool) {
	if name != "101" && name != "103" {
		return pbx.Device{}, false
	}
	sum := md5.Sum([]byte(name + ":klapka:secret-" + name))
	return pbx.Device{
		ID: "dev-" + name, Extension: name, Username: name,
		HA1: pbx.DigestHA1{MD5: hex.EncodeToString(sum[:])}, Disabled: name == "103",
	}, true
}

func (people) Usable(d pbx.Device) bool { return !d.Disabled }

func (people) Party(number, device string) pbx.PartyInfo {
	return pbx.PartyInfo{Number: number, Name: "Anna Nováková", Extension: number, User: "u-" + number, Device: device, Language: pbx.Czech}
}

// Stored devices call: the caller is what the store knows of the device, a wrong
// secret and a disabled device are told apart.
func TestAccounts(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.stack.auth = Accounts(account.New(account.Options{
			Digest: digest.New(digest.Options{Realm: "klapka"}),
			People: people{},
			Guard:  r.udp.Guard(),
		}))
		c := r.phone("101").Invite("102", offerSDP)
		l := r.incoming()
		want := pbx.PartyInfo{Number: "101", Name: "Anna Nováková", Extension: "101", User: "u-101", Device: "dev-101", Language: pbx.Czech}
		if l.inv.Caller != want {
			t.Fatalf("caller %+v", l.inv.Caller)
		}
		l.sig.Reject(pbx.Cause{Code: pbx.CauseBusy})
		c.Expect(486)

		r.phone("103").Invite("102", offerSDP).Expect(403)
		r.phone("104").Invite("102", offerSDP).Expect(401)
		r.noLeg()
		got := r.events.refusals()
		if len(got) != 2 || got[0] != "disabled" || got[1] != "digest" {
			t.Fatalf("refusals %v", got)
		}
	})
}
