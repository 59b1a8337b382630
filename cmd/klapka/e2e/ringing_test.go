package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/pbxtest"
)

// completedElsewhere is what keeps a phone from listing a missed call (T-28).
const completedElsewhere = `Reason: SIP;cause=200;text="Call completed elsewhere"`

// cancels are the CANCEL requests a phone was sent, whole.
func cancels(p *phone) []string {
	var out []string
	for _, part := range strings.Split(p.Trace(), "CANCEL sip:")[1:] {
		// Until it is whole, it may still say more.
		if message, _, whole := strings.Cut(part, "\r\n\r\n"); whole {
			out = append(out, message)
		}
	}
	return out
}

// cancelled waits for the CANCEL of a ringing call, and returns it.
func cancelled(p *phone) string {
	p.t.Helper()
	p.Expect("CALL_CLOSED", patience)
	if !within(patience, func() bool { return len(cancels(p)) > 0 }) {
		p.t.Fatalf("phone %s was sent no CANCEL", p.number)
	}
	return cancels(p)[0]
}

// Every phone of a person rings: two devices, one of which is registered from
// two places. The first to answer gets the call; the others stop ringing and are
// told that it was answered, so that none lists a missed call (T-28).
func TestAnsweredOnOneOfSeveralDevices(t *testing.T) {
	w := newWorld(t)
	s := w.store()
	second, secret, err := auth.NewAccounts(s, auth.NewHasher(1)).AddDevice(context.Background(), "102", "DECT")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w.Stop() // another process's changes are seen at once after a start
	w.Start()
	w.rest()

	a, desk, home := w.phone(t, "101", 440), w.phone(t, "102", 620), w.phone(t, "102", 700)
	dect := w.phone(t, "102", 800, func(o *pbxtest.BaresipOptions) { o.Number, o.Secret = second.Username, secret })
	a.Dial("102")
	for _, p := range []*phone{desk, home, dect} {
		p.Expect("CALL_INCOMING", patience)
	}
	dect.Accept()
	a.established(dect)
	for _, p := range []*phone{desk, home} {
		if c := cancelled(p); !strings.Contains(c, completedElsewhere) {
			t.Errorf("the CANCEL does not say that another device answered:\n%s", c)
		}
	}
	time.Sleep(2 * time.Second)
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	dect.Expect("CALL_CLOSED", patience)
	a.hears(dect, 2*time.Second)
	dect.hears(a, 2*time.Second)

	r := w.records(1)[0]
	if r.AnsweredBy.Device != second.ID || len(r.Legs) != 4 {
		t.Errorf("answered by %+v, %d legs; want device %s, 4 legs", r.AnsweredBy, len(r.Legs), second.ID)
	}
	for _, l := range r.Legs[1:] {
		if l.Party.Device != second.ID && l.Cause.Code != pbx.CauseAnsweredElsewhere {
			t.Errorf("the leg of a device that did not answer ended as %v", l.Cause)
		}
	}
}

// A caller who gives up: the phone stops ringing and lists a missed call, since
// nobody answered elsewhere (T-28).
func TestCallerGivesUp(t *testing.T) {
	w := newWorld(t)
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	a.Dial("102")
	b.Expect("CALL_INCOMING", patience)
	a.Expect("CALL_RINGING", patience)
	a.Hangup()
	if c := cancelled(b); strings.Contains(c, "Reason:") {
		t.Errorf("the CANCEL gives a reason although the caller gave up:\n%s", c)
	}
	r := w.records(1)[0]
	if r.Cause.Code != pbx.CauseCancelled || r.Cause.By != pbx.ByCaller || r.RangAt.IsZero() || !r.AnsweredAt.IsZero() {
		t.Errorf("record %+v", r)
	}
}

