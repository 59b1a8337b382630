package exchange

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// A soak comes in batches, each with phones of its own.
const (
	soakBatch   = 250
	soakCallers = 25
)

// soakNumber is a number from the environment, or what it is without.
func soakNumber(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number", name, text)
	}
	return n
}

// Thousands of calls on a network that loses, repeats and reorders, by callers
// who give up, hang up at once, never acknowledge, hold, offer late or fall
// silent for good, to phones that answer, refuse, ring for ever or say nothing:
// no leg, timer, port, dialog or goroutine is left, and each call has its one
// record with a cause that fits what the caller was told.
func TestSoak(t *testing.T) {
	calls := soakNumber(t, "KLAPKA_SOAK_CALLS", 500) // make test has 5,000 of them, make bench 100,000
	seed := uint64(soakNumber(t, "KLAPKA_SOAK_SEED", 1))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("once more: KLAPKA_SOAK_SEED=%d KLAPKA_SOAK_CALLS=%d", seed, calls)
		}
	})
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		s := newSoak(t, seed)
		s.batch(soakCallers) // whatever is made once, is there now
		s.rest()
		atRest := runtime.NumGoroutine()
		for started := soakCallers; started < calls; started += soakBatch {
			s.batch(min(soakBatch, calls-started))
		}
		s.rest()
		if n := runtime.NumGoroutine(); n > atRest {
			t.Errorf("%d goroutines at the end, %d after the first calls", n, atRest)
		}
		s.nothingMoves()
		s.nothingLeft()
		s.everyCallHasItsRecord()
		s.end()
		s.net.Close()
		synctest.Wait()
	})
	t.Logf("%d calls in %v", calls, time.Since(began).Round(time.Second))
}

// soak is a rig with the calls that were made on it.
type soak struct {
	*rig
	seed    uint64
	batches uint64

	mu   sync.Mutex
	told map[string]int // final status by Call-ID, of every call that got one
}

func newSoak(t *testing.T, seed uint64) *soak {
	s := &soak{seed: seed, told: map[string]int{}}
	s.rig = &rig{t: t, net: pbxtest.NewNet(seed), dir: t.TempDir(), log: complaints{t}}
	s.start()
	return s
}

// complaints fails the test for everything that the exchange logs as an error.
type complaints struct{ t *testing.T }

// Enabled implements slog.Handler.
func (complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

// Handle implements slog.Handler.
func (c complaints) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	c.t.Error("the exchange logged: " + text)
	return nil
}

// WithAttrs implements slog.Handler.
func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c complaints) WithGroup(string) slog.Handler { return c }

// batch makes n calls from phones that exist for it alone.
func (s *soak) batch(n int) {
	s.batches++
	s.net.SetLink(pbxtest.Link{
		Delay: 15 * time.Millisecond, Jitter: 40 * time.Millisecond, Loss: 0.06, Duplicate: 0.05, Reorder: 0.1,
	})
	var phones []*soakPhone
	stop := make(chan struct{})
	var callees, callers sync.WaitGroup
	for i, number := range []string{"102", "104", "105", "105", "106"} {
		p := s.plug(number, i)
		p.Register()
		phones = append(phones, p)
		callees.Go(func() { p.answerUntil(stop) })
	}
	phones[4].Mute = true // 106 is registered, and never says a word
	for i := range min(n, soakCallers) {
		p := s.plug([]string{"101", "102", "103"}[i%3], len(phones))
		phones = append(phones, p)
		callers.Go(func() {
			for range (n-i-1)/soakCallers + 1 {
				p.call()
			}
		})
	}
	callers.Wait()
	close(stop)
	callees.Wait()
	s.net.SetLink(pbxtest.Link{})
	time.Sleep(time.Minute) // what was lost last is repeated
	for i, p := range phones {
		if i < 5 {
			p.RegisterFor(0)
		}
		p.Close()
	}
}

// soakPhone is a phone with habits of its own.
type soakPhone struct {
	*pbxtest.Phone
	s    *soak
	sdp  func(extra ...string) string
	mu   sync.Mutex
	rand *rand.Rand
}

