package store_test

import (
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/store"
)

// Whatever the directory shows changes the revision; looking does not.
func testRevision(t *testing.T, s *store.Store) {
	ctx := t.Context()
	last := ""
	changed := func(what string, want bool) {
		t.Helper()
		r, err := s.Revision(ctx)
		must(t, err)
		if (r != last) != want {
			t.Errorf("%s: revision %q after %q", what, r, last)
		}
		last = r
	}
	changed("at first", true)
	must(t, s.SaveSettings(ctx, pbx.Settings{Company: "Firma", Realm: "klapka", Language: pbx.Czech}))
	changed("settings", true)
	u := pbx.User{FirstName: "Eva", Role: pbx.RoleUser, Language: pbx.Czech}
	must(t, s.CreateUser(ctx, &u))
	changed("a person", true)
	e := pbx.Extension{Number: "101", UserID: u.ID, Language: pbx.Czech}
	must(t, s.CreateExtension(ctx, &e))
	changed("an extension", true)
	d := pbx.Device{Extension: "101", Name: "desk", Username: "101", HA1: ha1}
	must(t, s.CreateDevice(ctx, &d))
	changed("a device", true)
	d.Disabled = true
	must(t, s.UpdateDevice(ctx, &d))
	changed("a device switched off", true)
	_, err := s.Device(ctx, d.ID)
	must(t, err)
	changed("a look", false)
	must(t, s.DeleteDevice(ctx, d.ID))
	changed("a device less", true)
}