// Nobody answers for the time an extension rings: the phone is cancelled without
// the reason that hides missed calls, the caller hears that nobody is available.
func TestNoAnswer(t *testing.T) {
	w := newWorld(t, "KLAPKA_CALLS_RING_TIME", "3s")
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	a.Dial("102")
	b.Expect("CALL_INCOMING", patience)
	if c := cancelled(b); strings.Contains(c, "cause=200") {
		t.Errorf("the CANCEL says that somebody answered:\n%s", c)
	}
	if got := a.Expect("CALL_CLOSED", 30*time.Second).Param; !strings.Contains(got, "480") {
		t.Errorf("ended with %q, want 480", got)
	}
	if s := speech(a.heard()); s < time.Second {
		t.Errorf("heard %v of speech, want a sentence", s)
	}
	r := w.records(1)[0]
	if d := r.EndedAt.Sub(r.RangAt); r.Cause.Code != pbx.CauseNoAnswer || !r.AnsweredAt.IsZero() || d < 3*time.Second {
		t.Errorf("record %+v", r)
	}
}

// Busy on one of several devices is not busy of the person: the other rings on.
func TestBusyOnOneDeviceOnly(t *testing.T) {
	w := newWorld(t)
	a, desk, home := w.phone(t, "101", 440), w.phone(t, "102", 620), w.phone(t, "102", 700)
	a.Dial("102")
	desk.Expect("CALL_INCOMING", patience)
	home.Expect("CALL_INCOMING", patience)
	desk.Hangup() // 486
	desk.Expect("CALL_CLOSED", patience)
	home.Accept()
	a.established(home)
	home.Hangup()
	a.Expect("CALL_CLOSED", patience)
	r := w.records(1)[0]
	if r.Cause.Code != pbx.CauseNormal || r.Cause.By != pbx.ByCallee {
		t.Errorf("record %+v", r)
	}
}

// RFC 4733 keys of one phone are pressed at the other, each once and in order.
func TestDigits(t *testing.T) {
	w := newWorld(t)
	a, b := w.phone(t, "101", 440, codecs("pcma")), w.phone(t, "102", 620, codecs("pcmu"))
	a.calls(b)
	const keys = "1590*#22"
	a.Digits(keys)
	var got strings.Builder
	for range len(keys) {
		got.WriteString(b.Expect("CALL_DTMF_START", patience).Param)
	}
	time.Sleep(500 * time.Millisecond) // one too many would follow at once
	if n := len(b.Events("CALL_DTMF_START")); got.String() != keys || n != len(keys) {
		t.Errorf("pressed %q, %d arrived: %q", keys, n, got.String())
	}
	if n := len(a.Events("CALL_DTMF_START")); n != 0 {
		t.Errorf("the phone that pressed them heard %d", n)
	}
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
}

// A phone that holds hears nothing, the other stays in the call, and after
// resuming the other hears it again. What this phone hears then, it does not
// write down: TestLinphone listens to that.
func TestHold(t *testing.T) {
	w := newWorld(t)
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	a.calls(b)
	time.Sleep(2 * time.Second)
	a.Hold()
	time.Sleep(2 * time.Second)
	before := a.heard().Duration()
	time.Sleep(time.Second)
	if d := a.heard().Duration() - before; d > 100*time.Millisecond {
		t.Errorf("the phone that holds was sent %v of sound in a second", d)
	}
	if n := len(b.Events("CALL_CLOSED")); n != 0 {
		t.Fatal("the phone on hold was hung up")
	}
	a.Resume()
	time.Sleep(3500 * time.Millisecond)
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	b.hearsTone(a.hz, 3*time.Second)
	r := w.records(1)[0]
	if d := r.EndedAt.Sub(r.AnsweredAt); r.Cause.Code != pbx.CauseNormal || d < 8*time.Second {
		t.Errorf("record %+v", r)
	}
	// Of what the other sent all the time, it was sent the 5.5 s beside the hold,
	// and nothing of the 3 s in it.
	sent, of := r.Legs[0].Quality.PacketsSent, r.Legs[1].Quality.PacketsReceived
	if sent < of/2 || sent > of-of/4 {
		t.Errorf("the phone that held was sent %d packets of %d, want about two thirds", sent, of)
	}
}
