package registrar

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

// pings collects when OPTIONS arrived at an address.
type pings struct {
	mu sync.Mutex
	at []time.Time
}

func watch(r *rig, p *pbxtest.Phone) *pings {
	w := &pings{}
	r.net.Capture(func(k pbxtest.Packet) {
		if k.To == p.Addr() && strings.HasPrefix(string(k.Data), "OPTIONS ") {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.at = append(w.at, k.Sent)
		}
	})
	return w
}

func (w *pings) times() []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.at)
}

// A phone behind NAT is pinged every 25 to 30 s, so that the way to it stays
// open; two pings without an answer make it unreachable, an answer makes it
// reachable again.
func TestKeepaliveThroughNAT(t *testing.T) {
	in(t, Keepalive{}, func(r *rig) {
		p := r.phone("10.0.0.7:40022", "101", "s-101")
		w := watch(r, p)
		expect(t, register(p, add("Contact", "<sip:101@192.168.1.2:5060>")), 200)
		time.Sleep(5 * time.Minute)
		at := w.times()
		if n := len(at); n < 9 || n > 13 {
			t.Errorf("%d pings in five minutes", n)
		}
		for i := 1; i < len(at); i++ {
			if d := at[i].Sub(at[i-1]); d < 25*time.Second || d > 32*time.Second {
				t.Errorf("%v between two pings", d)
			}
		}
		if r.events.has("device.reachable 101 false") || !r.reg.Reachable("dev-101", "sip:101@192.168.1.2:5060") {
			t.Error("unreachable, though it answers")
		}
		r.net.SetLinkBetween(p.Addr().Addr(), server.Addr(), pbxtest.Link{Loss: 1})
		time.Sleep(90 * time.Second)
		if !r.events.has("device.reachable 101 false") || r.reg.Reachable("dev-101", "sip:101@192.168.1.2:5060") {
			t.Error("reachable, though it is silent")
		}
		if r.reg.Len() != 1 {
			t.Error("the binding is gone")
		}
		r.net.SetLinkBetween(p.Addr().Addr(), server.Addr(), pbxtest.Link{})
		time.Sleep(time.Minute)
		if !r.events.has("device.reachable 101 true") {
			t.Error("answers again, and nobody knows")
		}
		expect(t, register(p, set("Contact", "*"), set("Expires", "0")), 200)
		n := len(w.times())
		time.Sleep(2 * time.Minute)
		if len(w.times()) != n {
			t.Error("pinged after it went")
		}
	})
}

// A phone that is where it says it is is left alone, unless all are wanted.
func TestKeepaliveWithoutNAT(t *testing.T) {
	for _, all := range []bool{false, true} {
		in(t, Keepalive{All: all}, func(r *rig) {
			p := r.phone("10.0.0.7:5060", "101", "s-101")
			w := watch(r, p)
			p.Register()
			time.Sleep(2 * time.Minute)
			if n := len(w.times()); n > 0 != all {
				t.Errorf("all %v: %d pings", all, n)
			}
		})
	}
}
