package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// vault stands for the hasher: a hash is the password with a mark, and every
// check is counted, because that is what takes the time.
type vault struct {
	people *pbxtest.People
	checks int
	meet   func() // runs during a check
}

func (v *vault) Verify(_ context.Context, password, hash string) (bool, error) {
	v.checks++
	if v.meet != nil {
		v.meet()
	}
	return hash != "" && hash == "hash:"+password, nil
}

func (v *vault) SetPassword(ctx context.Context, id, password string) error {
	if len(password) < 12 {
		return pbx.FieldErrorf("password", "too short")
	}
	u, err := v.people.User(ctx, id)
	if err != nil {
		return err
	}
	u.PasswordHash = "hash:" + password
	return v.people.UpdateUser(ctx, &u)
}

type rig struct {
	*Manager
	*vault
	people   *pbxtest.People
	sessions *pbxtest.WebSessions
	told     []Ended
}

const goodPassword = "correct horse battery"

var desk = From{IP: "192.0.2.10", UserAgent: "Browser/1"}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{people: pbxtest.NewPeople(), sessions: pbxtest.NewWebSessions()}
	r.vault = &vault{people: r.people}
	r.Manager = New(Options{
		Store: struct {
			*pbxtest.People
			*pbxtest.WebSessions
		}{r.people, r.sessions},
		Passwords: r.vault, Log: slog.New(slog.DiscardHandler),
	})
	r.OnEnded(func(e Ended) { r.told = append(r.told, e) })
	r.add(t, "101", "anna@example.com", false)
	r.add(t, "102", "pavel@example.com", true)
	return r
}

func (r *rig) add(t *testing.T, number, email string, disabled bool) pbx.User {
	t.Helper()
	u := pbx.User{LastName: number, Email: email, Role: pbx.RoleUser, Language: pbx.English, PasswordHash: "hash:" + goodPassword, Disabled: disabled}
	if err := r.people.CreateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	if err := r.people.CreateExtension(t.Context(), &pbx.Extension{Number: number, UserID: u.ID}); err != nil {
		t.Fatal(err)
	}
	return u
}

func (r *rig) in(t *testing.T) (string, Identity) {
	t.Helper()
	cookie, who, err := r.SignIn(t.Context(), "101", goodPassword, desk)
	if err != nil {
		t.Fatal(err)
	}
	return cookie, who
}

func wait(err error) time.Duration {
	var e ThrottledError
	if errors.As(err, &e) {
		return e.Wait
	}
	return 0
}

// Reliability rows 12 and 32: unknown, disabled, without a password and wrong
// are answered alike, at the cost of one password check each.
func TestUnknownAndWrongAreAlike(t *testing.T) {
	r := newRig(t)
	if err := r.people.CreateExtension(t.Context(), &pbx.Extension{Number: "900", Name: "Corridor"}); err != nil {
		t.Fatal(err)
	}
	var first string
	for _, login := range []string{"101", "ANNA@example.com ", "999", "nobody@example.com", "102", "pavel@example.com", "900", "*43"} {
		before := r.checks
		_, _, err := r.SignIn(t.Context(), login, "wrong password", desk)
		if pbx.CodeOf(err) != pbx.Unauthorized || r.checks != before+1 {
			t.Errorf("%s: %v after %d checks", login, err, r.checks-before)
		}
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Errorf("%s is told apart: %q", login, err)
		}
	}
	if _, _, err := r.SignIn(t.Context(), "102", goodPassword, desk); pbx.CodeOf(err) != pbx.Unauthorized {
		t.Errorf("somebody disabled signs in: %v", err)
	}
}

func TestSignInByNumberAndByEmail(t *testing.T) {
	r := newRig(t)
	for _, login := range []string{"101", " Anna@Example.com"} {
		cookie, who, err := r.SignIn(t.Context(), login, goodPassword, desk)
		if err != nil {
			t.Fatal(err)
		}
		again, err := r.Resolve(t.Context(), cookie, desk)
		if err != nil || again.User.ID != who.User.ID || again.Extension.Number != "101" {
			t.Errorf("%s: %+v, %v", login, again, err)
		}
		if !again.CSRFMatches(who.CSRF) || again.CSRFMatches("") || again.CSRFMatches(cookie) {
			t.Error("the token is not that of the session")
		}
		if strings.Contains(who.Session.Hash, cookie) || who.CSRF == cookie {
			t.Error("the cookie's value can be read from what is stored or sent")
		}
	}
	if _, err := r.Resolve(t.Context(), "guess", desk); pbx.CodeOf(err) != pbx.Unauthorized {
		t.Errorf("a guessed cookie: %v", err)
	}
}

// A sign-in ends when it is not used, and at last in any case.
func TestSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		cookie, _ := r.in(t)
		for start := time.Now(); time.Since(start) < Life-Idle; time.Sleep(Idle - time.Hour) {
			if _, err := r.Resolve(t.Context(), cookie, desk); err != nil {
				t.Fatalf("in use, but ended after %s: %v", time.Since(start), err)
			}
		}
		time.Sleep(Idle)
		if _, err := r.Resolve(t.Context(), cookie, desk); pbx.CodeOf(err) != pbx.Unauthorized {
			t.Errorf("lives for ever: %v", err)
		}
		other, _ := r.in(t)
		time.Sleep(Idle)
		if _, err := r.Resolve(t.Context(), other, desk); pbx.CodeOf(err) != pbx.Unauthorized {
			t.Errorf("not used, but not ended: %v", err)
		}
	})
}

func TestExpiredRowsAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, who := r.in(t)
		ctx, cancel := context.WithCancel(t.Context())
		go r.Run(ctx)
		time.Sleep(Idle + 2*sweepEvery)
		if _, err := r.sessions.WebSession(ctx, who.Session.Hash); pbx.CodeOf(err) != pbx.NotFound {
			t.Errorf("the row is still there: %v", err)
		}
		cancel()
		synctest.Wait()
	})
}

// A disabled person is out at once, without anybody ending his sessions; a
// database that is away signs nobody out.
func TestWhoIsDisabledIsOut(t *testing.T) {
	r := newRig(t)
	cookie, who := r.in(t)
	u := who.User
	u.Disabled = true
	if err := r.people.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), cookie, desk); pbx.CodeOf(err) != pbx.Unauthorized {
		t.Errorf("cookie: %v", err)
	}
	if _, err := r.Refresh(t.Context(), who); pbx.CodeOf(err) != pbx.Unauthorized {
		t.Errorf("socket: %v", err)
	}
	r.sessions.SetError(pbx.Errorf(pbx.Unavailable, "away"))
	if _, err := r.Refresh(t.Context(), who); pbx.CodeOf(err) != pbx.Unavailable {
		t.Errorf("database away: %v", err)
	}
}

// Reliability row 32: a new password ends the other sign-ins, and only those.
func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	r := newRig(t)
	here, who := r.in(t)
	there, _ := r.in(t)
	change := func(old, fresh string) error { return r.ChangePassword(t.Context(), who, old, fresh, desk) }
	for _, tc := range []struct{ old, fresh, field string }{
		{"wrong", "another long password", "old"}, {goodPassword, "short", "new"}, {goodPassword, goodPassword, "new"},
	} {
		var e *pbx.Error
		if err := change(tc.old, tc.fresh); !errors.As(err, &e) || e.Field != tc.field {
			t.Errorf("%s to %s: %v", tc.old, tc.fresh, err)
		}
	}
	if err := change(goodPassword, "another long password"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), here, desk); err != nil {
		t.Errorf("this session ended: %v", err)
	}
	if _, err := r.Resolve(t.Context(), there, desk); pbx.CodeOf(err) != pbx.Unauthorized {
		t.Errorf("the other session goes on: %v", err)
	}
	if len(r.told) != 1 || r.told[0].Concerns(who.Session) || !r.told[0].Concerns(pbx.WebSession{UserID: who.User.ID, Hash: "x"}) ||
		r.told[0].Concerns(pbx.WebSession{UserID: "somebody", Hash: "x"}) {
		t.Errorf("told %+v", r.told)
	}
}

// A sign-in with the old password that is under way while the password changes
// does not survive it.
func TestSignInCrossingAPasswordChange(t *testing.T) {
	r := newRig(t)
	_, who := r.in(t)
	r.meet = func() {
		r.meet = nil
		if err := r.SetPassword(t.Context(), who.User.ID, "another long password"); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := r.SignIn(t.Context(), "101", goodPassword, desk); pbx.CodeOf(err) != pbx.Unauthorized {
		t.Errorf("got in: %v", err)
	}
	if all, _ := r.List(t.Context(), who.User.ID); len(all) != 1 {
		t.Errorf("%d sessions", len(all))
	}
}

func TestListAndRevoke(t *testing.T) {
	r := newRig(t)
	_, one := r.in(t)
	cookie, two := r.in(t)
	stranger := r.add(t, "103", "eve@example.com", false)
	if err := r.Revoke(t.Context(), stranger.ID, ID(two.Session)); pbx.CodeOf(err) != pbx.NotFound {
		t.Errorf("somebody else's session: %v", err)
	}
	if err := r.Revoke(t.Context(), two.User.ID, ID(two.Session)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), cookie, desk); pbx.CodeOf(err) != pbx.Unauthorized {
		t.Errorf("revoked, but: %v", err)
	}
	if all, err := r.List(t.Context(), one.User.ID); err != nil || len(all) != 1 || all[0].Hash != one.Session.Hash {
		t.Errorf("left: %+v, %v", all, err)
	}
	if err := r.EndAll(t.Context(), one.User.ID); err != nil {
		t.Fatal(err)
	}
	if len(r.told) != 2 || !r.told[1].Concerns(one.Session) {
		t.Errorf("told %+v", r.told)
	}
}

// Whoever signs in again and again fills nothing; the newest sign-ins stay.
func TestSignInsOfAUserAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var last string
		for range maxSessions + 20 {
			last, _ = r.in(t)
			time.Sleep(time.Second)
		}
		_, who := r.in(t)
		if all, err := r.sessions.WebSessionsOf(t.Context(), who.User.ID); err != nil || len(all) != maxSessions {
			t.Errorf("%d stored, %v", len(all), err)
		}
		if _, err := r.Resolve(t.Context(), last, desk); err != nil {
			t.Errorf("a recent one ended: %v", err)
		}
	})
}
