package exchange

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
)

// level is the least somebody has to be.
type level int

const (
	everybody level = iota
	user
	supervisor
	administrator
	thisMachine // this machine, or a token
)

// mayUse is who may use which route: each one the router knows has its row here.
var mayUse = map[string]level{
	"GET /healthz": everybody, "HEAD /healthz": everybody, "GET /readyz": everybody, "HEAD /readyz": everybody,
	"GET /metrics": thisMachine,
	"GET /ws":      everybody,                       // SIP, where each request has to prove who sends it
	"GET /*":       everybody, "HEAD /*": everybody, // the pages themselves; their data need a sign-in
	"GET /admin": everybody, "GET /admin/*": everybody, "HEAD /admin/*": everybody,

	"GET /api/openapi.json": everybody, "GET /api/openapi.yaml": everybody,
	"GET /api/openapi-3.0.json": everybody, "GET /api/openapi-3.0.yaml": everybody,
	"POST /api/setup": everybody, // needs the token of the link

	"POST /api/session":           everybody,
	"DELETE /api/session":         user,
	"GET /api/me":                 user,
	"PATCH /api/me":               user,
	"POST /api/me/password":       user,
	"GET /api/me/sessions":        user,
	"DELETE /api/me/sessions/:id": user,
	"GET /api/socket":             user,
	"GET /api/people":             user,
	"GET /api/ice":                user,

	"GET /api/calls":                user,
	"POST /api/calls":               user,
	"GET /api/calls/history":        user,
	"POST /api/calls/:leg/answer":   user,
	"POST /api/calls/:leg/reject":   user,
	"POST /api/calls/:leg/hangup":   user,
	"POST /api/calls/:leg/hold":     user,
	"POST /api/calls/:leg/resume":   user,
	"POST /api/calls/:leg/activate": user,
	"POST /api/calls/:leg/continue": user,
	"POST /api/calls/:leg/dtmf":     user,

	"GET /api/admin/people":                   administrator,
	"POST /api/admin/people":                  administrator,
	"GET /api/admin/people/:id":               administrator,
	"PATCH /api/admin/people/:id":             administrator,
	"DELETE /api/admin/people/:id":            administrator,
	"GET /api/admin/extensions":               administrator,
	"POST /api/admin/extensions":              administrator,
	"GET /api/admin/extensions/:number":       administrator,
	"PATCH /api/admin/extensions/:number":     administrator,
	"DELETE /api/admin/extensions/:number":    administrator,
	"GET /api/admin/devices":                  administrator,
	"POST /api/admin/devices":                 administrator,
	"GET /api/admin/devices/:id":              administrator,
	"PATCH /api/admin/devices/:id":            administrator,
	"DELETE /api/admin/devices/:id":           administrator,
	"POST /api/admin/devices/:id/secret":      administrator,
	"GET /api/admin/registrations":            supervisor,
	"DELETE /api/admin/registrations/:device": administrator,
	"GET /api/admin/calls":                    supervisor,
	"DELETE /api/admin/calls/:call":           supervisor,
	"POST /api/admin/calls/:leg/hangup":       supervisor,
	"GET /api/admin/records":                  supervisor,
	"GET /api/admin/records.csv":              supervisor,
	"GET /api/admin/records/:call":            supervisor,
	"GET /api/admin/trace":                    administrator,
	"GET /api/admin/trace/:call":              administrator,
	"GET /api/admin/trace/:call/text":         administrator,
	"GET /api/admin/bans":                     administrator,
	"POST /api/admin/bans":                    administrator,
	"DELETE /api/admin/bans/:address":         administrator,
	"GET /api/admin/settings":                 administrator,
	"PATCH /api/admin/settings":               administrator,
	"GET /api/admin/system":                   administrator,
}

// caller is somebody who tries every route.
type caller struct {
	name    string
	level   level
	refused int // status where he may not, 0: by his level
	client  *http.Client
	csrf    string
}

// served is a running demo exchange.
type served struct {
	*Exchange
	t    *testing.T
	base string
}

func serveDemo(t *testing.T) *served {
	t.Helper()
	o := options(t)
	o.Demo = true
	o.HTTP = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	x, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	<-x.Ready()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &served{x, t, "http://" + x.Addresses().HTTP[0].String()}
}

