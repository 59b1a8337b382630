package e2e

import (
	"maps"
	"strings"
	"testing"
	"text/template"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// invitesForgotten is when nothing is kept any more of an answered INVITE: 64 T1
// (RFC 6026 §7.1), and some time for a busy machine.
const invitesForgotten = 45 * time.Second

// values are what a scenario is told.
type values = map[string]any

// scenario reads a scenario of testdata.
func scenario(t *testing.T, name string, v values) string {
	t.Helper()
	functions := template.FuncMap{"but": but, "add": func(a, b int) int { return a + b }, "seq": func(from, to int) (out []int) {
		for i := from; i <= to; i++ {
			out = append(out, i)
		}
		return out
	}}
	all, err := template.New(name).Funcs(functions).ParseFiles("testdata/parts.xml", "testdata/"+name)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n")
	if err := all.Execute(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// but is v with further values, by name.
func but(v values, more ...any) values {
	out := maps.Clone(v)
	if out == nil {
		out = values{}
	}
	for i := 0; i+1 < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}

// sipp is a phone of the demo that follows scenarios.
type sipp struct {
	w *world
	o pbxtest.SippOptions
}

// sipp takes an address for a phone.
func (w *world) sipp(number string) *sipp {
	return &sipp{w: w, o: pbxtest.SippOptions{
		At: loopbacks.Next(), Server: w.SIP(), Username: number, Secret: "klapka-demo-" + number,
		Keys: map[string]string{"from": number},
	}}
}

// start begins a scenario.
func (s *sipp) start(t *testing.T, name, service string, v values) *pbxtest.Sipp {
	t.Helper()
	o := s.o
	o.Name, o.Scenario, o.Service = o.Username+" "+name, scenario(t, name+".xml", v), service
	return pbxtest.StartSipp(t, o)
}

// run goes through a scenario.
func (s *sipp) run(t *testing.T, name, service string, v values) *pbxtest.Sipp {
	t.Helper()
	p := s.start(t, name, service, v)
	p.Wait()
	return p
}

// register registers it.
func (s *sipp) register(t *testing.T) *sipp {
	t.Helper()
	s.run(t, "register", s.o.Username, values{"Status": 200})
	return s
}

// A right secret registers, a wrong one and an unknown name are both challenged
// again: nobody learns which numbers there are.
func TestSippRegister(t *testing.T) {
	w := newWorld(t)
	w.sipp("101").register(t)
	wrong := w.sipp("102")
	wrong.o.Secret = "guessed"
	wrong.run(t, "register", "102", values{"Status": 401})
	unknown := w.sipp("102")
	unknown.o.Username = "777"
	unknown.run(t, "register", "777", values{"Status": 401})
}

// The ways a call ends, each with its status at the caller.
func TestSippCalls(t *testing.T) {
	w := newWorld(t, "KLAPKA_CALLS_RING_TIME", "3s")
	caller, callee := w.sipp("101"), w.sipp("102").register(t)
	records := 0
	for _, c := range []struct {
		name             string
		answer, call     string
		answerIs, callIs values
		cause            pbx.CauseCode
	}{
		{"answered", "answer", "call", nil, nil, pbx.CauseNormal},
		{"given up", "ring", "cancel", nil, nil, pbx.CauseCancelled},
		{"busy", "refuse", "refused", values{"Status": "486 Busy Here"}, values{"Status": 486}, pbx.CauseBusy},
		{"declined", "refuse", "refused", values{"Status": "603 Decline"}, values{"Status": 603}, pbx.CauseDeclined},
		{"not answered", "ring", "refused", nil, values{"Status": 480}, pbx.CauseNoAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			there := callee.start(t, c.answer, "102", c.answerIs)
			caller.run(t, c.call, "102", c.callIs)
			there.Wait()
			records++
			if r := w.records(records)[records-1]; r.Cause.Code != c.cause {
				t.Errorf("the record says %v, want %s", r.Cause, c.cause)
			}
		})
	}
}

// Messages in an order that phones and networks really produce, and some that
// only somebody hostile does: each gets its status, and no call is left over.
func TestSippHostileOrder(t *testing.T) {
	w := newWorld(t)
	w.settle = invitesForgotten
	caller := w.sipp("101")
	for _, c := range []struct {
		name, file, to string
		v              values
	}{
		{"BYE before ACK", "bye_before_ack", "*43", nil},
		{"CANCEL after 200", "cancel_late", "*43", values{"Status": 200}},
		{"BYE twice", "bye_twice", "*43", nil},
		{"BYE with a wrong tag", "wrong_tag", "*43", nil},
		{"re-INVITE twice", "reinvite", "*43", nil},
		{"no hops left", "alone", "*43", values{"Status": 483, "Hops": "0"}},
		{"unknown Require", "alone", "*43", values{
			"Status": 420, "Extra": []string{"Require: quantum"}, "Header": "Unsupported", "Value": "quantum",
		}},
		{"a description that is none", "refused", "*43", values{"Status": 488, "Body": "v=0\nthis is no description"}},
		{"no codec in common", "refused", "*43", values{"Status": 488, "Body": "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 6000 RTP/AVP 3\na=rtpmap:3 GSM/8000"}},
	} {
		t.Run(c.name, func(t *testing.T) { caller.run(t, c.file, c.to, c.v) })
	}
	// The exchange is none the worse for it.
	caller.run(t, "call", "*43", nil)
}

// What a phone may ask for within a call and outside of one: keys by INFO and
// OPTIONS work, a late offer is answered, and what does not work is refused by
// name. Nobody unknown gets a 2xx for more than OPTIONS.
func TestSippOtherRequests(t *testing.T) {
	w := newWorld(t)
	w.settle = invitesForgotten
	caller := w.sipp("101")
	t.Run("late offer", func(t *testing.T) { caller.run(t, "late_offer", "*43", nil) })
	t.Run("within a call", func(t *testing.T) {
		relay := []string{"Content-Type: application/dtmf-relay"}
		caller.run(t, "inside", "*43", values{"Requests": []values{
			{"Method": "OPTIONS", "Status": 200},
			{"Method": "INFO", "Status": 200, "Extra": relay, "Body": "Signal=5\nDuration=160"},
			{"Method": "UPDATE", "Status": 200},
			{"Method": "MESSAGE", "Status": 405, "Extra": []string{"Content-Type: text/plain"}, "Body": "hello"},
			{"Method": "PUBLISH", "Status": 489},
			{"Method": "FROBNICATE", "Status": 501},
		}})
	})
	for method, status := range map[string]int{
		"OPTIONS": 200, "MESSAGE": 405, "REFER": 405, "SUBSCRIBE": 489, "PUBLISH": 489, "NOTIFY": 481, "FROBNICATE": 501,
		"BYE": 481, "CANCEL": 481, "INFO": 481, "UPDATE": 481,
	} {
		t.Run(method+" of a stranger", func(t *testing.T) {
			w.sipp("666").run(t, "stranger", "101", values{"Method": method, "Status": status})
		})
	}
	w.records(2)
}

// What happens to an INVITE while a phone rings, and to an answer that is not
// acknowledged.
func TestSippRepeats(t *testing.T) {
	w := newWorld(t)
	caller, callee := w.sipp("101"), w.sipp("102").register(t)
	for _, name := range []string{"invite_twice", "reinvite_early", "ack_lost"} {
		t.Run(name, func(t *testing.T) {
			there := callee.start(t, "answer", "102", nil)
			p := caller.run(t, name, "102", nil)
			there.Wait()
			if name == "ack_lost" {
				if n := strings.Count(p.Messages(), "\nSIP/2.0 200 OK"); n < 4 { // 0, 0.5 and 1.5 s, and to the BYE
					t.Errorf("the answer came %d times within 2 s", n-1)
				}
			}
		})
	}
	if n := len(w.records(3)); n != 3 {
		t.Errorf("%d calls of 3", n)
	}
}

// Fifty calls, ten beside each other, by one phone to the echo.
func TestSippManyCalls(t *testing.T) {
	w := newWorld(t)
	w.settle = invitesForgotten
	caller := w.sipp("101")
	caller.o.Calls, caller.o.Rate, caller.o.Within = 50, 20, time.Minute
	caller.run(t, "call", "*43", nil)
	w.records(50)
}
