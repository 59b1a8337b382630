package transport

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
)

// recorder notes published events as short lines.
type recorder struct{ lines []string }

func (r *recorder) Publish(e pbx.Event) pbx.Event {
	switch b := e.Body.(type) {
	case pbx.AuthFailed:
		r.lines = append(r.lines, "failed "+b.Source+" "+b.Username)
	case pbx.SourceBanned:
		r.lines = append(r.lines, fmt.Sprint("banned ", b.Address, " ", time.Until(b.Until)))
	case pbx.SourceUnbanned:
		r.lines = append(r.lines, "unbanned "+b.Address)
	}
	return e
}

func (r *recorder) last() string {
	if len(r.lines) == 0 {
		return ""
	}
	return r.lines[len(r.lines)-1]
}

// Row 5 of the advisories: a flood costs a bounded amount of memory and delays
// nobody else. Loopback is not exempt.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(Limits{UnknownRate: 10, UnknownBurst: 20, KnownRate: 100, KnownBurst: 200}, nil)
		flood := func(from string, n int) (admitted int) {
			for range n {
				if g.Admit(netip.MustParseAddrPort(from)) {
					admitted++
				}
			}
			return admitted
		}
		if n := flood("127.0.0.1:1000", 100); n != 20 {
			t.Errorf("burst of one source: %d", n)
		}
		if n := flood("127.0.0.1:2000", 100); n != 0 {
			t.Errorf("another port of it: %d", n)
		}
		if n := flood("[2001:db8::1]:1", 100) + flood("[2001:db8::2]:1", 100); n != 20 {
			t.Errorf("two addresses of one /64: %d", n)
		}
		if n := flood("10.0.0.9:1", 1); n != 1 {
			t.Errorf("somebody else: %d", n)
		}
		time.Sleep(time.Second)
		if n := flood("127.0.0.1:1000", 100); n != 10 {
			t.Errorf("a second later: %d", n)
		}
		g.Registered(netip.MustParseAddrPort("127.0.0.1:1000"), time.Now().Add(time.Minute))
		if n := flood("127.0.0.1:1000", 1000); n != 200 {
			t.Errorf("registered: %d", n)
		}
		time.Sleep(2 * time.Minute)
		if g.Known(netip.MustParseAddrPort("127.0.0.1:1000")) || flood("127.0.0.1:1000", 1000) != 20 {
			t.Error("no longer registered, and still trusted")
		}
	})
}

func TestSpoofedSourcesCannotGrowMemory(t *testing.T) {
	g := NewGuard(Limits{}, nil)
	spoof := func(n int) {
		for i := range n {
			g.Admit(netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), 5060))
		}
	}
	spoof(20000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	spoof(400000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("grew by %d bytes", grown)
	}
	if n := g.unknown.len(); n > g.limits.MaxSources {
		t.Errorf("%d sources remembered", n)
	}
	if g.counts.TooFast.Load() == 0 {
		t.Error("all unknown sources together are not limited")
	}
	runtime.KeepAlive(g)
}

// Row 13: ten wrong secrets within a minute ban the address for a minute, then
// for two, up to an hour; registered phones behind it stay, trusted nets too.
func TestBans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		b := NewBans(BanOptions{Publisher: rec, Trusted: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}})
		defer b.Close()
		g := NewGuard(Limits{}, b)
		bad := netip.MustParseAddrPort("10.0.0.66:5060")
		guess := func(n int) {
			for range n {
				b.Failure(bad, "101", "REGISTER")
			}
		}
		guess(9)
		time.Sleep(time.Minute)
		guess(9)
		if !g.Admit(bad) {
			t.Error("banned for nine within a minute")
		}
		colleague := netip.MustParseAddrPort("10.0.0.66:40000")
		g.Registered(colleague, time.Now().Add(time.Hour))
		g.Authenticated(netip.MustParseAddrPort("10.0.0.66:40001"))
		guess(1)
		if rec.last() != "banned 10.0.0.66 1m0s" || g.Admit(bad) {
			t.Errorf("not banned: %q", rec.last())
		}
		if !g.Admit(colleague) {
			t.Error("a registered phone behind the same address is not heard")
		}
		if g.Admit(netip.MustParseAddrPort("10.0.0.66:40001")) {
			t.Error("merely authenticated, and heard")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if rec.last() != "unbanned 10.0.0.66" || !g.Admit(bad) || len(b.List()) != 0 {
			t.Errorf("a minute later: %q", rec.last())
		}
		want := []string{"2m0s", "4m0s", "8m0s", "16m0s", "32m0s", "1h0m0s", "1h0m0s"}
		for _, w := range want {
			guess(10)
			if rec.last() != "banned 10.0.0.66 "+w {
				t.Errorf("want %s, got %q", w, rec.last())
			}
			time.Sleep(time.Until(b.List()[0].Until))
			synctest.Wait()
		}
		time.Sleep(7 * time.Hour)
		guess(10)
		if rec.last() != "banned 10.0.0.66 1m0s" {
			t.Errorf("after good behaviour: %q", rec.last())
		}
		if !b.Unban(bad.Addr()) || b.Unban(bad.Addr()) || !g.Admit(bad) || rec.last() != "unbanned 10.0.0.66" {
			t.Errorf("unbanned by hand: %q", rec.last())
		}
		for range 100 {
			b.Failure(netip.MustParseAddrPort("192.168.1.1:5060"), "x", "INVITE")
		}
		if len(b.List()) != 0 || b.Ban(netip.MustParseAddr("192.168.1.1"), time.Hour, "hand") {
			t.Error("a trusted net was banned")
		}
		if !b.Ban(netip.MustParseAddr("2001:db8::7"), time.Hour, "by hand") || !b.Banned(netip.MustParseAddr("2001:db8::8")) {
			t.Error("IPv6 is banned by its /64")
		}
	})
}

