package webclient

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
	"klapka.dev/klapka/pbx/web/session"
)

// bench is an exchange of fakes with 101 signed in.
type bench struct {
	t        *testing.T
	server   *web.Server
	cookie   *http.Cookie
	csrf     string
	browsers *edge
	control  *control
	records  []pbx.CallRecord // the newest first
	asked    pbx.CallFilter   // the last question for them
}

type passwords struct{}

func (passwords) Verify(_ context.Context, password, hash string) (bool, error) {
	return password == hash, nil
}
func (passwords) SetPassword(context.Context, string, string) error { return nil }

func newBench(t *testing.T, change func(*API)) *bench {
	t.Helper()
	b := &bench{t: t, browsers: &edge{}, control: &control{}}
	people := pbxtest.NewPeople()
	u := pbx.User{ID: "u101", LastName: "Nová", Role: pbx.RoleUser, Language: pbx.English, PasswordHash: "pass"}
	if err := people.CreateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	if err := people.CreateExtension(t.Context(), &pbx.Extension{Number: "101", UserID: u.ID}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	b.server = web.New(web.Options{Log: log, Metrics: prometheus.NewRegistry(), Sessions: session.New(session.Options{
		Store: struct {
			*pbxtest.People
			*pbxtest.WebSessions
		}{people, pbxtest.NewWebSessions()}, Passwords: passwords{}, Log: log,
	})})
	a := API{Live: b, Records: b, Calls: b.control, Browsers: b.browsers}
	if change != nil {
		change(&a)
	}
	a.Register(b.server)
	w := b.ask(http.MethodPost, "/api/session", `{"login":"101","password":"pass"}`)
	b.cookie, b.csrf = w.Result().Cookies()[0], w.Header().Get("X-CSRF-Token")
	return b
}

func (b *bench) ask(method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("X-Client-Id", "browser")
	r.Header.Set("X-Tab-Id", "tab")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
		r.Header.Set("X-CSRF-Token", b.csrf)
	}
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, r)
	return w
}

func (b *bench) People() []live.Person { return []live.Person{{Number: "102", State: live.Free}} }

func (b *bench) Calls(extension string) []live.OwnCall {
	return []live.OwnCall{{Leg: "mine", Peer: live.Peer{Number: "of " + extension}}}
}

func (b *bench) Owns(extension string, leg pbx.LegID) bool {
	return extension == "101" && leg == "mine"
}

func (b *bench) CallRecord(context.Context, pbx.CallID) (pbx.CallRecord, error) {
	return pbx.CallRecord{}, pbx.Errorf(pbx.NotFound, "none")
}

func (b *bench) CallRecords(_ context.Context, f pbx.CallFilter) ([]pbx.CallRecord, error) {
	b.asked = f
	from := 0
	if f.Before != "" {
		at := slices.IndexFunc(b.records, func(r pbx.CallRecord) bool { return r.ID == f.Before })
		if at < 0 {
			return nil, pbx.Errorf(pbx.NotFound, "no such call")
		}
		from = at + 1
	}
	return b.records[from:min(len(b.records), from+f.Limit)], nil
}

// control notes what it is told to end.
type control struct{ ended []string }

func (c *control) Calls() []pbx.LiveCall { return nil }

func (c *control) Hangup(leg pbx.LegID, cause pbx.Cause) error {
	c.ended = append(c.ended, fmt.Sprintf("%s %s %s", leg, cause.Code, cause.By))
	return nil
}

// edge notes its commands and answers all with err.
type edge struct {
	did []string
	err error
}

func (e *edge) note(at pbx.Tab, words ...any) error {
	e.did = append(e.did, fmt.Sprint(at.User, "/", at.Client, "/", at.Tab, ": ")+strings.TrimSuffix(fmt.Sprintln(words...), "\n"))
	return e.err
}

func (e *edge) Connect(pbx.TabInfo) (pbx.TabLink, error) { return nil, nil }
func (e *edge) Dial(at pbx.Tab, to string) (pbx.Dialled, error) {
	return pbx.Dialled{Call: "c", Leg: "l"}, e.note(at, "dial", to)
}
func (e *edge) Answer(at pbx.Tab, leg pbx.LegID) error   { return e.note(at, "answer", leg) }
func (e *edge) Reject(at pbx.Tab, leg pbx.LegID) error   { return e.note(at, "reject", leg) }
func (e *edge) Hangup(at pbx.Tab, leg pbx.LegID) error   { return e.note(at, "hangup", leg) }
func (e *edge) Activate(at pbx.Tab, leg pbx.LegID) error { return e.note(at, "activate", leg) }
func (e *edge) Hold(at pbx.Tab, leg pbx.LegID) error     { return e.note(at, "hold", leg) }
func (e *edge) Continue(at pbx.Tab, leg pbx.LegID) error { return e.note(at, "continue", leg) }
func (e *edge) Place(pbx.LegID) (pbx.Tab, bool)          { return pbx.Tab{}, false }
func (e *edge) Digits(at pbx.Tab, leg pbx.LegID, digits string) error {
	return e.note(at, "digits", leg, digits)
}

