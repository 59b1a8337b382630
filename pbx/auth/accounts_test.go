package auth_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
)

// TestHA1 answers the challenge of RFC 7616 §3.9.1 with our hashes.
func TestHA1(t *testing.T) {
	ha1 := auth.HA1("Mufasa", "http-auth@example.org", "Circle of Life")
	const challenge = ":7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:" +
		"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth:"
	short := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	long := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	if got := short(ha1.MD5 + challenge + short("GET:/dir/index.html")); got != "8ca523f5e9506fed4657c9700eebdbec" {
		t.Errorf("MD5 response %s", got)
	}
	want := "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
	if got := long(ha1.SHA256 + challenge + long("GET:/dir/index.html")); got != want {
		t.Errorf("SHA-256 response %s", got)
	}
}

func TestSecret(t *testing.T) {
	seen, letters := map[string]bool{}, map[rune]int{}
	for range 2000 {
		s := auth.NewSecret()
		if len(s) != 24 || strings.ContainsAny(s, "0Oo1lIi5S2Zz8B") || seen[s] {
			t.Fatalf("secret %q", s)
		}
		seen[s] = true
		for _, r := range s {
			letters[r]++
		}
	}
	for r, n := range letters { // 1000 each on average, σ = 31
		if n < 800 || n > 1200 {
			t.Errorf("letter %c came %d times", r, n)
		}
	}
	if len(letters) != 48 {
		t.Errorf("%d letters", len(letters))
	}
}

func newPerson(number string) auth.NewPerson {
	return auth.NewPerson{
		User:   pbx.User{FirstName: "Eva", LastName: "Malá", Email: number + "@example.invalid", Role: pbx.RoleUser, Language: pbx.Czech},
		Number: number, Password: goodPassword, Device: "Desk phone",
	}
}

func TestCreatePerson(t *testing.T) {
	a, s := newAccounts(t)
	ctx := t.Context()
	p, err := a.CreatePerson(ctx, newPerson("101"))
	must(t, err)
	u, err := s.UserByEmail(ctx, "101@example.invalid")
	must(t, err)
	e, err := s.ExtensionOf(ctx, u.ID)
	must(t, err)
	d, err := s.DeviceByUsername(ctx, "101")
	must(t, err)
	if u != p.User || e != p.Extension || d != p.Device || e.Number != "101" || d.Extension != "101" || d.Name != "Desk phone" {
		t.Errorf("stored %+v %+v %+v, told %+v", u, e, d, p)
	}
	if d.HA1 != auth.HA1("101", "acme", p.Secret) {
		t.Error("the secret shown does not register the phone")
	}
	if ok, err := auth.NewHasher(1).Verify(ctx, goodPassword, u.PasswordHash); err != nil || !ok {
		t.Errorf("cannot sign in: %v", err)
	}
	bare, err := a.CreatePerson(ctx, auth.NewPerson{User: pbx.User{FirstName: "Guest", Role: pbx.RoleUser, Language: pbx.English}})
	if err != nil || bare.User.PasswordHash != "" || bare.Extension.Number != "" {
		t.Errorf("%+v, %v", bare, err)
	}
}

// TestCreatePersonFaults: whatever is wrong, nothing of the person stays.
func TestCreatePersonFaults(t *testing.T) {
	a, s := newAccounts(t)
	ctx := t.Context()
	_, err := a.CreatePerson(ctx, newPerson("101"))
	must(t, err)
	for _, c := range []struct {
		change func(*auth.NewPerson)
		code   pbx.ErrorCode
		field  string
	}{
		{func(n *auth.NewPerson) { n.Password = "short" }, pbx.Invalid, "password"},
		{func(n *auth.NewPerson) { n.User.Role = "root" }, pbx.Invalid, "role"},
		{func(n *auth.NewPerson) { n.Number = "1x" }, pbx.Invalid, "number"},
		{func(n *auth.NewPerson) { n.Number = "101" }, pbx.Conflict, "number"},
		{func(n *auth.NewPerson) { n.Number = "" }, pbx.Invalid, "number"},
		{func(n *auth.NewPerson) { n.User.Email = "101@example.invalid" }, pbx.Conflict, "email"},
		{func(n *auth.NewPerson) { n.Device = "a\r\nb" }, pbx.Invalid, "name"},
	} {
		n := newPerson("102")
		c.change(&n)
		_, err := a.CreatePerson(ctx, n)
		wantCode(t, err, c.code, c.field)
	}
	users, err := s.Users(ctx)
	must(t, err)
	extensions, err := s.Extensions(ctx)
	must(t, err)
	if len(users) != 1 || len(extensions) != 1 {
		t.Errorf("left behind: %d users, %d extensions", len(users), len(extensions))
	}
}

