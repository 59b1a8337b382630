package registry

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/pbxtest"
)

// house is a registry with its journal in a directory and its ledger.
type house struct {
	bus  *event.Bus
	reg  *Registry
	stop func()
}

// open starts one, as the exchange does.
func open(t *testing.T, dir string, l pbx.Ledger, follow bool) *house {
	t.Helper()
	bus, err := event.Open(event.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{bus: bus, reg: New(Options{Publisher: bus})}
	bs, err := Restore(t.Context(), l, bus)
	if err != nil && pbx.CodeOf(err) != pbx.Unavailable {
		t.Fatal(err)
	}
	h.reg.Load(bs)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if follow {
			if err := bus.Follow(ctx, Follower(l)); err != nil {
				t.Error(err)
			}
		}
	}()
	h.stop = func() {
		cancel()
		<-done
		h.reg.Close()
		_ = bus.Close()
	}
	return h
}

// Registrations are in the journal before they are answered: whatever the
// database got of them, the next start knows all, and a removed one stays gone.
func TestRegistrationsSurviveAnyStop(t *testing.T) {
	for _, follow := range []bool{false, true} {
		t.Run(fmt.Sprintf("database %v", follow), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, ledger := t.TempDir(), pbxtest.NewLedger()
				h := open(t, dir, ledger, follow)
				must(t)(h.reg.Register(ask(at("sip:a", 10*time.Minute), at("sip:b", Unsaid), at("sip:c", Unsaid))))
				must(t)(h.reg.Register(ask(at("sip:a", 20*time.Minute), at("sip:c", 0))))
				time.Sleep(time.Second)
				if follow != (len(ledger.Bindings()) == 2) {
					t.Errorf("%d rows in the database", len(ledger.Bindings()))
				}
				h.stop()

				time.Sleep(15 * time.Minute)
				h = open(t, dir, ledger, true)
				got := h.reg.Bindings("d1")
				if len(got) != 2 || h.reg.Len() != 2 {
					t.Fatalf("after the restart: %s", contacts(got))
				}
				time.Sleep(6 * time.Minute) // the refreshed end counts, and still counts down
				if got := contacts(h.reg.Bindings("d1")); got != "sip:b" {
					t.Errorf("six minutes later: %s", got)
				}
				h.stop()
				if rows := ledger.Bindings(); len(rows) != 1 || rows[0].Contact != "sip:b" {
					t.Errorf("rows in the end: %s", contacts(rows))
				}

				time.Sleep(time.Hour)
				h = open(t, dir, ledger, true)
				time.Sleep(time.Second)
				if h.reg.Len() != 0 || len(ledger.Bindings()) != 0 {
					t.Errorf("over while we were down, and still there: %d, %d", h.reg.Len(), len(ledger.Bindings()))
				}
				h.stop()
			})
		})
	}
}

// The database may be away: nothing waits for it, and in the end it has the
// latest state of each row.
func TestTheDatabaseMayBeAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, ledger := t.TempDir(), pbxtest.NewLedger()
		h := open(t, dir, ledger, true)
		ledger.SetAway(true)
		for range 20 {
			must(t)(h.reg.Register(ask(at("sip:a", Unsaid))))
			time.Sleep(3 * time.Second)
		}
		h.stop()
		h = open(t, dir, ledger, true) // started without it, too
		if got := contacts(h.reg.Bindings("d1")); got != "sip:a" {
			t.Errorf("started without the database: %s", got)
		}
		ledger.SetAway(false)
		time.Sleep(time.Minute)
		if rows := ledger.Bindings(); len(rows) != 1 || rows[0].CSeq != seq {
			t.Errorf("rows: %+v", rows)
		}
		h.stop()
	})
}
