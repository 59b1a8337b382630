package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/store"
)

// patience is how long anything may take that is due at once, on a machine with
// other things to do.
const patience = 10 * time.Second

// settled is after what time nothing is left of a call: SIP keeps the transaction
// of an answered INVITE for 64·T1, 32 s (RFC 6026).
const settled = 40 * time.Second

// world is one running exchange and what is around it.
type world struct {
	t *testing.T
	*pbxtest.Binary
	idle     float64       // goroutines at rest
	settle   time.Duration // how long calls may take to be forgotten
	database string        // URL; empty: SQLite
}

// newWorld starts an exchange, runs beside other tests, and looks at the end
// whether anything was left behind. Settings are pairs of KLAPKA_… and value.
func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	return startWorld(t, nil, settings...)
}

// startWorld is newWorld with arguments of serve; none: --demo.
func startWorld(t *testing.T, args []string, settings ...string) *world {
	t.Helper()
	if !full() {
		t.Skip("real phones: set KLAPKA_TEST_FULL to 1")
	}
	t.Parallel()
	w := &world{t: t, settle: settled}
	env := map[string]string{}
	for i := 0; i < len(settings); i += 2 {
		env[settings[i]] = settings[i+1]
		if settings[i] == "KLAPKA_DATABASE_URL" {
			w.database = settings[i+1]
		}
	}
	w.Binary = pbxtest.StartBinary(t, pbxtest.BinaryOptions{Path: program, At: loopbacks.Next(), Env: env, Args: args})
	w.rest()
	// Phones are ended before this, as they come later.
	t.Cleanup(w.nothingLeft)
	return w
}

// rest remembers what the exchange looks like with nothing to do.
func (w *world) rest() { w.idle = w.Metrics()["go_goroutines"] }

// nothingLeft makes sure that calls leave nothing behind: no call, no leg, no
// goroutine.
func (w *world) nothingLeft() {
	if !w.Running() {
		return
	}
	var m map[string]float64
	ok := within(w.settle, func() bool {
		m = w.Metrics()
		return m["klapka_calls"] == 0 && m["klapka_legs"] == 0 && m["go_goroutines"] <= w.idle+5
	})
	if !ok {
		w.t.Errorf("left behind: %v calls, %v legs, %v goroutines (%v at rest)",
			m["klapka_calls"], m["klapka_legs"], m["go_goroutines"], w.idle)
		w.Signal(syscall.SIGQUIT) // the log tells where each goroutine is
		w.ExitCode(patience)
	}
	for _, name := range []string{"klapka_calls", "klapka_legs", "go_goroutines"} {
		if _, there := m[name]; !there {
			w.t.Errorf("/metrics does not tell %s", name)
		}
	}
}