// nobody is a browser without a sign-in.
func (s *served) nobody() *caller {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	return &caller{name: "nobody", refused: http.StatusUnauthorized, client: &http.Client{Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signIn is a browser of somebody of the demo.
func (s *served) signIn(name, login string, l level) *caller {
	s.t.Helper()
	c := s.nobody()
	c.name, c.level, c.refused = name, l, 0
	resp := s.send(c, http.MethodPost, "/api/session", `{"login":"`+login+`","password":"`+auth.DemoPassword+`"}`)
	if resp.StatusCode != http.StatusNoContent {
		s.t.Fatalf("%s: %s", name, resp.Status)
	}
	c.csrf = resp.Header.Get("X-CSRF-Token")
	return c
}

func (s *served) send(c *caller, method, target, body string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.csrf != "" {
		r.Header.Set("X-CSRF-Token", c.csrf)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // only the status counts
	_ = resp.Body.Close()
	return resp
}

// callers are all sorts of people who try; what they have at hand must be right
// again for each route.
func (s *served) callers() []*caller {
	disabled := s.signIn("a disabled administrator", "105", everybody)
	expired := s.signIn("somebody whose sign-in expired", "106", everybody)
	forger := s.signIn("an administrator's browser on a stranger's page", "101", administrator)
	disabled.refused, expired.refused, forger.csrf = http.StatusUnauthorized, http.StatusUnauthorized, "forged"
	u := s.person("105")
	u.Role, u.Disabled = pbx.RoleAdministrator, true
	if err := s.store.UpdateUser(s.t.Context(), &u); err != nil {
		s.t.Fatal(err)
	}
	all, err := s.store.WebSessionsOf(s.t.Context(), s.person("106").ID)
	if err != nil || len(all) != 1 {
		s.t.Fatal(all, err)
	}
	all[0].ExpiresAt = time.Now().Add(-time.Second)
	if err := s.store.TouchWebSession(s.t.Context(), all[0]); err != nil {
		s.t.Fatal(err)
	}
	return []*caller{
		s.nobody(), s.signIn("a user", "103", user), s.signIn("a supervisor", "102", supervisor),
		s.signIn("an administrator", "101", administrator), disabled, expired, forger,
	}
}

func (s *served) person(number string) pbx.User {
	s.t.Helper()
	e, err := s.store.Extension(s.t.Context(), number)
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := s.store.User(s.t.Context(), e.UserID)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

var parameter = regexp.MustCompile(`:[a-z_]+`)

// Reliability rows 17 and 19, Y-06, Y-12: every route of the router, tried by
// everybody. A route without a row in the table fails.
func TestWhoMayUseWhichRoute(t *testing.T) {
	s := serveDemo(t)
	routes := s.web.Routes()
	seen := map[string]bool{}
	callers := s.callers()
	for _, route := range routes {
		seen[route] = true
		needs, known := mayUse[route]
		if !known {
			t.Errorf("%s has no row in the table of who may use it", route)
			continue
		}
		method, path, _ := strings.Cut(route, " ")
		target := strings.ReplaceAll(parameter.ReplaceAllString(path, "x"), "*", "x")
		for _, c := range callers {
			if route == "DELETE /api/session" && c.refused == 0 && c.csrf != "forged" {
				continue // would end what the others are tried with; see TestSignOutAndSessions
			}
			s.try(c, needs, method, target)
		}
	}
	for route := range mayUse {
		if !seen[route] {
			t.Errorf("%s is in the table, but there is no such route", route)
		}
	}
}

// try compares one answer with what the table says.
func (s *served) try(c *caller, needs level, method, target string) {
	s.t.Helper()
	want := 0 // let in, whatever is said about the empty body
	switch {
	case needs == everybody || needs == thisMachine: // the tests are on this machine
	case c.refused != 0:
		want = c.refused
	case c.csrf == "forged" && method != http.MethodGet:
		want = http.StatusForbidden
	case c.level < needs:
		want = http.StatusForbidden
	}
	got := s.send(c, method, target, "{}").StatusCode
	refused := got == http.StatusUnauthorized || got == http.StatusForbidden
	if want != 0 && got != want || want == 0 && refused {
		s.t.Errorf("%s %s as %s: %d", method, target, c.name, got)
	}
}

// The document names every operation of the API and nothing else, and says of
// each whom it refuses.
func TestDocumentIsComplete(t *testing.T) {
	s := serveDemo(t)
	doc := s.web.API().OpenAPI()
	for _, route := range s.web.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if !strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/api/openapi") {
			continue
		}
		item := doc.Paths[regexp.MustCompile(`:([a-z_]+)`).ReplaceAllString(path, "{$1}")]
		if item == nil {
			t.Errorf("%s is not in the document", route)
			continue
		}
		op := map[string]any{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[method]
		if op == nil {
			t.Errorf("%s is not in the document", route)
		}
	}
	data, err := Document("test")
	if err != nil {
		t.Fatal(err)
	}
	here, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if len(here) != len(data) {
		t.Errorf("the printed document has %d bytes, the served one %d", len(data), len(here))
	}
	for _, name := range []string{"ServerEvent", "ClientFrame"} {
		if !strings.Contains(string(data), `"`+name+`":{"discriminator":{`) {
			t.Errorf("no union %s", name)
		}
	}
}

// Reliability row 20: nothing that is stored as a secret is ever in an answer.
func TestNoAnswerHasASecret(t *testing.T) {
	s := serveDemo(t)
	c := s.signIn("an administrator", "101", administrator)
	u := s.person("101")
	devices, err := s.store.DevicesOf(t.Context(), "101")
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{u.PasswordHash, "argon2id", devices[0].HA1.MD5, devices[0].HA1.SHA256, "klapka-demo-101", c.client.Jar.Cookies(base)[0].Value}
	for route := range mayUse {
		path, get := strings.CutPrefix(route, "GET ")
		if !get || !strings.HasPrefix(path, "/api/") || path == "/api/socket" {
			continue
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+parameter.ReplaceAllString(path, "x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		for _, secret := range secrets {
			if strings.Contains(string(body), secret) {
				t.Errorf("%s gives %q away", route, secret)
			}
		}
	}
}
