package e2e

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

func readWAV(t *testing.T, path string) audio.PCM {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	sound, err := audio.ReadWAV(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return sound
}

// Two phones talk through the exchange: each finds the other's tone in every
// second, never its own, in both directions, whatever codec each speaks and
// whoever hangs up. The call record tells the same story.
func TestCall(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		name             string
		caller, callee   string
		codecA, codecB   string
		calleeHangsUp    bool
		hz, hzCallee     float64
		wantA, wantB, by string
	}{
		{"PCMA, the caller hangs up", "101", "102", "pcma", "pcma", false, 440, 620, "PCMA", "PCMA", "caller"},
		{"PCMU, the callee hangs up", "103", "104", "pcmu", "pcmu", true, 500, 770, "PCMU", "PCMU", "callee"},
		{"PCMA to PCMU, the caller hangs up", "105", "106", "pcma", "pcmu", false, 400, 900, "PCMA", "PCMU", "caller"},
	}
	const talk = 6 * time.Second
	t.Run("sound", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				a, b := w.phone(t, c.caller, c.hz, codecs(c.codecA)), w.phone(t, c.callee, c.hzCallee, codecs(c.codecB))
				a.calls(b)
				time.Sleep(talk)
				if c.calleeHangsUp {
					b.Hangup()
				} else {
					a.Hangup()
				}
				a.Expect("CALL_CLOSED", patience)
				b.Expect("CALL_CLOSED", patience)
				a.hears(b, talk)
				b.hears(a, talk)
			})
		}
	})
	records := map[string]pbx.CallRecord{}
	for _, r := range w.records(len(cases)) {
		records[r.From.Extension] = r
	}
	for _, c := range cases {
		r, ok := records[c.caller]
		if !ok {
			t.Errorf("no record of %s calling", c.caller)
			continue
		}
		if r.Dialled != c.callee || r.AnsweredBy.Extension != c.callee {
			t.Errorf("%s: dialled %q, answered by %q, want %s", c.name, r.Dialled, r.AnsweredBy.Extension, c.callee)
		}
		if r.Cause.Code != pbx.CauseNormal || string(r.Cause.By) != c.by {
			t.Errorf("%s: ended as %v, want normal by %s", c.name, r.Cause, c.by)
		}
		if r.RangAt.Before(r.StartedAt) || r.AnsweredAt.Before(r.RangAt) || r.RangAt.IsZero() {
			t.Errorf("%s: started %v, rang %v, answered %v", c.name, r.StartedAt, r.RangAt, r.AnsweredAt)
		}
		if d := r.EndedAt.Sub(r.AnsweredAt); d < talk-time.Second || d > talk+5*time.Second {
			t.Errorf("%s: the record says %v of conversation, want about %v", c.name, d, talk)
		}
		if len(r.Legs) != 2 {
			t.Errorf("%s: %d legs, want 2", c.name, len(r.Legs))
			continue
		}
		for i, want := range []string{c.wantA, c.wantB} {
			q, other := r.Legs[i].Quality, r.Legs[1-i].Quality
			if !strings.HasPrefix(q.Codec, want) || q.PacketsLost != 0 || q.PacketsReceived < 200 {
				t.Errorf("%s: leg %d: %+v, want %s and no loss", c.name, i, q, want)
			}
			// Every packet of one goes to the other, but for the ends of the call.
			if q.PacketsSent+10 < other.PacketsReceived {
				t.Errorf("%s: leg %d was sent %d packets of %d", c.name, i, q.PacketsSent, other.PacketsReceived)
			}
		}
	}
}

// Phones on TCP and on TLS call each other and one on UDP.
func TestTransports(t *testing.T) {
	w := newWorld(t)
	over := func(transport string, server netip.AddrPort) func(*pbxtest.BaresipOptions) {
		return func(o *pbxtest.BaresipOptions) { o.Transport, o.Server = transport, server }
	}
	at := w.Addresses()
	udp := w.phone(t, "101", 440)
	tcp := w.phone(t, "102", 620, over("tcp", at.SIPTCP[0]))
	tls := w.phone(t, "103", 800, over("tls", at.SIPTLS[0]))
	for _, c := range []struct{ from, to *phone }{{udp, tcp}, {tcp, tls}, {tls, udp}} {
		c.from.calls(c.to)
		time.Sleep(2 * time.Second)
		c.to.Hangup()
		c.from.Expect("CALL_CLOSED", patience)
		c.to.Expect("CALL_CLOSED", patience)
		c.from.hears(c.to, 2*time.Second)
		c.to.hears(c.from, 2*time.Second)
	}
	w.records(3)
}

// *43 answers, and whoever speaks hears himself.
func TestEcho(t *testing.T) {
	w := newWorld(t)
	a := w.phone(t, "101", 440)
	a.Dial("*43")
	a.Expect("CALL_ESTABLISHED", patience)
	time.Sleep(4 * time.Second)
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	a.hears(a, 3*time.Second)
	if r := w.records(1)[0]; r.Dialled != "*43" || r.Legs[0].AnsweredAt.IsZero() || r.Cause.Code != pbx.CauseNormal || r.Cause.By != pbx.ByCaller {
		t.Errorf("record %+v", r)
	}
}

// A number that nobody has and a person who is not there are said in words, in
// early media, before the call is refused with the right status.
func TestAnnouncements(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, from, to, reason string
		cause                  pbx.CauseCode
	}{
		{"nobody has the number", "101", "999", "404", pbx.CauseNotInService},
		{"nobody is registered", "102", "104", "480", pbx.CauseUnreachable},
		{"busy", "103", "105", "486", pbx.CauseBusy},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := w.phone(t, c.from, 440)
			var busy *phone
			if c.cause == pbx.CauseBusy {
				busy = w.phone(t, c.to, 620)
			}
			a.Dial(c.to)
			if busy != nil {
				busy.Expect("CALL_INCOMING", patience)
				busy.Hangup() // baresip refuses with 486
			}
			a.Expect("CALL_PROGRESS", patience)
			got := a.Expect("CALL_CLOSED", 30*time.Second).Param
			if !strings.Contains(got, c.reason) {
				t.Errorf("ended with %q, want %s", got, c.reason)
			}
			if n := len(a.Events("CALL_ESTABLISHED")); n != 0 {
				t.Errorf("answered %d times: announcements are free", n)
			}
			if s := speech(a.heard()); s < time.Second {
				t.Errorf("heard %v of speech, want a sentence", s)
			}
		})
	}
}

// speech is how much of p is loud enough to be somebody speaking.
func speech(p audio.PCM) time.Duration {
	const step = 20 * time.Millisecond
	n := int(int64(p.Rate) * int64(step) / int64(time.Second))
	var loud time.Duration
	for i := 0; n > 0 && i+n <= len(p.Samples); i += n {
		sum := 0.0
		for _, s := range p.Samples[i : i+n] {
			sum += float64(s) * float64(s)
		}
		if sum/float64(n) > 300*300 { // about -38 dBFS
			loud += step
		}
	}
	return loud
}
