package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"klapka.dev/klapka/pbx"
)

// page stands for a client or portal.
func page(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func newServer(t *testing.T, change func(*Options)) (*Server, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	o := Options{
		Version: "1.2.3", Metrics: prometheus.NewRegistry(),
		Log:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Client: page("client"), Admin: page("admin"),
	}
	if change != nil {
		change(&o)
	}
	return New(o), &log
}

// ask sends a request as a browser on this machine would; change may alter it.
func ask(s *Server, method, target, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Host = "localhost:8080"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// problemOf decodes an RFC 9457 problem and its status.
func problemOf(t *testing.T, w *httptest.ResponseRecorder) huma.ErrorModel {
	t.Helper()
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("status %d has type %q and body %s", w.Code, ct, w.Body)
	}
	var m huma.ErrorModel
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if m.Status != w.Code {
		t.Errorf("the problem says %d, the answer %d", m.Status, w.Code)
	}
	return m
}

func TestPages(t *testing.T) {
	s, _ := newServer(t, nil)
	for target, want := range map[string]string{"/": "client", "/setup?token=x": "client", "/admin/": "admin", "/admin/people": "admin"} {
		if w := ask(s, http.MethodGet, target, "", nil); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", target, w.Code, w.Body, want)
		}
	}
	if w := ask(s, http.MethodGet, "/admin", "", nil); w.Header().Get("Location") != "/admin/" {
		t.Errorf("/admin leads to %q", w.Header().Get("Location"))
	}
	// What the API does not have is a problem, not a page.
	if m := problemOf(t, ask(s, http.MethodGet, "/api/nothing", "", nil)); m.Status != http.StatusNotFound {
		t.Errorf("/api/nothing: %d", m.Status)
	}
}

// /healthz says alive at once, /readyz 200 only between ready and draining.
func TestHealthAndReadiness(t *testing.T) {
	s, _ := newServer(t, nil)
	for _, step := range []struct {
		state State
		code  int
	}{{Starting, 503}, {Ready, 200}, {Draining, 503}} {
		s.SetState(step.state)
		if w := ask(s, http.MethodGet, "/readyz", "", nil); w.Code != step.code || !strings.Contains(w.Body.String(), step.state.String()) {
			t.Errorf("%s: /readyz %d %s", step.state, w.Code, w.Body)
		}
		if w := ask(s, http.MethodGet, "/healthz", "", nil); w.Code != 200 {
			t.Errorf("%s: /healthz %d", step.state, w.Code)
		}
	}
}

// Metrics are for this machine, or for who has the token; a proxy or a foreign
// name on loopback is somebody else.
func TestMetricsAreForLoopbackOrToken(t *testing.T) {
	const token = "a-long-secret"
	remote := func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }
	for _, tc := range []struct {
		name, token string
		change      func(*http.Request)
		want        int
	}{
		{"loopback", "", nil, 200},
		{"IPv6 loopback", "", func(r *http.Request) { r.RemoteAddr = "[::1]:9"; r.Host = "[::1]:8080" }, 200},
		{"elsewhere", "", remote, 401},
		{"elsewhere, no token set, empty bearer", "", func(r *http.Request) { remote(r); r.Header.Set("Authorization", "Bearer ") }, 401},
		{"elsewhere, wrong token", token, func(r *http.Request) { remote(r); r.Header.Set("Authorization", "Bearer x") }, 401},
		{"elsewhere, right token", token, func(r *http.Request) { remote(r); r.Header.Set("Authorization", "Bearer "+token) }, 200},
		{"through a proxy", "", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }, 401},
		{"rebound name", "", func(r *http.Request) { r.Host = "evil.example" }, 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := newServer(t, func(o *Options) { o.MetricsToken = tc.token })
			ask(s, http.MethodGet, "/healthz", "", nil)
			w := ask(s, http.MethodGet, "/metrics", "", tc.change)
			if w.Code != tc.want {
				t.Fatalf("%d, want %d", w.Code, tc.want)
			}
			counted := `klapka_http_requests_total{class="2xx",method="GET",route="/healthz"} 1`
			if w.Code == 200 && !strings.Contains(w.Body.String(), counted) {
				t.Errorf("no %s in\n%s", counted, w.Body)
			}
		})
	}
}

