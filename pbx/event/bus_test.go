package event_test

import (
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
)

// Any number of publishers, one order: every subscriber and the journal agree.
func TestOneOrder(t *testing.T) {
	const publishers, each = 8, 200
	dir := t.TempDir()
	b := open(t, dir, func(o *event.Options) { o.SegmentBytes = 20_000 })
	screens := []*event.Subscription{
		b.Subscribe(publishers*each, nil),
		b.Subscribe(publishers*each, nil),
	}
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for n := range each {
				call(b, n)
			}
		})
	}
	wg.Wait()
	journal := replay(t, b, 0)
	if len(journal) != publishers*each {
		t.Fatalf("%d events in the journal", len(journal))
	}
	for i, e := range journal {
		if e.Seq != uint64(i+1) || i > 0 && e.At.Before(journal[i-1].At) {
			t.Fatalf("event %d has number %d, time %v", i, e.Seq, e.At)
		}
		for _, s := range screens {
			if got := <-s.C(); got != e {
				t.Fatalf("the journal has %+v, a screen %+v", e, got)
			}
		}
	}
}

// Publish tells the caller what it made of the event, in a form that is the same
// in the journal and in every database.
func TestPublishFillsIn(t *testing.T) {
	b := open(t, t.TempDir())
	e := b.Publish(pbx.Event{Epoch: 9, Seq: 9, Kind: "x", Call: "c", Body: pbx.CallEnded{}})
	if e.Epoch != 1 || e.Seq != 1 || e.Kind != "call.ended" || e.Call != "c" {
		t.Errorf("%+v", e)
	}
	if e.At.Location() != time.UTC || e.At != e.At.Truncate(time.Microsecond) || time.Since(e.At) > time.Minute {
		t.Errorf("time %v", e.At)
	}
}

// A screen that does not keep up is told so, and nobody waits for it.
func TestSlowScreen(t *testing.T) {
	b := open(t, t.TempDir())
	slow, quick := b.Subscribe(3, nil), b.Subscribe(10, nil)
	for n := range 5 {
		call(b, n)
	}
	var got int
	for range slow.C() {
		got++
	}
	if got != 3 || !slow.Lagged() || b.Stats().Lagged != 1 {
		t.Errorf("the slow screen got %d events, lagged: %t", got, slow.Lagged())
	}
	if len(quick.C()) != 5 || quick.Lagged() {
		t.Errorf("the quick screen got %d events", len(quick.C()))
	}
	slow.Close()
	quick.Close()
	quick.Close()
	call(b, 6)
	if _, open := <-slow.C(); open {
		t.Error("a closed subscription delivers")
	}
}

// A filter keeps the queue to what its owner wants.
func TestFilter(t *testing.T) {
	b := open(t, t.TempDir())
	s := b.Subscribe(1, func(e pbx.Event) bool { return e.Kind == "auth.failed" })
	for n := range 5 {
		call(b, n)
	}
	want := lossy(b)
	if got := <-s.C(); got != want || s.Lagged() {
		t.Errorf("got %+v", got)
	}
}

// Closing the bus ends subscriptions in an orderly way; what comes later harms
// nobody.
func TestAfterClose(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	s := b.Subscribe(1, nil)
	closeBus(t, b)
	if _, open := <-s.C(); open || s.Lagged() {
		t.Error("the subscription outlives the bus")
	}
	call(b, 1)
	late := b.Subscribe(1, nil)
	if _, open := <-late.C(); open {
		t.Error("a closed bus delivers")
	}
	late.Close()
	if err := b.Follow(t.Context(), event.Follower{Name: "calls"}); err != nil {
		t.Errorf("following a closed bus: %v", err)
	}
	closeBus(t, b)
	if got := replay(t, open(t, dir), 0); len(got) != 0 {
		t.Errorf("the journal holds %+v", got)
	}
}

// The figures for metrics.
func TestStats(t *testing.T) {
	b := open(t, t.TempDir())
	call(b, 1)
	lossy(b)
	if s := b.Stats(); s.Published != 2 || s.JournalBytes == 0 || s.JournalErrors != 0 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkPublishHistory(b *testing.B) {
	bus := open(b, b.TempDir())
	body := pbx.LegStarted{
		Party: pbx.PartyInfo{Number: "102", Name: "Jan Novák", Extension: "102", User: "u2", Device: "d2", Language: pbx.Czech},
		Edge:  "udp", Remote: "192.0.2.17:5060", SIPCall: "a84b4c76e66710@192.0.2.17", UA: "Desk phone 1.2.3", Parent: "abcdefghijklmnop",
	}
	e := pbx.Event{Call: "mfrggzdfmztwq2lk", Leg: "abcdefghijklmnop", Body: body}
	b.ReportAllocs()
	for b.Loop() {
		bus.Publish(e)
	}
}

func BenchmarkPublishLossy(b *testing.B) {
	bus := open(b, b.TempDir())
	s := bus.Subscribe(1, func(pbx.Event) bool { return false })
	defer s.Close()
	e := pbx.Event{Body: pbx.AuthFailed{Source: "192.0.2.17:5060", Username: "101", Method: "REGISTER"}}
	b.ReportAllocs()
	for b.Loop() {
		bus.Publish(e)
	}
}
