package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
)

// The process is killed while idle and while in a call: registered phones are
// called afterwards without having sent a byte, and the record of the call that
// was cut is closed as restart. There are as many records as calls.
func TestKill(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.phone(t, "101", 440), w.phone(t, "102", 620), w.phone(t, "103", 800)
	registers := func(p *phone) int { return strings.Count(p.Trace(), "REGISTER sip:") }
	before := registers(b)

	w.Kill()
	w.Start()
	a.calls(b) // neither registered again

	time.Sleep(2 * time.Second)
	killedAt := time.Now()
	w.Kill()
	w.Start()
	w.rest()
	a.Hangup()
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)

	c.calls(b)
	time.Sleep(2 * time.Second)
	c.Hangup()
	c.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	c.hears(b, 2*time.Second)
	if n := registers(b); n != before {
		t.Errorf("phone 102 registered %d more times", n-before)
	}

	records := w.records(2)
	if r := records[0]; r.Cause.Code != pbx.CauseRestart || r.Cause.By != pbx.BySystem || r.From.Extension != "101" {
		t.Errorf("record of the killed call: %+v", r)
	} else if d := killedAt.Sub(r.EndedAt); d < -time.Second || d > 5*time.Second {
		t.Errorf("the killed call ended at %v, the kill was at %v", r.EndedAt, killedAt)
	}
	if r := records[1]; r.Cause.Code != pbx.CauseNormal || r.From.Extension != "103" {
		t.Errorf("record after the restart: %+v", r)
	}
}

// A kill right after a registration and in mid-ringing loses neither.
func TestKillWhileRinging(t *testing.T) {
	w := newWorld(t)
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	a.Dial("102")
	b.Expect("CALL_INCOMING", patience)
	w.Kill()
	w.Start()
	w.rest()
	b.Hangup() // it rings still: nobody can tell it
	b.Expect("CALL_CLOSED", patience)
	a.Hangup()
	a.Expect("CALL_CLOSED", time.Minute)
	c := w.phone(t, "103", 800)
	c.calls(b)
	c.Hangup()
	b.Expect("CALL_CLOSED", patience)
	records := w.records(2)
	if r := records[0]; r.Cause.Code != pbx.CauseRestart || !r.AnsweredAt.IsZero() {
		t.Errorf("record of the killed call: %+v", r)
	}
}

// Thirty calls are cut off by a kill: each has one record, closed as restart.
func TestKillWithManyCalls(t *testing.T) {
	const calls = 30
	w := newWorld(t)
	caller := w.sipp("101")
	caller.o.Calls, caller.o.Rate, caller.o.Within = calls, 50, time.Minute
	caller.start(t, "stay", "*43", nil) // it ends with the test
	if !within(patience, func() bool { return w.Metrics()["klapka_calls"] == calls }) {
		t.Fatalf("%v calls run, want %d", w.Metrics()["klapka_calls"], calls)
	}
	w.Kill()
	w.Start()
	w.rest()
	seen := map[string]bool{}
	for _, r := range w.records(calls) {
		if r.Cause.Code != pbx.CauseRestart || r.Legs[0].AnsweredAt.IsZero() || r.EndedAt.Before(r.Legs[0].AnsweredAt) {
			t.Errorf("record %+v", r)
		}
		seen[r.Legs[0].SIPCall] = true
	}
	if len(seen) != calls {
		t.Errorf("records of %d different calls, want %d", len(seen), calls)
	}
}

// SIGTERM in a call: who calls now is refused with 503, the running call gets its
// time, and when it has ended the program does, with exit code 0.
func TestShutdownLetsCallsEnd(t *testing.T) {
	w := newWorld(t, "KLAPKA_SHUTDOWN_GRACE", "1m")
	a, b, c := w.phone(t, "101", 440), w.phone(t, "102", 620), w.phone(t, "103", 800)
	a.calls(b)
	w.Signal(syscall.SIGTERM)
	if !within(patience, func() bool { status, _ := w.Get("/readyz"); return status == 503 }) {
		t.Error("/readyz still says that calls are welcome")
	}
	c.Dial("102")
	c.ended("503")
	time.Sleep(3 * time.Second)
	if !w.Running() || len(a.Events("CALL_CLOSED")) != 0 {
		t.Fatal("the call was not let go on")
	}
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	b.hears(a, 3*time.Second)
	if code := w.ExitCode(patience); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if r := w.records(1)[0]; r.Cause.Code != pbx.CauseNormal {
		t.Errorf("record %+v", r)
	}
}

// When the time is over, calls are ended with a cause, and both phones hear of
// it.
func TestShutdownEndsCalls(t *testing.T) {
	w := newWorld(t, "KLAPKA_SHUTDOWN_GRACE", "2s")
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	a.calls(b)
	w.Signal(syscall.SIGTERM)
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	if code := w.ExitCode(patience); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if r := w.records(1)[0]; r.Cause.Code != pbx.CauseShutdown {
		t.Errorf("record %+v", r)
	}
}

// A second signal ends at once, whatever is going on.
func TestSecondSignal(t *testing.T) {
	w := newWorld(t, "KLAPKA_SHUTDOWN_GRACE", "1m")
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	a.calls(b)
	w.Signal(syscall.SIGTERM)
	if !within(patience, func() bool { return strings.Contains(w.Log(), "a second signal ends at once") }) {
		t.Fatal("the first signal is not heard of")
	}
	w.Signal(syscall.SIGTERM)
	began := time.Now()
	if code := w.ExitCode(patience); code != 130 || time.Since(began) > 3*time.Second {
		t.Errorf("exit code %d after %v, want 130 at once", code, time.Since(began))
	}
	a.Hangup()
	b.Hangup()
}