// Whatever is asked, the set of label values stays closed.
func TestMetricLabelsAreClosed(t *testing.T) {
	s, _ := newServer(t, func(o *Options) { o.Client = nil })
	for i := range 50 {
		ask(s, fmt.Sprintf("M%d", i), fmt.Sprintf("/x%d", i), "", nil)
		ask(s, http.MethodGet, fmt.Sprintf("/api/%d", i), "", nil)
	}
	families, err := s.opts.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); n > 4 {
			t.Errorf("%s has %d series after foolish requests", f.GetName(), n)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	s, _ := newServer(t, nil)
	plain := ask(s, http.MethodGet, "/", "", nil).Header()
	csp := plain.Get("Content-Security-Policy")
	for directive := range strings.SplitSeq(csp, "; ") {
		if strings.HasPrefix(directive, "script-src") && directive != "script-src 'self'" {
			t.Errorf("scripts may come from elsewhere: %s", directive)
		}
	}
	for _, want := range []string{"frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'", "default-src 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("no %s in %q", want, csp)
		}
	}
	if plain.Get("X-Content-Type-Options") != "nosniff" || plain.Get("Strict-Transport-Security") != "" {
		t.Errorf("headers without encryption: %v", plain)
	}
	secure := ask(s, http.MethodGet, "/", "", func(r *http.Request) { r.TLS = &tls.ConnectionState{} }).Header()
	if secure.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS with encryption")
	}
}

// A demo has known passwords: a foreign page whose name was made to point at
// loopback (DNS rebinding) must reach nothing of it.
func TestForeignHostNamesAreRefused(t *testing.T) {
	demo, _ := newServer(t, func(o *Options) { o.LoopbackOnly = true })
	named, _ := newServer(t, func(o *Options) { o.Hosts = []string{"pbx.example.com"} })
	open, _ := newServer(t, nil)
	for _, tc := range []struct {
		s    *Server
		host string
		want int
	}{
		{demo, "evil.example:8080", 421}, {demo, "localhost:8080", 200}, {demo, "127.0.0.1:8080", 200}, {demo, "[::1]:8080", 200}, {demo, "", 421},
		{named, "PBX.example.com", 200}, {named, "pbx.example.com:8443", 200}, {named, "evil.example", 421}, {named, "192.0.2.7", 200},
		{open, "whatever.example", 200},
	} {
		if w := ask(tc.s, http.MethodGet, "/healthz", "", func(r *http.Request) { r.Host = tc.host }); w.Code != tc.want {
			t.Errorf("host %q: %d, want %d", tc.host, w.Code, tc.want)
		}
	}
}

func TestOtherMachinesAreRedirectedToHTTPS(t *testing.T) {
	s, _ := newServer(t, nil)
	s.httpsPort.Store(8443)
	from := func(remote string) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr, r.Host = remote, "pbx.example.com:8080" }
	}
	w := ask(s, http.MethodGet, "/history?q=1", "", from("192.0.2.1:5"))
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "https://pbx.example.com:8443/history?q=1" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, probe := range []string{"/healthz", "/metrics"} {
		if w := ask(s, http.MethodGet, probe, "", from("192.0.2.1:5")); w.Code == http.StatusPermanentRedirect {
			t.Errorf("%s is redirected", probe)
		}
	}
	if w := ask(s, http.MethodGet, "/", "", from("127.0.0.1:5")); w.Code != 200 {
		t.Errorf("this machine gets %d", w.Code)
	}
}

