package exchange

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web/live"
	"klapka.dev/klapka/webclient"
)

// screen is somebody's page in front of a rig.
type screen struct {
	r      *rig
	cookie *http.Cookie
	csrf   string
}

func (r *rig) screen(number string) *screen {
	r.t.Helper()
	s := &screen{r: r}
	w := s.ask(http.MethodPost, "/api/session", `{"login":"`+number+`","password":"`+auth.DemoPassword+`"}`)
	if w.Code != http.StatusNoContent {
		r.t.Fatalf("sign-in: %d %s", w.Code, w.Body)
	}
	s.cookie, s.csrf = w.Result().Cookies()[0], w.Header().Get("X-CSRF-Token")
	return s
}

func (s *screen) ask(method, target, body string) *httptest.ResponseRecorder {
	synctest.Wait()
	q := httptest.NewRequest(method, target, strings.NewReader(body))
	q.RemoteAddr = "127.0.0.1:4000"
	q.Header.Set("Content-Type", "application/json")
	if s.cookie != nil {
		q.AddCookie(s.cookie)
		q.Header.Set("X-CSRF-Token", s.csrf)
	}
	w := httptest.NewRecorder()
	s.r.x.web.ServeHTTP(w, q)
	synctest.Wait()
	return w
}

func look[T any](s *screen, target string) T {
	s.r.t.Helper()
	var v T
	w := s.ask(http.MethodGet, target, "")
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != http.StatusOK {
		s.r.t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	return v
}

// wantLines compares the states of 101, 102 and 103.
func (s *screen) wantLines(want ...live.LineState) {
	s.r.t.Helper()
	people := look[[]live.Person](s, "/api/people")
	for i, state := range want {
		if people[i].State != state {
			s.r.t.Errorf("%s is %s, want %s", people[i].Number, people[i].State, state)
		}
	}
}

// own describes one's own calls in a line each.
func (s *screen) own() string {
	s.r.t.Helper()
	var lines []string
	for _, c := range look[[]live.OwnCall](s, "/api/calls") {
		lines = append(lines, fmt.Sprintf("%s %s %s %s on %s", c.Direction, c.State, c.Peer.Number, c.Peer.Name, c.Device.Name))
	}
	return strings.Join(lines, "; ")
}

func (s *screen) want(own string) {
	s.r.t.Helper()
	if got := s.own(); got != own {
		s.r.t.Errorf("own calls: %q, want %q", got, own)
	}
}

// Y-07, Y-30, Y-32: what the screens show while two desk phones talk, and what
// stays of it.
func TestScreensFollowACall(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		hers, his, others := r.screen("101"), r.screen("102"), r.screen("103")
		others.wantLines(live.Free, live.Free, live.Offline)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Respond(180)
		call.Expect(180)
		others.wantLines(live.Dialling, live.Ringing, live.Offline)
		hers.want("outgoing ringing 102 Pavel Novák on Desk phone")
		his.want("incoming ringing 101 Anna Huber on Desk phone")
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		others.wantLines(live.Talking, live.Talking)
		his.want("incoming talking 101 Anna Huber on Desk phone")
		others.want("")
		time.Sleep(time.Minute)
		leg := look[[]live.OwnCall](his, "/api/calls")[0].Leg
		if w := others.ask(http.MethodPost, "/api/calls/"+string(leg)+"/hangup", ""); w.Code != http.StatusNotFound {
			t.Errorf("somebody else hangs up: %d", w.Code)
		}
		if w := his.ask(http.MethodPost, "/api/calls/"+string(leg)+"/hangup", ""); w.Code != http.StatusAccepted {
			t.Errorf("he hangs his desk phone up: %d %s", w.Code, w.Body)
		}
		in.ExpectBye()
		call.ExpectBye()
		others.wantLines(live.Free, live.Free)
		hers.want("")
		r.record() // it is written
		item := func(s *screen, filter string) string {
			p := look[webclient.HistoryPage](s, "/api/calls/history?direction="+filter)
			if len(p.Items) != 1 {
				return fmt.Sprint(len(p.Items), " calls")
			}
			i := p.Items[0]
			return fmt.Sprint(i.Direction, " ", i.Peer.Name, " ", i.EndedAt.Sub(*i.AnsweredAt), " ", i.Missed)
		}
		for _, tc := range []struct {
			s            *screen
			filter, want string
		}{
			{hers, "outgoing", "outgoing Pavel Novák 1m0s false"}, {hers, "incoming", "0 calls"},
			{his, "incoming", "incoming Anna Huber 1m0s false"}, {his, "missed", "0 calls"}, {others, "incoming", "0 calls"},
		} {
			if got := item(tc.s, tc.filter); got != tc.want {
				t.Errorf("%s: %s, want %s", tc.filter, got, tc.want)
			}
		}
	})
}

// Y-32: a call nobody took is missed, and a phone that goes leaves its line
// offline.
func TestScreensShowWhatWasMissed(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		his := r.screen("102")
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Respond(180)
		call.Expect(180)
		call.Cancel()
		call.Expect(487)
		in.ExpectCancel()
		r.record()
		p := look[webclient.HistoryPage](his, "/api/calls/history?direction=missed&search=hub")
		if len(p.Items) != 1 || !p.Items[0].Missed || p.Items[0].Peer.Number != "101" || p.Items[0].AnsweredAt != nil {
			t.Errorf("%+v", p.Items)
		}
		time.Sleep(2 * time.Hour) // no phone refreshes its registration
		his.wantLines(live.Offline, live.Offline)
	})
}
