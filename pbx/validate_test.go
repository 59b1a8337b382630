package pbx_test

import (
	"errors"
	"strings"
	"testing"

	"klapka.dev/klapka/pbx"
)

// TestValidate: what can be stored can be sent in a SIP header and shown on a
// screen. An empty field in the table means that the value is good.
func TestValidate(t *testing.T) {
	hex := strings.Repeat("0f", 32)
	user := func(u pbx.User) *pbx.User {
		u.Role, u.Language = pbx.RoleUser, pbx.Czech
		return &u
	}
	realm := func(r string) *pbx.Settings { return &pbx.Settings{Realm: r, Language: pbx.English} }
	for _, c := range []struct {
		name  string
		value interface{ Validate() error }
		field string
	}{
		{"accents", user(pbx.User{FirstName: "Žofie-Anna", LastName: "O’Ďábel 李"}), ""},
		{"one name", user(pbx.User{LastName: "Pelé"}), ""},
		{"hundred runes", user(pbx.User{LastName: strings.Repeat("ř", 100)}), ""},
		{"more than a hundred", user(pbx.User{LastName: strings.Repeat("ř", 101)}), "last_name"},
		{"header injection", user(pbx.User{LastName: "a\r\nVia: x"}), "last_name"},
		{"C1 control", user(pbx.User{LastName: "a\u0085b"}), "last_name"},
		{"text turned around", user(pbx.User{FirstName: "a\u202eb"}), "first_name"},
		{"mobile", user(pbx.User{LastName: "A", Mobile: "+436641234567"}), ""},
		{"mobile without country", user(pbx.User{LastName: "A", Mobile: "06641234567"}), "mobile"},
		{"mobile with country 0", user(pbx.User{LastName: "A", Mobile: "+06641234567"}), "mobile"},
		{"mobile cut short", user(pbx.User{LastName: "A", Mobile: "+"}), "mobile"},
		{"e-mail", user(pbx.User{LastName: "A", Email: "A.b+c@Example.org"}), ""},
		{"e-mail with a name", user(pbx.User{LastName: "A", Email: "A <a@example.org>"}), "email"},
		{"two e-mails", user(pbx.User{LastName: "A", Email: "a@example.org,b@example.org"}), "email"},
		{"endless e-mail", user(pbx.User{LastName: "A", Email: strings.Repeat("a", 250) + "@b.org"}), "email"},
		{"shared phone", &pbx.Extension{Number: "10"}, ""},
		{"long number", &pbx.Extension{Number: "12345678901"}, "number"},
		{"feature code", &pbx.Extension{Number: "*43"}, "number"},
		{"device", &pbx.Device{Username: "101-2", HA1: pbx.DigestHA1{MD5: hex[:32], SHA256: hex}}, ""},
		{"user name of an import", &pbx.Device{Username: "Desk.phone_7", HA1: pbx.DigestHA1{MD5: hex[:32]}}, ""},
		{"user name with host", &pbx.Device{Username: "101@x", HA1: pbx.DigestHA1{MD5: hex[:32]}}, "username"},
		{"user name with dash first", &pbx.Device{Username: "-101", HA1: pbx.DigestHA1{MD5: hex[:32]}}, "username"},
		{"clear secret as hash", &pbx.Device{Username: "101", HA1: pbx.DigestHA1{SHA256: "secret"}}, "ha1"},
		{"realm", realm("sip.example.org"), ""},
		{"realm that needs escaping", realm(`a\b`), "realm"},
		{"realm with a blank", realm("a b"), "realm"},
		{"no realm", realm(""), "realm"},
	} {
		err := c.value.Validate()
		var e *pbx.Error
		if c.field == "" && err != nil || c.field != "" && (!errors.As(err, &e) || e.Field != c.field) {
			t.Errorf("%s: got %v, want a fault in %q", c.name, err, c.field)
		}
	}
}