// The counting of offenders is bounded, too.
func TestOffendersAreBounded(t *testing.T) {
	b := NewBans(BanOptions{MaxSources: 100})
	for i := range 10000 {
		b.Failure(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1), "x", "REGISTER")
	}
	if n := b.sources.len(); n != 100 {
		t.Errorf("%d remembered", n)
	}
}

// What is not SIP never reaches the parser.
func TestJunk(t *testing.T) {
	good := request("OPTIONS", "UDP h", "1")
	for name, msg := range map[string]string{
		"short":            "OPTIONS sip:x",
		"HTTP":             "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"no empty line":    strings.TrimSuffix(good, "\r\n"),
		"NUL":              strings.Replace(good, "From: ", "From: \x00", 1),
		"bare LF":          strings.Replace(good, "tag=a", "tag=a\nEvil: 1", 1),
		"bare CR":          strings.Replace(good, "tag=a", "tag=a\rEvil: 1", 1),
		"no scheme":        strings.Replace(good, "sip:10.0.0.1 SIP", "10.0.0.1 SIP", 1),
		"binary":           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 sip: SIP/2.0\r\n\r\n",
		"leading space":    " " + good,
		"no version":       strings.Replace(good, " SIP/2.0\r\n", "\r\n", 1),
		"long method":      strings.Repeat("A", 40) + good,
		"STUN":             "\x00\x01\x00\x00\x21\x12\xa4\x42" + strings.Repeat("x", 30),
		"method not token": strings.Replace(good, "OPTIONS sip", "OPT@IONS sip", 1),
	} {
		if head, _ := inspect([]byte(msg)); head != 0 {
			t.Errorf("%s passes", name)
		}
	}
	if head, req := inspect([]byte(good)); head != len(good) || !req {
		t.Errorf("a good one does not: %d, %v", head, req)
	}
	if head, req := inspect([]byte("SIP/2.0 200 OK\r\nVia: x\r\n\r\nbody")); head == 0 || req {
		t.Error("a response does not")
	}
}

// Keepalives are swallowed; the ping of a registered phone gets its pong.
func TestUDPKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, nil)
		defer l.close()
		p := l.peer(phoneAddr)
		for _, m := range []string{"\r\n\r\n", "\r\n", "\r\n\r\n\r\n\r\n"} {
			p.send(m)
		}
		if got := p.read(); got != "" {
			t.Errorf("a stranger got %q", got)
		}
		l.edge.guard.Registered(phoneAddr, time.Now().Add(time.Hour))
		p.send("\r\n\r\n")
		if got := p.read(); got != "\r\n" {
			t.Errorf("a registered phone got %q", got)
		}
	})
}

// Row 5: while one address floods, another one is answered at once.
func TestFloodDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{Guard: NewGuard(Limits{UnknownBurst: 50, UnknownRate: 10}, nil)}, nil)
		defer l.close()
		bad := l.peer(netip.MustParseAddrPort("10.0.0.66:5060"))
		for i := range 5000 {
			bad.send(request("OPTIONS", "UDP 10.0.0.66", fmt.Sprint("f", i)))
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		answers := 0
		for bad.read() != "" {
			answers++
		}
		if answers != 50 {
			t.Errorf("%d answers to a flood", answers)
		}
		p := l.peer(phoneAddr)
		p.send(request("OPTIONS", "UDP 10.0.0.7", "good"))
		p.expect("SIP/2.0 200 OK")
	})
}
