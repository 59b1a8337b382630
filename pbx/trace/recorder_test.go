package trace_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/trace"
)

var (
	anna  = netip.MustParseAddrPort("10.0.1.1:5060")
	pavel = netip.MustParseAddrPort("10.0.1.2:5060")
)

// bench is a Recorder with a hand for events and messages.
type bench struct {
	t *testing.T
	*trace.Recorder
}

func newBench(t *testing.T, o trace.Options) *bench { return &bench{t, trace.New(o)} }

func (b *bench) publish(call pbx.CallID, leg pbx.LegID, body pbx.EventBody) {
	time.Sleep(time.Millisecond)
	b.Event(pbx.Event{At: time.Now(), Call: call, Leg: leg, Body: body})
}

func (b *bench) pass(sent bool, remote netip.AddrPort, start, callID string, extra ...string) {
	time.Sleep(time.Millisecond)
	b.Message(trace.Message{Edge: "udp", Sent: sent, Remote: remote, Raw: []byte(message(start, callID, extra...))})
}

func message(start, callID string, extra ...string) string {
	lines := append([]string{
		start, "Via: SIP/2.0/UDP 10.0.1.1;branch=z9hG4bK1", `From: "Anna" <sip:101@10.0.0.1>;tag=a`,
		"To: <sip:102@10.0.0.1>", "Call-ID: " + callID, "CSeq: 1 INVITE",
	}, extra...)
	return strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")
}

// call begins a call of 101 to 102 with its incoming leg.
func (b *bench) call(id pbx.CallID) {
	sip := "sip-" + string(id)
	b.pass(false, anna, "INVITE sip:102@10.0.0.1 SIP/2.0", sip)
	b.pass(true, anna, "SIP/2.0 401 Unauthorized", sip)
	b.pass(false, anna, "INVITE sip:102@10.0.0.1 SIP/2.0", sip, `Authorization: Digest username="101", response="cafe"`)
	b.publish(id, "", pbx.CallStarted{
		From: pbx.PartyInfo{Number: "101", Name: "Anna"}, Dialled: "102", To: pbx.Target{Kind: pbx.TargetExtension, ID: "102"},
	})
	b.publish(id, pbx.LegID(id+"-in"), pbx.LegStarted{
		Incoming: true, Party: pbx.PartyInfo{Number: "101"}, Edge: "udp", Remote: anna.String(), SIPCall: sip,
	})
}

// dial begins the leg that rings 102.
func (b *bench) dial(id pbx.CallID, leg pbx.LegID) {
	b.publish(id, leg, pbx.LegStarted{
		Party: pbx.PartyInfo{Number: "102", Name: "Pavel", Device: "d102"}, Edge: "udp", Remote: pavel.String(), SIPCall: string(leg),
	})
	b.pass(true, pavel, "INVITE sip:102@10.0.1.2 SIP/2.0", string(leg))
}

func (b *bench) end(id pbx.CallID, leg pbx.LegID, c pbx.CauseCode) {
	if leg != "" {
		b.publish(id, leg, pbx.LegEnded{Cause: pbx.Cause{Code: c}})
	}
	b.publish(id, "", pbx.CallEnded{Cause: pbx.Cause{Code: c}})
}

func (b *bench) trace(id pbx.CallID) pbx.Trace {
	b.t.Helper()
	tr, err := b.Trace(id)
	if err != nil {
		b.t.Fatal(err)
	}
	return tr
}

func titles(tr pbx.Trace) string {
	var out []string
	for _, e := range tr.Entries {
		arrow := "*"
		if e.Kind == pbx.TraceMessage {
			arrow = e.From + ">" + e.To
		}
		out = append(out, arrow+" "+e.Title)
	}
	return strings.Join(out, "\n")
}

func TestLadderOfAnAnsweredCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{})
		b.call("c1")
		b.publish("c1", "c1-in", pbx.CallDecision{Step: pbx.StepDevice, Params: map[string]string{"state": pbx.DeviceRung}})
		b.dial("c1", "l2")
		b.pass(false, pavel, "SIP/2.0 180 Ringing", "l2")
		b.pass(false, pavel, "SIP/2.0 200 OK", "l2")
		b.publish("c1", "l2", pbx.LegAnswered{Codec: "PCMA"})
		b.publish("c1", "l2", pbx.CallAnswered{By: pbx.PartyInfo{Number: "102"}})
		b.end("c1", "l2", pbx.CauseNormal)
		tr := b.trace("c1")
		want := `101 10.0.1.1:5060>klapka INVITE
klapka>101 10.0.1.1:5060 401 Unauthorized
101 10.0.1.1:5060>klapka INVITE
* call.started
* leg.started
* device
* leg.started
klapka>102 10.0.1.2:5060 INVITE
102 10.0.1.2:5060>klapka 180 Ringing
102 10.0.1.2:5060>klapka 200 OK
* leg.answered
* call.answered
* leg.ended
* call.ended`
		if got := titles(tr); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if tr.Verdict != pbx.VerdictAnswered || tr.From.Number != "101" || tr.Dialled != "102" || tr.Source != anna.String() {
			t.Errorf("the head is %+v", tr.TraceHead)
		}
		if heads := b.Traces(""); len(heads) != 1 || heads[0].ID != "c1" || heads[0].Refused != "" {
			t.Errorf("the list is %+v", heads)
		}
		text := trace.Ladder(tr)
		for _, part := range []string{"|< INVITE ", "| 401 Unauthorized -", "* call.started dialled=102 from=101", "---- ", "verdict: answered"} {
			if !strings.Contains(text, part) {
				t.Errorf("the ladder lacks %q:\n%s", part, text)
			}
		}
		if strings.Contains(text, "cafe") || !strings.Contains(text, `username="101"`) {
			t.Error("the ladder shows credentials, or not whose they were")
		}
	})
}

// The answer to "why did my phone not ring?", for the phone and for the call.
func TestVerdicts(t *testing.T) {
	rings := func(c pbx.CauseCode, answer string) func(b *bench) {
		return func(b *bench) {
			b.dial("c1", "l2")
			if answer != "" {
				b.pass(false, pavel, "SIP/2.0 "+answer, "l2")
			}
			b.end("c1", "l2", c)
		}
	}
	device := func(state string) func(b *bench) {
		return func(b *bench) {
			b.publish("c1", "c1-in", pbx.CallDecision{Step: pbx.StepDevice, Params: map[string]string{
				"extension": "102", "device": "d102", "username": "102", "state": state,
			}})
			b.end("c1", "", pbx.CauseUnreachable)
		}
	}
	for _, tc := range []struct {
		name    string
		story   func(b *bench)
		call    pbx.Verdict
		outcome string
	}{
		{"declined", rings(pbx.CauseDeclined, "603 Decline"), pbx.VerdictDeclined, "declined map[]"},
		{"busy", rings(pbx.CauseBusy, "486 Busy Here"), pbx.VerdictBusy, "busy map[]"},
		{"no answer", rings(pbx.CauseNoAnswer, "180 Ringing"), pbx.VerdictNoAnswer, "no_answer map[]"},
		{"cancelled", rings(pbx.CauseCancelled, "180 Ringing"), pbx.VerdictCancelled, "cancelled_by_caller map[]"},
		{"incompatible", rings(pbx.CauseIncompatible, "488 Not Acceptable Here"), pbx.VerdictIncompatible, "incompatible map[]"},
		{"dead phone", rings(pbx.CauseUnreachable, ""), pbx.VerdictUnreachable, "unreachable map[cause:unreachable response:none]"},
		{"broken phone", rings(pbx.CauseUnreachable, "500 Oops"), pbx.VerdictUnreachable, "unreachable map[cause:unreachable status:500]"},
		{"running", func(b *bench) { b.dial("c1", "l2") }, pbx.VerdictRunning, "running map[]"},
		{"number unknown", func(b *bench) { b.end("c1", "", pbx.CauseNotInService) }, pbx.VerdictNumberUnknown, ""},
		{"no devices", func(b *bench) {
			b.publish("c1", "", pbx.CallDecision{Step: pbx.StepNoDevices, Params: map[string]string{"extension": "102"}})
			b.end("c1", "", pbx.CauseUnreachable)
		}, pbx.VerdictNoDevices, "no_devices map[extension:102]"},
		{"never registered", device(pbx.DeviceNotRegistered), pbx.VerdictNotRegistered,
			"not_registered map[device:d102 extension:102 state:not_registered username:102]"},
		{"own line", device(pbx.DeviceOwnLine), pbx.VerdictUnreachable, "busy map[device:d102 extension:102 state:own_line username:102]"},
		{"echo", func(b *bench) {
			b.publish("c1", "c1-in", pbx.LegAnswered{Codec: "PCMA"})
			b.end("c1", "", pbx.CauseNormal)
		}, pbx.VerdictAnswered, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, trace.Options{})
				b.call("c1")
				tc.story(b)
				tr := b.trace("c1")
				if tr.Verdict != tc.call {
					t.Errorf("the call: %s, want %s", tr.Verdict, tc.call)
				}
				var got string
				for _, o := range tr.Outcomes {
					got += fmt.Sprint(o.Verdict, " ", o.Params)
				}
				if got != tc.outcome {
					t.Errorf("the phone: %s\nwant %s", got, tc.outcome)
				}
			})
		})
	}
}