func TestAddDevice(t *testing.T) {
	a, s := newAccounts(t)
	ctx := t.Context()
	_, err := a.CreatePerson(ctx, newPerson("101"))
	must(t, err)
	for _, want := range []string{"101-2", "101-3"} {
		d, secret, err := a.AddDevice(ctx, "101", "DECT")
		must(t, err)
		if d.Username != want || d.HA1 != auth.HA1(want, "acme", secret) {
			t.Errorf("got %+v, want user name %s", d, want)
		}
	}
	second, err := s.DeviceByUsername(ctx, "101-2")
	must(t, err)
	must(t, s.DeleteDevice(ctx, second.ID))
	d, _, err := a.AddDevice(ctx, "101", "")
	if err != nil || d.Username != "101-2" { // the free one
		t.Errorf("got %+v, %v", d, err)
	}
	_, _, err = a.AddDevice(ctx, "999", "")
	wantCode(t, err, pbx.NotFound, "")
}

// TestAddDeviceTogether: administrators at several screens get different names.
func TestAddDeviceTogether(t *testing.T) {
	a, s := newAccounts(t)
	must(t, s.CreateExtension(t.Context(), &pbx.Extension{Number: "101"}))
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, _, err := a.AddDevice(context.Background(), "101", ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	devices, err := s.DevicesOf(t.Context(), "101")
	must(t, err)
	var names []string
	for _, d := range devices {
		names = append(names, d.Username)
	}
	if want := []string{"101", "101-2", "101-3", "101-4", "101-5", "101-6"}; !slices.Equal(names, want) {
		t.Errorf("names %v", names)
	}
}

// TestAddDeviceLosesRace: a name that somebody else took between looking and
// writing, as PostgreSQL reports it, is not the administrator's concern.
func TestAddDeviceLosesRace(t *testing.T) {
	a, s := newAccounts(t)
	must(t, s.CreateExtension(t.Context(), &pbx.Extension{Number: "101"}))
	lost := &pbx.Error{Code: pbx.Conflict, Field: "username", Message: "taken"}
	times := 0
	s.SetFault(func(method string) error {
		if method != "CreateDevice" || times == 3 {
			return nil
		}
		times++
		return lost
	})
	if d, _, err := a.AddDevice(t.Context(), "101", ""); err != nil || d.Username != "101" || times != 3 {
		t.Errorf("%+v after %d lost races, %v", d, times, err)
	}
	s.SetFault(func(string) error { return pbx.Errorf(pbx.Unavailable, "away") })
	_, _, err := a.AddDevice(t.Context(), "101", "")
	wantCode(t, err, pbx.Unavailable, "")
}

func TestResetSecret(t *testing.T) {
	a, s := newAccounts(t)
	ctx := t.Context()
	p, err := a.CreatePerson(ctx, newPerson("101"))
	must(t, err)
	d, secret, err := a.ResetSecret(ctx, p.Device.ID)
	must(t, err)
	stored, err := s.Device(ctx, p.Device.ID)
	must(t, err)
	if secret == p.Secret || stored != d || stored.HA1 != auth.HA1("101", "acme", secret) {
		t.Errorf("stored %+v", stored)
	}
	_, _, err = a.ResetSecret(ctx, "ghost")
	wantCode(t, err, pbx.NotFound, "")
}

func TestSetPassword(t *testing.T) {
	a, s := newAccounts(t)
	ctx := t.Context()
	p, err := a.CreatePerson(ctx, newPerson("101"))
	must(t, err)
	must(t, a.SetPassword(ctx, p.User.ID, "another good one"))
	u, err := s.User(ctx, p.User.ID)
	must(t, err)
	for password, want := range map[string]bool{"another good one": true, goodPassword: false} {
		if ok, err := auth.NewHasher(1).Verify(ctx, password, u.PasswordHash); err != nil || ok != want {
			t.Errorf("%s: %v, %v", password, ok, err)
		}
	}
	wantCode(t, a.SetPassword(ctx, p.User.ID, "short"), pbx.Invalid, "password")
	wantCode(t, a.SetPassword(ctx, "ghost", goodPassword), pbx.NotFound, "")
}