// One table decides which code becomes which status, and internal text stays
// inside.
func TestEveryErrorCodeBecomesItsProblem(t *testing.T) {
	var fail error
	s, log := newServer(t, nil)
	Register(s, Open(), huma.Operation{Method: http.MethodPost, Path: "/api/fail"}, func(context.Context, *struct{}) (*struct{}, error) {
		return nil, fail
	})
	for code, want := range map[pbx.ErrorCode]int{
		pbx.Invalid: 422, pbx.Unauthorized: 401, pbx.Forbidden: 403, pbx.NotFound: 404, pbx.Conflict: 409,
		pbx.TooMany: 429, pbx.Unavailable: 503, pbx.Internal: 500,
	} {
		fail = fmt.Errorf("wrapped: %w", pbx.Errorf(code, "the words"))
		w := ask(s, http.MethodPost, "/api/fail", "{}", nil)
		m := problemOf(t, w)
		if m.Status != want || (code != pbx.Internal && m.Detail != "the words") {
			t.Errorf("%s: %d %q", code, m.Status, m.Detail)
		}
		if passing := code == pbx.TooMany || code == pbx.Unavailable; passing != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", code, w.Header().Get("Retry-After"))
		}
	}
	fail = pbx.FieldErrorf("email", "this is not an e-mail address")
	if m := problemOf(t, ask(s, http.MethodPost, "/api/fail", "{}", nil)); len(m.Errors) != 1 || m.Errors[0].Location != "body.email" {
		t.Errorf("the field is not named: %+v", m.Errors)
	}
	fail = errors.New("dial tcp 10.0.0.5: password=hunter2")
	w := ask(s, http.MethodPost, "/api/fail", "{}", nil)
	if m := problemOf(t, w); m.Status != 500 || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("an internal text got out: %s", w.Body)
	}
	if !strings.Contains(log.String(), "hunter2") {
		t.Error("an internal error is not in the log")
	}
	fail = context.DeadlineExceeded
	if m := problemOf(t, ask(s, http.MethodPost, "/api/fail", "{}", nil)); m.Status != 503 {
		t.Errorf("a time-out gives %d", m.Status)
	}
}

func TestPanicBecomesAProblemAndALogLine(t *testing.T) {
	s, log := newServer(t, nil)
	s.Handle(Open(), http.MethodGet, "/api/panic", func(http.ResponseWriter, *http.Request) error { panic("a secret thing") })
	w := ask(s, http.MethodGet, "/api/panic", "", nil)
	if m := problemOf(t, w); m.Status != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	id := w.Header().Get("X-Request-Id")
	if id == "" || !strings.Contains(log.String(), "request="+id) || !strings.Contains(log.String(), "a secret thing") {
		t.Errorf("the log does not tell: %s", log)
	}
}

const person = `{"token":"t","first_name":"Anna","last_name":"Nová","email":"a@example.com","password":"correct horse","extension":"101"`

func TestSetup(t *testing.T) {
	var got SetupRequest
	var result error
	s, _ := newServer(t, func(o *Options) {
		o.Setup = func(_ context.Context, r SetupRequest) error { got = r; return result }
	})
	if w := ask(s, http.MethodPost, "/api/setup", person+"}", nil); w.Code != http.StatusNoContent {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got.Extension != "101" || got.LastName != "Nová" || got.Language != "en" {
		t.Errorf("got %+v", got)
	}
	result = pbx.Errorf(pbx.Forbidden, "the link is not valid")
	if m := problemOf(t, ask(s, http.MethodPost, "/api/setup", person+"}", nil)); m.Status != 403 {
		t.Errorf("a wrong token gives %d", m.Status)
	}
	// A refused password never comes back in the answer.
	w := ask(s, http.MethodPost, "/api/setup", strings.Replace(person, "correct horse", strings.Repeat("hunter2", 50), 1)+"}", nil)
	if m := problemOf(t, w); m.Status != 422 || strings.Contains(w.Body.String(), "hunter2") || m.Errors[0].Location != "body.password" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(s, http.MethodPost, "/api/setup", person+`,"language":"xx"}`, nil); w.Code != 422 {
		t.Errorf("an unknown language gives %d", w.Code)
	}
	// A page of another origin cannot set us up.
	w = ask(s, http.MethodPost, "/api/setup", person+"}", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	if m := problemOf(t, w); m.Status != 403 {
		t.Errorf("cross-site gives %d", m.Status)
	}
	for range 12 {
		w = ask(s, http.MethodPost, "/api/setup", person+"}", nil)
	}
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("a guesser gets %d", w.Code)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s, _ := newServer(t, func(o *Options) { o.Setup = func(context.Context, SetupRequest) error { return nil } })
	big := person + `,"company":"` + strings.Repeat("x", 2<<20) + `"}`
	if w := ask(s, http.MethodPost, "/api/setup", big, nil); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MB give %d", w.Code)
	}
}

// The document is OpenAPI 3.1 and holds what was registered.
func TestDocument(t *testing.T) {
	s, _ := newServer(t, func(o *Options) { o.Setup = func(context.Context, SetupRequest) error { return nil } })
	w := ask(s, http.MethodGet, "/api/openapi.json", "", nil)
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/api/setup"] == nil {
		t.Errorf("%s", w.Body)
	}
}
