package e2e

import (
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// PostgreSQL hangs for some seconds while phones talk: the running call goes on,
// a phone registers and calls, and afterwards each call has its record exactly
// once.
func TestDatabaseHangs(t *testing.T) {
	if !full() {
		t.Skip("real phones: set KLAPKA_TEST_FULL to 1")
	}
	url, postgres := pbxtest.StartPostgres(t)
	w := newWorld(t, "KLAPKA_DATABASE_URL", url)
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	c, d := w.phone(t, "103", 500), w.phone(t, "104", 770)
	a.calls(b)
	time.Sleep(time.Second)

	postgres.Pause()
	began := time.Now()
	c.calls(d) // a new one
	d.Command("reginfo", "")
	e := w.phone(t, "105", 900) // and a new registration
	e.Dial("*43")
	e.Expect("CALL_ESTABLISHED", patience)
	time.Sleep(2 * time.Second)
	e.Hangup()
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	talk := time.Since(began)
	a.hears(b, talk)
	b.hears(a, talk)
	postgres.Resume()

	time.Sleep(time.Second)
	d.Hangup()
	c.Expect("CALL_CLOSED", patience)
	d.Expect("CALL_CLOSED", patience)
	c.hears(d, 3*time.Second)
	callers := map[string]int{}
	for _, r := range w.records(3) {
		callers[r.From.Extension]++
		if r.Cause.Code != pbx.CauseNormal || r.Legs[0].AnsweredAt.IsZero() {
			t.Errorf("record %+v", r)
		}
	}
	for _, number := range []string{"101", "103", "105"} {
		if callers[number] != 1 {
			t.Errorf("%d records of the call of %s, want 1", callers[number], number)
		}
	}
}

// PostgreSQL is restarted in mid-call, its connections break, and the process is
// killed before it comes back: what happened meanwhile is in the journal and
// reaches the database once.
func TestDatabaseAwayAndKill(t *testing.T) {
	if !full() {
		t.Skip("real phones: set KLAPKA_TEST_FULL to 1")
	}
	url, postgres := pbxtest.StartPostgres(t)
	w := newWorld(t, "KLAPKA_DATABASE_URL", url)
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	postgres.Stop()
	a.calls(b)
	time.Sleep(time.Second)
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	w.Kill()
	postgres.Start()
	w.Start()
	w.rest()
	if r := w.records(1)[0]; r.Cause.Code != pbx.CauseNormal || r.Cause.By != pbx.ByCallee {
		t.Errorf("record %+v", r)
	}
	a.calls(b)
	a.Hangup()
	b.Expect("CALL_CLOSED", patience)
	w.records(2)
}
