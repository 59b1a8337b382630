package registrar

import (
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

// pings counts the OPTIONS that arrive at an address, with their times.
func pings(r *rig, p *pbxtest.Phone) *[]time.Time {
	var at []time.Time
	r.net.Capture(func(k pbxtest.Packet) {
		if k.To == p.Addr() && strings.HasPrefix(string(k.Data), "OPTIONS ") {
			at = append(at, k.Sent)
		}
	})
	return &at
}

// A phone behind NAT is pinged every 25 to 30 s, so that the way to it stays
// open; two pings without an answer make it unreachable, an answer makes it
// reachable again.
func TestKeepaliveThroughNAT(t *testing.T) {
	in(t, Keepalive{}, func(r *rig) {
		p := r.phone("10.0.0.7:40022", "101", "s-101")
		at := pings(r, p)
		expect(t, register(p, add("Contact", "<sip:101@192.168.1.2:5060>")), 200)
		time.Sleep(5 * time.Minute)
		if n := len(*at); n < 9 || n > 13 {
			t.Errorf("%d pings in five minutes", n)
		}
		for i := 1; i < len(*at); i++ {
			if d := (*at)[i].Sub((*at)[i-1]); d < 25*time.Second || d > 32*time.Second {
				t.Errorf("%v between two pings", d)
			}
		}
		if r.events.has("device.reachable 101 false") || !r.reg.Reachable("dev-101", "sip:101@192.168.1.2:5060") {
			t.Error("unreachable, though it answers")
		}
		p.Mute = true
		time.Sleep(90 * time.Second)
		if !r.events.has("device.reachable 101 false") || r.reg.Reachable("dev-101", "sip:101@192.168.1.2:5060") {
			t.Error("reachable, though it is silent")
		}
		if r.reg.Len() != 1 {
			t.Error("the binding is gone")
		}
		p.Mute = false
		time.Sleep(time.Minute)
		if !r.events.has("device.reachable 101 true") {
			t.Error("answers again, and nobody knows")
		}
		expect(t, register(p, set("Contact", "*"), set("Expires", "0")), 200)
		n := len(*at)
		time.Sleep(2 * time.Minute)
		if len(*at) != n {
			t.Error("pinged after it went")
		}
	})
}

// A phone that is where it says it is is left alone, unless all are wanted.
func TestKeepaliveWithoutNAT(t *testing.T) {
	for _, all := range []bool{false, true} {
		in(t, Keepalive{All: all}, func(r *rig) {
			p := r.phone("10.0.0.7:5060", "101", "s-101")
			at := pings(r, p)
			p.Register()
			time.Sleep(2 * time.Minute)
			if got := len(*at) > 0; got != all {
				t.Errorf("all %v: %d pings", all, len(*at))
			}
		})
	}
}