// Of two phones that rang, one answered; the other was told so, even if it
// answered a moment later itself.
func TestAnsweredElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{})
		b.call("c1")
		b.dial("c1", "l2")
		b.dial("c1", "l3")
		for _, leg := range []pbx.LegID{"l2", "l3"} {
			b.publish("c1", leg, pbx.LegAnswered{Codec: "PCMA"})
		}
		b.publish("c1", "l2", pbx.CallAnswered{By: pbx.PartyInfo{Number: "102"}})
		b.publish("c1", "l3", pbx.LegEnded{Cause: pbx.Cause{Code: pbx.CauseAnsweredElsewhere}})
		b.end("c1", "l2", pbx.CauseNormal)
		tr := b.trace("c1")
		if len(tr.Outcomes) != 2 || tr.Outcomes[0].Verdict != pbx.VerdictAnswered || tr.Outcomes[1].Verdict != pbx.VerdictElsewhere {
			t.Errorf("outcomes %+v", tr.Outcomes)
		}
	})
}

// The bus is followed until it closes, past the moments in which it is too fast.
func TestRunFollowsTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, err := event.Open(event.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r := trace.New(trace.Options{Calls: 3})
		done := make(chan struct{})
		go func() { defer close(done); r.Run(t.Context(), bus) }()
		synctest.Wait()
		for i := range 20000 { // more than wait for it
			bus.Publish(pbx.Event{Call: pbx.CallID(fmt.Sprint("c", i)), Body: pbx.CallDecision{Step: pbx.StepMove}})
		}
		synctest.Wait()
		bus.Publish(pbx.Event{Call: "last", Body: pbx.CallStarted{Dialled: "102"}})
		synctest.Wait()
		if heads := r.Traces("last"); len(heads) != 1 || heads[0].Dialled != "102" {
			t.Errorf("after a flood the trace has %+v", heads)
		}
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
}

// A phone whose registration ran out, and which has a wrong password since, is
// told apart from one that was never there.
func TestVerdictOfAnExpiredRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{})
		gone := time.Now().Add(-time.Hour)
		b.publish("", "", pbx.DeviceUnregistered{Binding: pbx.Binding{Device: "d102", Expires: gone}, Reason: "expired"})
		b.publish("", "", pbx.AuthFailed{Username: "102", Method: "REGISTER", Source: pavel.String()})
		b.call("c1")
		b.publish("c1", "", pbx.CallDecision{Step: pbx.StepDevice, Params: map[string]string{
			"device": "d102", "username": "102", "state": pbx.DeviceNotRegistered,
		}})
		b.publish("", "", pbx.DeviceRegistered{Binding: pbx.Binding{Device: "d102", Username: "102"}}) // too late
		b.end("c1", "", pbx.CauseUnreachable)
		tr := b.trace("c1")
		if tr.Verdict != pbx.VerdictExpired || len(tr.Outcomes) != 1 {
			t.Fatalf("%s, %+v", tr.Verdict, tr.Outcomes)
		}
		p := tr.Outcomes[0].Params
		if p["at"] != gone.UTC().Format(time.RFC3339) || p["reason"] != "expired" || p["auth_failed_at"] == "" {
			t.Errorf("params %v", p)
		}
	})
}

