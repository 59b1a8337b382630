package sip

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/account"
	"klapka.dev/klapka/pbx/sip/digest"
)

// people are the stored devices, extensions and users, as far as they are asked
// for.
type people struct {
	deviceStore
	extensionStore
	userStore
	away bool
}

type (
	deviceStore    pbx.Devices
	extensionStore pbx.Extensions
	userStore      pbx.Users
)

func (p *people) DeviceByUsername(_ context.Context, name string) (pbx.Device, error) {
	switch {
	case p.away:
		return pbx.Device{}, pbx.Errorf(pbx.Unavailable, "away")
	case name != "101" && name != "103":
		return pbx.Device{}, pbx.Errorf(pbx.NotFound, "no device")
	}
	sum := md5.Sum([]byte(name + ":klapka:secret-" + name))
	return pbx.Device{
		ID: "dev-" + name, Extension: name, Username: name,
		HA1: pbx.DigestHA1{MD5: hex.EncodeToString(sum[:])}, Disabled: name == "103",
	}, nil
}

func (p *people) Extension(_ context.Context, number string) (pbx.Extension, error) {
	return pbx.Extension{Number: number, UserID: "u-" + number, Language: pbx.German}, nil
}

func (p *people) User(_ context.Context, id string) (pbx.User, error) {
	return pbx.User{ID: id, FirstName: "Anna", LastName: "Nováková", Language: pbx.Czech}, nil
}

// Stored devices call: the caller is what the store knows of the device, a wrong
// secret, a disabled device and a store that is away are told apart.
func TestAccounts(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		store := &people{}
		r.stack.auth = Accounts(account.New(account.Options{
			Digest: digest.New(digest.Options{Realm: "klapka"}),
			Directory: account.NewDirectory(account.DirectoryOptions{
				Devices: store, Extensions: store, Users: store,
			}),
			Guard: r.udp.Guard(),
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
		store.away = true
		r.phone("105").Invite("102", offerSDP).Expect(503)
		r.noLeg()
		got := r.events.refusals()
		if len(got) != 3 || got[0] != "disabled" || got[1] != "digest" || got[2] != "unavailable" {
			t.Fatalf("refusals %v", got)
		}
	})
}
