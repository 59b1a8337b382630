package auth_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/pbxtest"
)

var boss = auth.FirstAdministrator{
	FirstName: "Karel", LastName: "Veliký", Email: "karel@example.invalid", Password: goodPassword,
	Number: "101", Language: pbx.Czech, Company: "Pekařství",
}

func TestSetup(t *testing.T) {
	a, s := newAccounts(t)
	ctx := t.Context()
	stale, _, err := a.NewSetupToken(ctx)
	must(t, err)
	token, expires, err := a.NewSetupToken(ctx) // the next start
	must(t, err)
	if left := time.Until(expires); left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("valid for %v", left)
	}
	for _, wrong := range []string{stale, "", token + "x"} {
		_, err := a.CompleteSetup(ctx, wrong, boss)
		wantCode(t, err, pbx.Forbidden, "")
	}
	for field, change := range map[string]func(*auth.FirstAdministrator){
		"password": func(f *auth.FirstAdministrator) { f.Password = "short" },
		"number":   func(f *auth.FirstAdministrator) { f.Number = "1" },
		"email":    func(f *auth.FirstAdministrator) { f.Email = "karel" },
		"language": func(f *auth.FirstAdministrator) { f.Language = "" },
		"company":  func(f *auth.FirstAdministrator) { f.Company = "a\nb" },
	} {
		f := boss
		change(&f)
		_, err := a.CompleteSetup(ctx, token, f) // the token survives a typing error
		wantCode(t, err, pbx.Invalid, field)
	}
	p, err := a.CompleteSetup(ctx, token, boss)
	must(t, err)
	e, err := s.ExtensionOf(ctx, p.User.ID)
	if err != nil || e.Number != "101" || p.User.Role != pbx.RoleAdministrator {
		t.Errorf("created %+v with %+v, %v", p.User, e, err)
	}
	settings, err := s.Settings(ctx)
	must(t, err)
	if want := (pbx.Settings{Company: "Pekařství", Realm: "acme", Language: pbx.Czech}); settings != want {
		t.Errorf("settings %+v", settings)
	}
	_, err = a.CompleteSetup(ctx, token, boss)
	wantCode(t, err, pbx.Conflict, "")
	_, _, err = a.NewSetupToken(ctx)
	wantCode(t, err, pbx.Conflict, "")
}

func TestSetupTwiceAtOnce(t *testing.T) {
	a, s := newAccounts(t)
	token, _, err := a.NewSetupToken(t.Context())
	must(t, err)
	var wins atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			switch _, err := a.CompleteSetup(t.Context(), token, boss); pbx.CodeOf(err) {
			case "":
				wins.Add(1)
			case pbx.Forbidden, pbx.Conflict:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	users, err := s.Users(t.Context())
	must(t, err)
	if wins.Load() != 1 || len(users) != 1 {
		t.Errorf("%d winners, %d administrators", wins.Load(), len(users))
	}
}

func TestSetupTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pbxtest.NewPeople()
		_, err := auth.EnsureSettings(t.Context(), s, pbx.Settings{})
		must(t, err)
		a := auth.NewAccounts(s, auth.NewHasher(1))
		token, _, err := a.NewSetupToken(t.Context())
		must(t, err)
		time.Sleep(24 * time.Hour)
		_, err = a.CompleteSetup(t.Context(), token, boss)
		wantCode(t, err, pbx.Forbidden, "")
		token, _, err = a.NewSetupToken(t.Context())
		must(t, err)
		time.Sleep(23 * time.Hour)
		_, err = a.CompleteSetup(t.Context(), token, boss)
		must(t, err)
	})
}

func TestEnsureSettings(t *testing.T) {
	s := pbxtest.NewPeople()
	first, err := auth.EnsureSettings(t.Context(), s, pbx.Settings{Company: "Acme"})
	must(t, err)
	if want := (pbx.Settings{Company: "Acme", Realm: "klapka", Language: pbx.English}); first != want {
		t.Errorf("got %+v", first)
	}
	second, err := auth.EnsureSettings(t.Context(), s, pbx.Settings{Company: "Other", Realm: "other", Demo: true})
	if err != nil || second != first {
		t.Errorf("a later start changed %+v to %+v, %v", first, second, err)
	}
	_, err = auth.EnsureSettings(t.Context(), pbxtest.NewPeople(), pbx.Settings{Realm: `a"b`})
	wantCode(t, err, pbx.Invalid, "realm")
}