// INVITEs that never became a call are there too, one story for each source that
// is banned.
func TestRefusedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{})
		b.pass(false, anna, "INVITE sip:102@10.0.0.1 SIP/2.0", "wrong")
		b.pass(true, anna, "SIP/2.0 401 Unauthorized", "wrong")
		b.pass(false, anna, "INVITE sip:102@10.0.0.1 SIP/2.0", "wrong", `Authorization: Digest username="101"`)
		b.publish("", "", pbx.CallRefused{From: "101", Dialled: "102", Source: anna.String(), Reason: "digest", SIPCall: "wrong"})
		b.pass(false, pavel, "INVITE sip:900@10.0.0.1 SIP/2.0", "scan")
		for i := range 50 {
			time.Sleep(time.Millisecond)
			b.Message(trace.Message{
				Banned: true, Remote: netip.MustParseAddrPort("10.9.9.9:5060"), Raw: []byte(message("INVITE sip:1@10.0.0.1 SIP/2.0", fmt.Sprint("b", i))),
			})
		}
		b.publish("", "", pbx.CallRefused{From: "7", Dialled: "8", Source: "10.1.1.1:5060", Reason: "limit"})
		var got []string
		for _, h := range b.Traces("") {
			got = append(got, fmt.Sprint(h.From.Number, "→", h.Dialled, " ", h.Refused, " ", h.Verdict, " ", h.Attempts, " ", h.Source))
		}
		want := "7→8 limit refused 1 10.1.1.1:5060\n101→1 banned banned 50 10.9.9.9:5060\n" +
			"101→900 challenge refused_digest 1 10.0.1.2:5060\n101→102 digest refused_digest 1 10.0.1.1:5060"
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("got\n%s\nwant\n%s", s, want)
		}
		found := b.Traces("9.9.9")
		if len(found) != 1 {
			t.Fatalf("a search for the address found %d", len(found))
		}
		if tr := b.trace(found[0].ID); len(tr.Entries) != 2 || tr.Entries[1].Title != "call.refused" {
			t.Errorf("a banned source's story: %s", titles(tr))
		}
	})
}

// Registrations pass in great numbers and are no part of any call.
func TestRegistrationsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{})
		for i := range 1000 {
			b.pass(false, anna, "REGISTER sip:10.0.0.1 SIP/2.0", fmt.Sprint("r", i))
			b.pass(true, anna, "SIP/2.0 200 OK", fmt.Sprint("r", i))
		}
		if n := len(b.Traces("")); n != 0 {
			t.Errorf("%d registrations are kept as calls", n)
		}
	})
}

// An INVITE of ours whose call nobody told of, and one within a dialog that was
// forgotten, are not shown as refused calls.
func TestWhatOnlyLooksRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{})
		b.pass(true, pavel, "INVITE sip:102@10.0.1.2 SIP/2.0", "ours")
		b.Message(trace.Message{Remote: anna, Raw: []byte(strings.Replace(
			message("INVITE sip:102@10.0.0.1 SIP/2.0", "old"), "To: <sip:102@10.0.0.1>", "t: <sip:102@10.0.0.1>;tag=x", 1))})
		if heads := b.Traces(""); len(heads) != 0 {
			t.Errorf("shown: %+v", heads)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{Calls: 10, Refused: 5, Messages: 4, Events: 6, Bytes: 64 << 10})
		for i := range 100 {
			id := pbx.CallID(fmt.Sprint("c", i))
			b.call(id)
			for range 10 {
				b.pass(false, anna, "INFO sip:102@10.0.0.1 SIP/2.0", "sip-"+string(id), "Subject: "+strings.Repeat("x", 3000))
				b.publish(id, "", pbx.CallDecision{Step: pbx.StepMove})
			}
			b.end(id, "", pbx.CauseNormal)
			b.pass(false, pavel, "INVITE sip:900@10.0.0.1 SIP/2.0", fmt.Sprint("scan", i))
		}
		heads := b.Traces("")
		calls := 0
		for _, h := range heads {
			if h.Refused == "" {
				calls++
			}
		}
		if calls != 10 || len(heads) != 15 {
			t.Errorf("%d calls and %d refused are kept, want 10 and 5", calls, len(heads)-calls)
		}
		tr := b.trace("c99")
		if n := len(tr.Entries); n != 4+7 || tr.Dropped != 9+6 {
			t.Errorf("%d entries, %d dropped", n, tr.Dropped)
		}
		if tr.EndedAt.IsZero() {
			t.Error("the end of a long call was dropped")
		}
		if _, err := b.Trace("c1"); pbx.CodeOf(err) != pbx.NotFound {
			t.Errorf("a forgotten call: %v", err)
		}
	})
}

// Not even long messages may fill the memory.
func TestBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trace.Options{Bytes: 40 << 10})
		for i := range 20 {
			b.pass(false, anna, "INVITE sip:102@10.0.0.1 SIP/2.0", fmt.Sprint("x", i), "Subject: "+strings.Repeat("x", 60<<10))
		}
		if n := len(b.Traces("")); n != 2 {
			t.Errorf("%d messages of 16 KiB are kept in 40 KiB", n)
		}
	})
}
