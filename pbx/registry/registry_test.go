package registry

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	desk   = pbx.Device{ID: "d1", Username: "101", Extension: "101"}
	second = pbx.Device{ID: "d2", Username: "101-2", Extension: "101"}
	remote = netip.MustParseAddrPort("10.0.0.7:5060")
)

// journal notes what is published, as short lines.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Publish(e pbx.Event) pbx.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch b := e.Body.(type) {
	case pbx.DeviceRegistered:
		j.lines = append(j.lines, fmt.Sprintf("+%s new=%v %v", b.Binding.Contact, b.New, time.Until(b.Binding.Expires)))
	case pbx.DeviceUnregistered:
		j.lines = append(j.lines, fmt.Sprintf("-%s %s", b.Binding.Contact, b.Reason))
	case pbx.DeviceReachable:
		j.lines = append(j.lines, fmt.Sprintf("?%s %v", b.Contact, b.Reachable))
	}
	return e
}

// take returns the lines since the last time.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.lines
	j.lines = nil
	return l
}

func (j *journal) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := j.take(); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

// in runs a test in virtual time.
func in(t *testing.T, o Options, f func(r *Registry, j *journal)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		j := &journal{}
		o.Publisher = j
		r := New(o)
		defer r.Close()
		f(r, j)
	})
}

var seq uint32

// ask is a REGISTER in order.
func ask(contacts ...Change) Request {
	seq++
	return Request{Device: desk, CallID: "c", CSeq: seq, Edge: "udp", Remote: remote, Expires: Unsaid, Changes: contacts}
}

func at(uri string, expires time.Duration) Change {
	return Change{Contact: uri, Expires: expires, Q: 1}
}

func contacts(bs []pbx.Binding) string {
	var s []string
	for _, b := range bs {
		s = append(s, b.Contact)
	}
	return strings.Join(s, " ")
}

func must(t *testing.T) func([]pbx.Binding, error) []pbx.Binding {
	return func(bs []pbx.Binding, err error) []pbx.Binding {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return bs
	}
}

func TestSeveralContactsAndRefresh(t *testing.T) {
	in(t, Options{}, func(r *Registry, j *journal) {
		bs := must(t)(r.Register(ask(at("sip:a", Unsaid), at("sip:b", 2*time.Minute))))
		j.expect(t, "+sip:a new=true 1h0m0s", "+sip:b new=true 2m0s")
		if len(bs) != 2 {
			t.Fatalf("bindings %s", contacts(bs))
		}
		first := r.Bindings("d1")[0].Registered
		time.Sleep(time.Minute)
		bs = must(t)(r.Register(ask(at("sip:b", 3*time.Minute))))
		j.expect(t, "+sip:b new=false 3m0s") // a refresh that changes only the end is journalled too
		if contacts(bs) != "sip:b sip:a" || !bs[0].Registered.Equal(first) {
			t.Errorf("bindings %s, registered %v", contacts(bs), bs[0].Registered)
		}
		if bs = must(t)(r.Register(ask())); contacts(bs) != "sip:b sip:a" {
			t.Errorf("asked: %s", contacts(bs))
		}
		j.expect(t)
	})
}

// The contact's own expiry counts before the header's, that before ours; limits
// apply, too short ones are refused as a whole.
func TestExpiry(t *testing.T) {
	in(t, Options{}, func(r *Registry, j *journal) {
		req := ask(at("sip:a", 5*time.Minute), at("sip:b", Unsaid), at("sip:c", 100*time.Hour))
		req.Expires = 10 * time.Minute
		must(t)(r.Register(req))
		j.expect(t, "+sip:a new=true 5m0s", "+sip:b new=true 10m0s", "+sip:c new=true 1h0m0s")
		_, err := r.Register(ask(at("sip:a", time.Hour), at("sip:d", 59*time.Second)))
		var brief *TooBriefError
		if !errors.As(err, &brief) || brief.Min != time.Minute {
			t.Errorf("too brief: %v", err)
		}
		j.expect(t) // all or nothing
		must(t)(r.Register(ask(at("sip:a", 0), at("sip:never", 0))))
		j.expect(t, "-sip:a removed")
		if got := contacts(r.Bindings("d1")); got != "sip:b sip:c" {
			t.Errorf("left: %s", got)
		}
	})
}

