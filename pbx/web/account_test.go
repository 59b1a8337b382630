package web

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/web/session"
)

// vault checks passwords without the work.
type vault struct{ *auth.Accounts }

func (vault) Verify(_ context.Context, password, hash string) (bool, error) {
	return hash != "" && "hash:"+password == hash, nil
}

// memory is a session.Store.
type memory struct {
	*pbxtest.People
	*pbxtest.WebSessions
}

// newAccountServer returns a server with 101, a user, and 102, a supervisor,
// whose passwords are "pass".
func newAccountServer(t *testing.T) *Server {
	t.Helper()
	m := memory{pbxtest.NewPeople(), pbxtest.NewWebSessions()}
	for number, role := range map[string]pbx.Role{"101": pbx.RoleUser, "102": pbx.RoleSupervisor} {
		u := pbx.User{
			FirstName: "Anna", LastName: "Nová", Email: "u" + number + "@example.com", Role: role, Language: pbx.English, PasswordHash: "hash:pass",
		}
		if err := m.CreateUser(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
		if err := m.CreateExtension(t.Context(), &pbx.Extension{Number: number, UserID: u.ID}); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := newServer(t, func(o *Options) {
		o.Sessions = session.New(session.Options{
			Store: m, Passwords: vault{auth.NewAccounts(m, auth.NewHasher(1))}, Log: slog.New(slog.DiscardHandler),
		})
	})
	return s
}

// browser is a page that keeps its cookie and token.
type browser struct {
	t      *testing.T
	s      *Server
	secure bool
	cookie *http.Cookie
	csrf   string
}

func (b *browser) ask(method, target, body string) *httptest.ResponseRecorder {
	return ask(b.s, method, target, body, func(r *http.Request) {
		if b.secure {
			r.TLS = &tls.ConnectionState{}
		}
		if b.cookie != nil {
			r.AddCookie(b.cookie)
		}
		if b.csrf != "" {
			r.Header.Set("X-CSRF-Token", b.csrf)
		}
	})
}

func (b *browser) signIn(login string) *browser {
	b.t.Helper()
	w := b.ask(http.MethodPost, "/api/session", `{"login":"`+login+`","password":"pass"}`)
	if w.Code != http.StatusNoContent {
		b.t.Fatalf("sign-in: %d %s", w.Code, w.Body)
	}
	b.cookie, b.csrf = w.Result().Cookies()[0], w.Header().Get("X-CSRF-Token")
	return b
}

// Reliability row 32: no script reads the cookie, no other site sends it, and
// with HTTPS it never travels in the clear.
func TestSessionCookie(t *testing.T) {
	s := newAccountServer(t)
	plain := (&browser{t: t, s: s}).signIn("101").cookie
	secure := (&browser{t: t, s: s, secure: true}).signIn("101").cookie
	for _, c := range []*http.Cookie{plain, secure} {
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 40 {
			t.Errorf("%+v", c)
		}
	}
	if plain.Secure || plain.Name != "klapka_session" || !secure.Secure || secure.Name != "__Host-klapka_session" {
		t.Errorf("without HTTPS %+v, with it %+v", plain, secure)
	}
	// A cookie that came over HTTP, where anybody could have set it, counts for nothing on HTTPS.
	b := &browser{t: t, s: s, secure: true, cookie: plain}
	if w := b.ask(http.MethodGet, "/api/me", ""); w.Code != 401 {
		t.Errorf("a plain cookie on HTTPS: %d", w.Code)
	}
}

func TestMe(t *testing.T) {
	b := (&browser{t: t, s: newAccountServer(t)}).signIn("u101@example.com")
	var me struct {
		User      Profile
		Extension *OwnExtension
		CSRF      string
	}
	read := func(w *httptest.ResponseRecorder) {
		t.Helper()
		if err := json.Unmarshal(w.Body.Bytes(), &me); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	read(b.ask(http.MethodGet, "/api/me", ""))
	if me.User.Name != "Anna Nová" || me.Extension == nil || me.Extension.Number != "101" || me.CSRF != b.csrf {
		t.Errorf("%+v", me)
	}
	read(b.ask(http.MethodPatch, "/api/me", `{"language":"cs"}`))
	read(b.ask(http.MethodGet, "/api/me", ""))
	if me.User.Language != pbx.Czech {
		t.Errorf("the language stays %s", me.User.Language)
	}
	for _, body := range []string{`{"language":"xx"}`, `{"role":"administrator"}`} {
		if w := b.ask(http.MethodPatch, "/api/me", body); w.Code != 422 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
}

// What changes something needs the token of this very session.
func TestCSRFToken(t *testing.T) {
	s := newAccountServer(t)
	b := (&browser{t: t, s: s}).signIn("101")
	other := (&browser{t: t, s: s}).signIn("101")
	for name, token := range map[string]string{"none": "", "foreign": other.csrf, "wrong": "x"} {
		thief := &browser{t: t, s: s, cookie: b.cookie, csrf: token}
		if m := problemOf(t, thief.ask(http.MethodPatch, "/api/me", `{"language":"de"}`)); m.Status != 403 {
			t.Errorf("%s: %d", name, m.Status)
		}
		if w := thief.ask(http.MethodGet, "/api/me", ""); w.Code != 200 {
			t.Errorf("reading with token %s: %d", name, w.Code)
		}
	}
	// With the right token, but from another site.
	w := ask(s, http.MethodPatch, "/api/me", `{"language":"de"}`, func(r *http.Request) {
		r.AddCookie(b.cookie)
		r.Header.Set("X-CSRF-Token", b.csrf)
		r.Header.Set("Origin", "https://evil.example")
	})
	if w.Code != 403 {
		t.Errorf("another origin: %d", w.Code)
	}
}

func TestSignOutAndSessions(t *testing.T) {
	s := newAccountServer(t)
	here, there := (&browser{t: t, s: s}).signIn("101"), (&browser{t: t, s: s}).signIn("101")
	var list []SessionItem
	if err := json.Unmarshal(here.ask(http.MethodGet, "/api/me/sessions", "").Body.Bytes(), &list); err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, item := range list {
		if item.Address != "127.0.0.1" || len(item.ID) > 32 {
			t.Errorf("%+v", item)
		}
		if !item.Current {
			if w := here.ask(http.MethodDelete, "/api/me/sessions/"+item.ID, ""); w.Code != 204 {
				t.Errorf("revoke: %d %s", w.Code, w.Body)
			}
		}
	}
	if w := there.ask(http.MethodGet, "/api/me", ""); w.Code != 401 {
		t.Errorf("revoked: %d", w.Code)
	}
	w := here.ask(http.MethodDelete, "/api/session", "")
	if c := w.Result().Cookies(); w.Code != 204 || len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("signing out: %d %+v", w.Code, c)
	}
	if w := here.ask(http.MethodGet, "/api/me", ""); w.Code != 401 {
		t.Errorf("signed out: %d", w.Code)
	}
}

// The answer to wrong passwords is the same for everybody, then says when to
// come back.
func TestSignInIsThrottled(t *testing.T) {
	s := newAccountServer(t)
	try := func(login string) *httptest.ResponseRecorder {
		b := &browser{t: t, s: s}
		return b.ask(http.MethodPost, "/api/session", `{"login":"`+login+`","password":"wrong"}`)
	}
	known, unknown := try("101"), try("999")
	if known.Code != 401 || known.Body.String() != unknown.Body.String() {
		t.Errorf("%d %s and %d %s", known.Code, known.Body, unknown.Code, unknown.Body)
	}
	var last *httptest.ResponseRecorder
	for range 6 {
		last = try("101")
	}
	if last.Code != 429 || last.Header().Get("Retry-After") == "" || last.Header().Get("Retry-After") == "0" {
		t.Errorf("%d, Retry-After %q", last.Code, last.Header().Get("Retry-After"))
	}
}

func TestPasswordChangeNamesTheField(t *testing.T) {
	b := (&browser{t: t, s: newAccountServer(t)}).signIn("101")
	for body, field := range map[string]string{
		`{"old":"nope","new":"a long enough one"}`: "body.old", `{"old":"pass","new":"short"}`: "body.new",
	} {
		if m := problemOf(t, b.ask(http.MethodPost, "/api/me/password", body)); m.Status != 422 || m.Errors[0].Location != field {
			t.Errorf("%s: %+v", body, m)
		}
	}
	if w := b.ask(http.MethodPost, "/api/me/password", `{"old":"pass","new":"a long enough one"}`); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Denied by default: a route that was added without saying who may is closed to
// everybody, whichever way it was added.
func TestRoutesAreClosedByDefault(t *testing.T) {
	s := newAccountServer(t)
	op := func(path string) huma.Operation { return huma.Operation{Method: http.MethodGet, Path: path} }
	nothing := func(context.Context, *struct{}) (*struct{}, error) { return nil, nil }
	huma.Register(s.API(), op("/api/around"), nothing)
	Register(s, Access{}, op("/api/forgotten"), nothing)
	Register(s, Needs(auth.Monitor), op("/api/watch"), nothing)
	s.Handle(Access{}, http.MethodGet, "/api/raw", func(http.ResponseWriter, *http.Request) error { return nil })
	user, supervisor := (&browser{t: t, s: s}).signIn("101"), (&browser{t: t, s: s}).signIn("102")
	for _, path := range []string{"/api/around", "/api/forgotten", "/api/raw"} {
		for who, b := range map[string]*browser{"nobody": {t: t, s: s}, "supervisor": supervisor} {
			if w := b.ask(http.MethodGet, path, ""); w.Code != 401 && w.Code != 403 {
				t.Errorf("%s as %s: %d", path, who, w.Code)
			}
		}
	}
	if w := user.ask(http.MethodGet, "/api/watch", ""); w.Code != 403 {
		t.Errorf("a user watches: %d", w.Code)
	}
	if w := supervisor.ask(http.MethodGet, "/api/watch", ""); w.Code != 204 {
		t.Errorf("a supervisor may not watch: %d %s", w.Code, w.Body)
	}
	if strings.Contains(supervisor.csrf, supervisor.cookie.Value) {
		t.Error("the token gives the cookie away")
	}
}