func TestPeopleAndOwnCalls(t *testing.T) {
	b := newBench(t, nil)
	if w := b.ask(http.MethodGet, "/api/people", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"number":"102"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := b.ask(http.MethodGet, "/api/calls", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "of 101") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Y-03, Y-08: every command reaches the browser edge with the person and page it
// came from.
func TestCommandsReachTheEdge(t *testing.T) {
	b := newBench(t, nil)
	if w := b.ask(http.MethodPost, "/api/calls", `{"to":" 102 "}`); w.Code != 202 || strings.TrimSpace(w.Body.String()) != `{"call":"c","leg":"l"}` {
		t.Errorf("dial: %d %s", w.Code, w.Body)
	}
	want := []string{"u101/browser/tab: dial 102"}
	for verb, does := range map[string]string{
		"answer": "answer", "reject": "reject", "hangup": "hangup", "hold": "hold", "resume": "activate", "activate": "activate", "continue": "continue",
	} {
		if w := b.ask(http.MethodPost, "/api/calls/mine/"+verb, ""); w.Code != 202 {
			t.Errorf("%s: %d %s", verb, w.Code, w.Body)
		}
		want = append(want, "u101/browser/tab: "+does+" mine")
	}
	if w := b.ask(http.MethodPost, "/api/calls/mine/dtmf", `{"digits":"*1#"}`); w.Code != 202 {
		t.Errorf("dtmf: %d %s", w.Code, w.Body)
	}
	want = append(want, "u101/browser/tab: digits mine *1#")
	if !slices.Equal(b.browsers.did, want) {
		t.Errorf("did %v, want %v", b.browsers.did, want)
	}
	for _, body := range []string{`{"digits":"1a"}`, `{"digits":""}`, `{}`} {
		if w := b.ask(http.MethodPost, "/api/calls/mine/dtmf", body); w.Code != 422 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
}

// Somebody else's leg is like one that is not there, and nothing is done to it.
func TestOnlyOwnLegs(t *testing.T) {
	b := newBench(t, nil)
	for _, verb := range []string{"answer", "reject", "hangup", "hold", "resume", "activate", "continue", "dtmf"} {
		body := ""
		if verb == "dtmf" {
			body = `{"digits":"1"}`
		}
		if w := b.ask(http.MethodPost, "/api/calls/theirs/"+verb, body); w.Code != 404 {
			t.Errorf("%s: %d", verb, w.Code)
		}
	}
	if len(b.browsers.did)+len(b.control.ended) != 0 {
		t.Errorf("something was done: %v %v", b.browsers.did, b.control.ended)
	}
}

// A refusal says why; a call on a desk phone can be ended from the page, but not
// answered there.
func TestRefusalsAndDeskPhones(t *testing.T) {
	b := newBench(t, nil)
	b.browsers.err = pbx.Errorf(pbx.Conflict, "Pavel was faster")
	if w := b.ask(http.MethodPost, "/api/calls/mine/answer", ""); w.Code != 409 || !strings.Contains(w.Body.String(), "Pavel was faster") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.browsers.err = pbx.Errorf(pbx.NotFound, "not in a browser")
	for verb, code := range map[string]int{"answer": 409, "hold": 409, "continue": 409, "hangup": 202, "reject": 202} {
		if w := b.ask(http.MethodPost, "/api/calls/mine/"+verb, ""); w.Code != code {
			t.Errorf("%s on a desk phone: %d", verb, w.Code)
		}
	}
	slices.Sort(b.control.ended)
	if !slices.Equal(b.control.ended, []string{"mine declined user", "mine normal user"}) {
		t.Errorf("ended %v", b.control.ended)
	}
	alone := newBench(t, func(a *API) { a.Browsers = nil })
	for target, code := range map[string]int{"/api/calls/mine/hangup": 202, "/api/calls/mine/answer": 503} {
		if w := alone.ask(http.MethodPost, target, ""); w.Code != code {
			t.Errorf("without browsers: %s %d", target, w.Code)
		}
	}
	if w := alone.ask(http.MethodPost, "/api/calls", `{"to":"102"}`); w.Code != 503 {
		t.Errorf("without browsers: %d", w.Code)
	}
}

// Y-30, Y-32: what was in, out and missed, seen from 101.
func TestHistoryItems(t *testing.T) {
	t0 := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	anna := pbx.PartyInfo{Number: "101", Name: "Anna", Extension: "101"}
	pavel := pbx.PartyInfo{Number: "102", Name: "Pavel", Extension: "102"}
	leg := func(p pbx.PartyInfo, rang, answered bool, cause pbx.CauseCode) pbx.LegRecord {
		l := pbx.LegRecord{Party: p, Cause: pbx.Cause{Code: cause}, EndedAt: t0.Add(time.Minute)}
		if rang {
			l.RangAt = t0
		}
		if answered {
			l.AnsweredAt = t0.Add(5 * time.Second)
		}
		return l
	}
	caller := func(p pbx.PartyInfo) pbx.LegRecord {
		l := leg(p, false, true, pbx.CauseNormal)
		l.Incoming = true
		return l
	}
	for name, tc := range map[string]struct {
		record pbx.CallRecord
		want   string
	}{
		"called, answered": {pbx.CallRecord{From: anna, Dialled: "102", AnsweredBy: pavel, AnsweredAt: t0, Legs: []pbx.LegRecord{caller(anna), leg(pavel, true, true, "normal")}}, "outgoing Pavel true false"},
		"called, not":      {pbx.CallRecord{From: anna, Dialled: "102", Legs: []pbx.LegRecord{caller(anna), leg(pavel, true, false, "no_answer")}}, "outgoing Pavel false false"},
		"called a code":    {pbx.CallRecord{From: anna, Dialled: "*43", Legs: []pbx.LegRecord{caller(anna)}}, "outgoing  false false"},
		"taken":            {pbx.CallRecord{From: pavel, AnsweredBy: anna, AnsweredAt: t0, Legs: []pbx.LegRecord{caller(pavel), leg(anna, true, true, "normal")}}, "incoming Pavel true false"},
		"missed":           {pbx.CallRecord{From: pavel, Legs: []pbx.LegRecord{caller(pavel), leg(anna, true, false, "no_answer")}}, "incoming Pavel false true"},
		"caller gave up":   {pbx.CallRecord{From: pavel, Legs: []pbx.LegRecord{caller(pavel), leg(anna, true, false, "cancelled")}}, "incoming Pavel false true"},
		"own other device": {pbx.CallRecord{From: pavel, AnsweredBy: anna, AnsweredAt: t0, Legs: []pbx.LegRecord{caller(pavel), leg(anna, true, false, "answered_elsewhere"), leg(anna, true, true, "normal")}}, "incoming Pavel true false"},
		"a colleague took": {pbx.CallRecord{From: pavel, AnsweredAt: t0, Legs: []pbx.LegRecord{caller(pavel), leg(anna, true, false, "answered_elsewhere")}}, "incoming Pavel false false"},
		"never rang":       {pbx.CallRecord{From: pavel, Legs: []pbx.LegRecord{caller(pavel), leg(anna, false, false, "unreachable")}}, "incoming Pavel false false"},
	} {
		i := historyItem(tc.record, "101")
		if got := fmt.Sprint(i.Direction, " ", i.Peer.Name, " ", i.AnsweredAt != nil, " ", i.Missed); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// Y-30, Y-32, Y-33: filters and search keep within one's own calls, and pages
// join without a gap or repetition, however many calls lie between.
func TestHistoryPages(t *testing.T) {
	b := newBench(t, nil)
	mine := pbx.PartyInfo{Number: "101", Extension: "101"}
	wanted := 0
	for i := range 1300 {
		r := pbx.CallRecord{ID: pbx.CallID(fmt.Sprint(i)), From: pbx.PartyInfo{Number: "102"}}
		if i < 200 && i%3 == 0 || i > 1290 {
			r.From = mine
			wanted++
		}
		b.records = append(b.records, r)
	}
	seen := map[pbx.CallID]bool{}
	target, parts := "/api/calls/history?direction=outgoing&search=no", 0
	for cursor := ""; ; parts++ {
		var p HistoryPage
		w := b.ask(http.MethodGet, target+cursor, "")
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, i := range p.Items {
			if seen[i.Call] || i.Direction != live.Outgoing {
				t.Errorf("call %s again, or wrong", i.Call)
			}
			seen[i.Call] = true
		}
		if b.asked.Extension != "101" || b.asked.Search != "no" || b.asked.Open == nil || *b.asked.Open {
			t.Fatalf("asked for %+v", b.asked)
		}
		if p.Next == nil {
			break
		}
		cursor = "&cursor=" + *p.Next
	}
	if len(seen) != wanted || parts > 5 {
		t.Errorf("%d of %d calls in %d parts", len(seen), wanted, parts)
	}
	if w := b.ask(http.MethodGet, "/api/calls/history?cursor=gone", ""); w.Code != 422 || !strings.Contains(w.Body.String(), "query.cursor") {
		t.Errorf("an old cursor: %d %s", w.Code, w.Body)
	}
	if w := b.ask(http.MethodGet, "/api/calls/history?direction=sideways", ""); w.Code != 422 {
		t.Errorf("an unknown filter: %d", w.Code)
	}
}
