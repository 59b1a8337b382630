package auth_test

import (
	"reflect"
	"testing"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/pbxtest"
)

func TestSeed(t *testing.T) {
	s := pbxtest.NewPeople()
	ctx := t.Context()
	must(t, auth.Seed(ctx, s))
	settings, err := s.Settings(ctx)
	must(t, err)
	if !settings.Demo || settings.Company != "Klapka Demo" || settings.Realm != "klapka" {
		t.Errorf("settings %+v", settings)
	}
	roles := map[string]pbx.Role{"101": pbx.RoleAdministrator, "102": pbx.RoleSupervisor}
	languages := map[pbx.Language]int{}
	for _, number := range []string{"101", "102", "103", "104", "105", "106"} {
		e, err := s.Extension(ctx, number)
		must(t, err)
		u, err := s.User(ctx, e.UserID)
		must(t, err)
		d, err := s.DeviceByUsername(ctx, number)
		must(t, err)
		if role := roles[number]; u.Role != role && (role != "" || u.Role != pbx.RoleUser) {
			t.Errorf("%s is %s", number, u.Role)
		}
		if d.HA1 != auth.HA1(number, "klapka", "klapka-demo-"+number) {
			t.Errorf("the printed secret of %s does not register", number)
		}
		if ok, err := auth.NewHasher(1).Verify(ctx, "klapka-demo", u.PasswordHash); err != nil || !ok {
			t.Errorf("the printed password of %s does not sign in: %v", number, err)
		}
		languages[u.Language]++
	}
	if len(languages) != 3 {
		t.Errorf("languages %v", languages)
	}
	if u, err := s.UserByEmail(ctx, "anna@demo.klapka.example"); err != nil || u.Role != pbx.RoleAdministrator {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestSeedAgain: a later start changes nothing, whatever became of the people.
func TestSeedAgain(t *testing.T) {
	s := pbxtest.NewPeople()
	ctx := t.Context()
	must(t, auth.Seed(ctx, s))
	u, err := s.UserByEmail(ctx, "emily@demo.klapka.example")
	must(t, err)
	u.LastName = "Married"
	must(t, s.UpdateUser(ctx, &u))
	d, err := s.DeviceByUsername(ctx, "103")
	must(t, err)
	must(t, s.DeleteDevice(ctx, d.ID))
	must(t, s.DeleteExtension(ctx, "103"))
	before, err := s.Users(ctx)
	must(t, err)
	must(t, auth.Seed(ctx, s))
	after, err := s.Users(ctx)
	must(t, err)
	if !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
}

func TestSeedRefusesRealCompany(t *testing.T) {
	_, s := newAccounts(t)
	wantCode(t, auth.Seed(t.Context(), s), pbx.Conflict, "")
	if users, err := s.Users(t.Context()); err != nil || len(users) != 0 {
		t.Errorf("%d people, %v", len(users), err)
	}
}

// TestDemoPeople: what is printed at the start is what Seed stores.
func TestDemoPeople(t *testing.T) {
	for i, p := range auth.DemoPeople() {
		u := p.User
		must(t, u.Validate())
		if p.Number != []string{"101", "102", "103", "104", "105", "106"}[i] || p.Password != "klapka-demo" ||
			p.Secret != "klapka-demo-"+p.Number {
			t.Errorf("%+v", p)
		}
	}
}