// plug makes a phone. The n-th of a batch is always at the same address.
func (s *soak) plug(number string, n int) *soakPhone {
	s.t.Helper()
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 2, byte(n + 1)}), 5060)
	conn, err := s.net.ListenPacket(at)
	if err != nil {
		s.t.Fatal(err)
	}
	return &soakPhone{
		Phone: pbxtest.NewPhone(s.t, conn, sipAddr, number, "klapka-demo-"+number), s: s,
		sdp:  func(extra ...string) string { return sdpAt(fmt.Sprintf("%s:4000", at.Addr()), extra...) },
		rand: rand.New(rand.NewPCG(s.seed, s.batches<<8|uint64(n))),
	}
}

// chance is true in that share of cases.
func (p *soakPhone) chance(share float64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rand.Float64() < share
}

// upTo is a time below d, seldom none at all.
func (p *soakPhone) upTo(d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(p.rand.Int64N(int64(d)))
}

// oneOf picks one of several.
func oneOf[T any](p *soakPhone, of ...T) T {
	p.mu.Lock()
	defer p.mu.Unlock()
	return of[p.rand.IntN(len(of))]
}

// rest waits until everything is over and the database has it.
func (s *soak) rest() {
	s.t.Helper()
	time.Sleep(4 * time.Minute) // longer than any party may be silent
	synctest.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.x.bus.Drain(ctx); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

// nothingMoves makes sure that no timer is left that would do anything: for an
// hour nothing is sent.
func (s *soak) nothingMoves() {
	s.t.Helper()
	var mu sync.Mutex
	sent := 0
	s.net.Capture(func(p pbxtest.Packet) {
		mu.Lock()
		defer mu.Unlock()
		if sent++; sent <= 5 {
			s.t.Errorf("an hour after the last call %v is sent to %v: %.60q", p.From, p.To, p.Data)
		}
	})
	time.Sleep(time.Hour)
	s.net.Capture(nil)
	first, last := s.options().RTPPorts.First, s.options().RTPPorts.Last
	if n := s.net.Bound(sipAddr.Addr(), first, last); n > 0 {
		s.t.Errorf("%d ports for sound are still open", n)
	}
}

// everyCallHasItsRecord compares what callers were told with what was written.
func (s *soak) everyCallHasItsRecord() {
	s.t.Helper()
	written := map[string]bool{}
	causes := map[pbx.CauseCode]int{}
	filter := pbx.CallFilter{Limit: 500}
	for {
		page, err := s.x.store.CallRecords(context.Background(), filter)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range page {
			s.checkRecord(r, written)
			causes[r.Cause.Code]++
		}
		if len(page) < filter.Limit {
			break
		}
		filter.Before = page[len(page)-1].ID
	}
	for id, status := range s.told {
		if !written[id] {
			s.t.Errorf("the call %s, which ended with %d, has no record", id, status)
		}
	}
	if total := s.x.calls.Counts().Total; total != uint64(len(written)) {
		s.t.Errorf("%d calls began, %d have records", total, len(written))
	}
	s.t.Logf("%d callers were answered, %d records: %v", len(s.told), len(written), causes)
	for _, want := range []pbx.CauseCode{
		pbx.CauseNormal, pbx.CauseBusy, pbx.CauseDeclined, pbx.CauseNoAnswer, pbx.CauseCancelled, pbx.CauseUnreachable,
		pbx.CauseNotInService,
	} {
		if causes[want] == 0 {
			s.t.Errorf("not one call ended as %s: was anything tried?", want)
		}
	}
}

func (s *soak) checkRecord(r pbx.CallRecord, written map[string]bool) {
	s.t.Helper()
	if r.EndedAt.IsZero() || r.Cause.Code == "" || len(r.Legs) == 0 {
		s.t.Errorf("record without an end: %+v", r)
		return
	}
	for _, l := range r.Legs {
		if l.EndedAt.IsZero() || l.Cause.Code == "" {
			s.t.Errorf("leg without an end: %+v", l)
		}
		if !l.Incoming {
			continue
		}
		if written[l.SIPCall] {
			s.t.Errorf("the call %s has two records", l.SIPCall)
		}
		written[l.SIPCall] = true
		status := cmp.Or(s.told[l.SIPCall], 999)
		if answered := !l.AnsweredAt.IsZero(); status < 300 && !answered || status < 999 && status >= 300 && answered {
			s.t.Errorf("the caller was told %d, the record says: answered %v, %s", status, answered, outcome(r))
		}
	}
}