func TestBindingsEndWithOneTimer(t *testing.T) {
	in(t, Options{}, func(r *Registry, j *journal) {
		before := runtime.NumGoroutine()
		for i := range 500 {
			req := ask(at(fmt.Sprint("sip:", i), time.Minute+time.Duration(i)*time.Millisecond))
			req.Device.ID = fmt.Sprint("d", i)
			must(t)(r.Register(req))
		}
		if n := runtime.NumGoroutine() - before; n > 0 {
			t.Errorf("%d goroutines for bindings", n)
		}
		j.take()
		time.Sleep(time.Minute)
		if got := r.Bindings("d0"); len(got) != 0 {
			t.Errorf("over, and still returned: %v", got)
		}
		time.Sleep(2 * time.Second)
		if lines := j.take(); len(lines) != 500 || lines[0] != "-sip:0 expired" || lines[499] != "-sip:499 expired" {
			t.Errorf("%d events, %q …", len(lines), lines[:1])
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.count != 0 || len(r.numbers) != 0 || len(r.devices) != 0 {
			t.Error("something is left behind")
		}
	})
}

func TestWildcard(t *testing.T) {
	in(t, Options{}, func(r *Registry, j *journal) {
		must(t)(r.Register(ask(at("sip:a", Unsaid), at("sip:b", Unsaid))))
		j.take()
		for name, change := range map[string]func(*Request){
			"without expires":   func(q *Request) { q.Expires = Unsaid },
			"with expires 60":   func(q *Request) { q.Expires = time.Minute },
			"with more besides": func(q *Request) { q.Changes = []Change{at("sip:c", 0)} },
		} {
			req := ask()
			req.Wildcard, req.Expires = true, 0
			change(&req)
			if _, err := r.Register(req); !errors.Is(err, ErrWildcard) {
				t.Errorf("%s: %v", name, err)
			}
		}
		j.expect(t)
		req := ask()
		req.Wildcard, req.Expires = true, 0
		if bs := must(t)(r.Register(req)); len(bs) != 0 {
			t.Errorf("left: %v", bs)
		}
		j.expect(t, "-sip:a removed", "-sip:b removed")
	})
}

// RFC 3261 §10.3 step 7: an older request of the same Call-ID changes nothing, a
// repeated one succeeds and changes nothing; a phone that counts from the
// beginning again is understood once nothing can be under way any more.
func TestSequence(t *testing.T) {
	in(t, Options{}, func(r *Registry, j *journal) {
		req := ask(at("sip:a", Unsaid))
		req.CSeq = 10
		must(t)(r.Register(req))
		j.take()
		if bs := must(t)(r.Register(req)); len(bs) != 1 {
			t.Errorf("repeated: %v", bs)
		}
		j.expect(t)
		req.CSeq = 9
		req.Changes = []Change{at("sip:new", Unsaid), at("sip:a", 0)}
		if _, err := r.Register(req); !errors.Is(err, ErrOutOfOrder) {
			t.Errorf("older: %v", err)
		}
		j.expect(t)
		req.CallID = "another"
		req.Changes = req.Changes[1:]
		must(t)(r.Register(req))
		j.expect(t, "-sip:a removed")

		req = ask(at("sip:a", Unsaid))
		req.CSeq = 10
		must(t)(r.Register(req))
		time.Sleep(time.Minute)
		req.CSeq = 1
		must(t)(r.Register(req))
		j.expect(t, "+sip:a new=true 1h0m0s", "+sip:a new=false 1h0m0s")
	})
}

func TestMaxContactsReplacesTheOldest(t *testing.T) {
	in(t, Options{MaxContacts: 2}, func(r *Registry, j *journal) {
		for _, uri := range []string{"sip:a", "sip:b"} {
			must(t)(r.Register(ask(at(uri, Unsaid))))
			time.Sleep(time.Second)
		}
		must(t)(r.Register(ask(at("sip:a", Unsaid)))) // now b is the oldest
		j.take()
		bs := must(t)(r.Register(ask(at("sip:c", Unsaid))))
		j.expect(t, "-sip:b replaced", "+sip:c new=true 1h0m0s")
		if len(bs) != 2 {
			t.Errorf("bindings %s", contacts(bs))
		}
		if _, err := r.Register(ask(at("sip:x", Unsaid), at("sip:y", Unsaid), at("sip:z", Unsaid))); !errors.Is(err, ErrTooMany) {
			t.Errorf("three at once: %v", err)
		}
		j.expect(t)
	})
}

// A phone that registers with an instance and a flow number keeps its binding
// when its address changes (RFC 5626 §6); others by a contact that means the
// same, whose row in the database must stay one.
func TestTheSameBindingInOtherWords(t *testing.T) {
	same := func(a, b string) bool { return strings.EqualFold(a, b) }
	in(t, Options{SameContact: same}, func(r *Registry, j *journal) {
		flow := Change{Contact: "sip:old", Expires: Unsaid, InstanceID: "<urn:uuid:1>", RegID: 1}
		must(t)(r.Register(ask(flow)))
		flow.Contact = "sip:moved"
		bs := must(t)(r.Register(ask(flow)))
		j.expect(t, "+sip:old new=true 1h0m0s", "+sip:moved new=false 1h0m0s")
		if len(bs) != 1 {
			t.Errorf("bindings %s", contacts(bs))
		}
		must(t)(r.Register(ask(at("sip:Phone", Unsaid))))
		must(t)(r.Register(ask(at("sip:phone", Unsaid))))
		j.expect(t, "+sip:Phone new=true 1h0m0s", "+sip:Phone new=false 1h0m0s")
	})
}

// A stream registration ends with its connection (P24).
func TestP24ConnectionLost(t *testing.T) {
	in(t, Options{}, func(r *Registry, j *journal) {
		tcp := ask(at("sip:t", Unsaid))
		tcp.Edge, tcp.ConnID = "tcp", 7
		must(t)(r.Register(tcp))
		must(t)(r.Register(ask(at("sip:u", Unsaid))))
		j.take()
		r.ConnectionLost("tcp", 8)
		r.ConnectionLost("tls", 7)
		j.expect(t)
		r.ConnectionLost("tcp", 7)
		j.expect(t, "-sip:t connection_lost")
		if len(r.conns) != 0 || contacts(r.Bindings("d1")) != "sip:u" {
			t.Errorf("left: %s", contacts(r.Bindings("d1")))
		}
	})
}

func TestReachable(t *testing.T) {
	in(t, Options{}, func(r *Registry, j *journal) {
		must(t)(r.Register(ask(at("sip:a", Unsaid))))
		must(t)(r.Register(ask(at("sip:b", Unsaid))))
		j.take()
		r.SetReachable("d1", "sip:b", false)
		r.SetReachable("d1", "sip:b", false)
		r.SetReachable("d1", "sip:nobody", false)
		j.expect(t, "?sip:b false")
		if got := contacts(r.Bindings("d1")); got != "sip:a sip:b" || r.Reachable("d1", "sip:b") || !r.Reachable("d1", "sip:a") {
			t.Errorf("silent ones come last: %s", got)
		}
		must(t)(r.Register(ask(at("sip:b", Unsaid))))
		j.expect(t, "+sip:b new=false 1h0m0s", "?sip:b true")
	})
}

func TestPreferenceAndExtension(t *testing.T) {
	in(t, Options{}, func(r *Registry, _ *journal) {
		low := at("sip:low", Unsaid)
		low.Q = 0.3
		must(t)(r.Register(ask(low, at("sip:high", Unsaid))))
		other := ask(at("sip:second", Unsaid))
		other.Device = second
		must(t)(r.Register(other))
		if got := contacts(r.Bindings("d1")); got != "sip:high sip:low" {
			t.Errorf("by q: %s", got)
		}
		if got := r.ByExtension("101"); len(got) != 3 || len(r.ByExtension("102")) != 0 {
			t.Errorf("by extension: %s", contacts(got))
		}
		if got := contacts(r.All()); got != "sip:high sip:low sip:second" {
			t.Errorf("all: %s", got)
		}
		r.Drop("d1")
		if got := contacts(r.All()); got != "sip:second" {
			t.Errorf("after the device was dropped: %s", got)
		}
	})
}

// BenchmarkMemory reports what 10,000 registrations cost.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC() // timers and finalizers let go of the last one
		r := New(Options{})
		runtime.ReadMemStats(&before)
		for i := range 10000 {
			n := fmt.Sprint(1000 + i)
			_, err := r.Register(Request{
				Device: pbx.Device{ID: strings.Clone("device-" + n), Username: n, Extension: n},
				CallID: fmt.Sprintf("%032d", i), CSeq: 1, Edge: "udp", Remote: remote, Expires: Unsaid,
				UserAgent: "Yealink SIP-T46S 66.86.0.15 " + n,
				Changes:   []Change{{Contact: "sip:" + n + "@192.168.100.200:5060;transport=udp", Expires: Unsaid}},
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/10000, "bytes/binding")
		r.Close()
	}
}

func BenchmarkRefresh(b *testing.B) {
	r := New(Options{})
	defer r.Close()
	b.ReportAllocs()
	for i := range b.N {
		_, _ = r.Register(Request{Device: desk, CallID: "c", CSeq: uint32(i + 1), Edge: "udp", Remote: remote,
			Expires: Unsaid, Changes: []Change{{Contact: "sip:101@192.168.100.200:5060", Expires: Unsaid}}})
	}
}