// within waits until ok says so, and reports whether it did in time.
func within(limit time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(30 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// phone is a registered baresip that sends a tone of its own.
type phone struct {
	*pbxtest.Baresip
	t      *testing.T
	number string
	hz     float64
}

// phone registers a phone of the demo.
func (w *world) phone(t *testing.T, number string, hz float64, change ...func(*pbxtest.BaresipOptions)) *phone {
	t.Helper()
	o := pbxtest.BaresipOptions{At: loopbacks.NextPort(t), Server: w.SIP(), Number: number, Secret: "klapka-demo-" + number}
	for _, c := range change {
		c(&o)
	}
	sounding(t, &o, hz)
	return &phone{Baresip: pbxtest.StartBaresip(t, o), t: t, number: number, hz: hz}
}

// sounding gives a phone its tone, at the rate of its codec: it converts none.
func sounding(t *testing.T, o *pbxtest.BaresipOptions, hz float64) {
	t.Helper()
	rate := 8000
	if len(o.Codecs) > 0 {
		switch name, _, _ := strings.Cut(o.Codecs[0], "/"); name {
		case "opus":
			o.Sine = hz
			return
		case "g722":
			rate = 16000
		}
	}
	o.Source = filepath.Join(t.TempDir(), "tone.wav")
	if err := mediatest.WriteSine(o.Source, rate, hz, -12, 90*time.Second); err != nil {
		t.Fatal(err)
	}
}

// codecs restricts a phone.
func codecs(names ...string) func(*pbxtest.BaresipOptions) {
	return func(o *pbxtest.BaresipOptions) { o.Codecs = names }
}

// calls makes p call to and to answer; both are in conversation then.
func (p *phone) calls(to *phone) {
	p.t.Helper()
	p.Dial(to.number)
	to.Expect("CALL_INCOMING", patience)
	p.Expect("CALL_RINGING", patience)
	to.Accept()
	p.established(to)
}

func (p *phone) established(to *phone) {
	p.t.Helper()
	p.Expect("CALL_ESTABLISHED", patience)
	to.Expect("CALL_ESTABLISHED", patience)
}

// heard is the newest recording.
func (p *phone) heard() audio.PCM { p.t.Helper(); return newest(p, "heard", p.Heard()) }

// sent is what the phone sent in its latest call.
func (p *phone) sent() audio.PCM { p.t.Helper(); return newest(p, "sent", p.Sent()) }

func newest(p *phone, what string, files []string) audio.PCM {
	p.t.Helper()
	if len(files) == 0 {
		p.t.Fatalf("phone %s %s nothing at all", p.number, what)
	}
	return readWAV(p.t, files[len(files)-1])
}

// lostAtEnds is how much of a call's sound may be missing where it begins and
// ends: what was under way when a phone was not listening.
const lostAtEnds = 200 * time.Millisecond

// hears makes sure that p heard all that the other sent, at least in the last
// stretch of the call: the other's tone in every second, without a gap, and not
// its own. The call must be over. A phone on a machine that is too busy sends
// less than it should; that is not held against the exchange.
func (p *phone) hears(other *phone, stretch time.Duration) {
	p.t.Helper()
	if sent := other.sent().Duration(); sent < stretch {
		if sent < stretch/2 {
			p.t.Errorf("phone %s sent only %v of sound, want %v", other.number, sent, stretch)
		}
		stretch = sent
	}
	p.hearsTone(other.hz, stretch)
}

// hearsTone is hears of somebody whose sound is known only by its tone.
func (p *phone) hearsTone(hz float64, stretch time.Duration) {
	p.t.Helper()
	const edge = 300 * time.Millisecond // ends are judged by their length alone
	sound := p.heard()
	if d := sound.Duration(); d < stretch-lostAtEnds {
		p.t.Errorf("phone %s heard only %v of %v", p.number, d, stretch)
		return
	}
	e := mediatest.Expect{Tone: hz, To: sound.Duration() - edge}
	e.From = max(sound.Duration()-stretch+edge, 0)
	if p.hz != hz {
		e.Absent = []float64{p.hz}
	}
	if err := e.Check(sound); err != nil {
		p.t.Errorf("phone %s: %v", p.number, err)
	}
}

// closed waits for the end of a call and returns its reason.
func (p *phone) closed() string {
	p.t.Helper()
	return p.Expect("CALL_CLOSED", patience).Param
}

// ended is closed, with what the reason must contain.
func (p *phone) ended(reason string) {
	p.t.Helper()
	if got := p.closed(); !strings.Contains(got, reason) {
		p.t.Errorf("phone %s: the call ended with %q, want %q", p.number, got, reason)
	}
}

// store opens the exchange's database beside it.
func (w *world) store() *store.Store {
	w.t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: w.database, Dir: w.DataDir()})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// records waits until there are n call records, all closed, and returns them,
// oldest first. More than n are a failure.
func (w *world) records(n int) []pbx.CallRecord {
	w.t.Helper()
	s := w.store()
	defer func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	var rows []pbx.CallRecord
	ok := within(patience, func() bool {
		var err error
		if rows, err = s.CallRecords(context.Background(), pbx.CallFilter{Limit: 500}); err != nil {
			w.t.Fatal(err)
		}
		for _, r := range rows {
			if r.EndedAt.IsZero() {
				return false
			}
		}
		return len(rows) >= n
	})
	if !ok || len(rows) != n {
		w.t.Fatalf("%d call records, want %d, all closed: %+v", len(rows), n, rows)
	}
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
	return rows
}
