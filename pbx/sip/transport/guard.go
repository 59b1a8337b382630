package transport

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what the network can cost us. A zero field means its default.
// Loopback is not exempt.
type Limits struct {
	UnknownRate  float64 // messages per second of a source we do not know; 200
	UnknownBurst int     // … and how many at once; 2,000
	TotalRate    float64 // messages per second of all unknown sources together; 20,000
	TotalBurst   int     // … and how many at once; 20,000
	KnownRate    float64 // messages per second of a registered or authenticated source; 20,000
	KnownBurst   int     // … and how many at once; 20,000
	MaxSources   int     // unknown sources remembered, the longest silent forgotten first; 16,384
	MaxKnown     int     // known sources remembered; 100,000

	MaxMessage     int           // bytes of one message; 65,535 (UDP: what fits a datagram, at most 32 KiB)
	ConnsPerSource int           // stream connections per source address; 256
	ConnsTotal     int           // stream connections per edge; 10,000
	FirstMessage   time.Duration // handshake and first whole message of a connection; 30 s at most
	Idle           time.Duration // silence after which a connection is closed; 15 min
	Write          time.Duration // how long a peer may refuse to read; 5 s
}

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	set(&l.UnknownRate, 200)
	set(&l.UnknownBurst, 2000)
	set(&l.TotalRate, 20000)
	set(&l.TotalBurst, 20000)
	set(&l.KnownRate, 20000)
	set(&l.KnownBurst, 20000)
	set(&l.MaxSources, 16384)
	set(&l.MaxKnown, 100000)
	set(&l.MaxMessage, 65535)
	set(&l.ConnsPerSource, 256)
	set(&l.ConnsTotal, 10000)
	set(&l.FirstMessage, 30*time.Second)
	set(&l.Idle, 15*time.Minute)
	set(&l.Write, 5*time.Second)
	l.FirstMessage = min(l.FirstMessage, 30*time.Second)
	return l
}

func set[T int | float64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// GuardCounts say what was dropped and why; read them with Load.
type GuardCounts struct {
	Admitted   atomic.Uint64
	Junk       atomic.Uint64 // not SIP
	TooLong    atomic.Uint64
	TooFast    atomic.Uint64 // over a rate
	Banned     atomic.Uint64
	Keepalives atomic.Uint64
	Conns      atomic.Uint64 // connections refused by a limit
}

// Guard decides whether somebody is listened to at all. The edges of one
// exchange share one. All methods may be called from any goroutine.
type Guard struct {
	limits Limits
	bans   *Bans
	counts GuardCounts

	mu      sync.Mutex
	total   bucket
	unknown lru[netip.Addr, bucket]
	known   lru[netip.AddrPort, acquaintance]
}

// acquaintance is a source that proved who it is.
type acquaintance struct {
	bucket
	until      time.Time // 0: as long as the table has room
	registered bool
}

// NewGuard makes a guard. bans may be nil: nobody is banned.
func NewGuard(l Limits, bans *Bans) *Guard {
	l = l.withDefaults()
	return &Guard{
		limits:  l,
		bans:    bans,
		unknown: newLRU[netip.Addr, bucket](l.MaxSources),
		known:   newLRU[netip.AddrPort, acquaintance](l.MaxKnown),
	}
}

// Bans is the guard's ban list, or nil.
func (g *Guard) Bans() *Bans { return g.bans }

// Limits are the limits in force.
func (g *Guard) Limits() Limits { return g.limits }

// Counts are the guard's counters.
func (g *Guard) Counts() *GuardCounts { return &g.counts }

// Registered says that src holds a valid registration until then: it gets the
// rate of known sources and is heard even while its address is banned (others
// may share it).
func (g *Guard) Registered(src netip.AddrPort, until time.Time) { g.know(src, until, true) }

// Authenticated says that src gave right credentials: it gets the rate of known
// sources for a while.
func (g *Guard) Authenticated(src netip.AddrPort) {
	g.know(src, time.Now().Add(10*time.Minute), false)
}

func (g *Guard) know(src netip.AddrPort, until time.Time, registered bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, had := g.known.get(src)
	if !had {
		a = g.known.put(src, acquaintance{bucket: full(g.limits.KnownBurst)})
	}
	if a.registered && !registered && time.Now().Before(a.until) {
		return // a registration is the stronger of the two
	}
	a.until, a.registered = until, registered
}

// Forget takes back Registered and Authenticated.
func (g *Guard) Forget(src netip.AddrPort) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known.drop(src)
}

// Known reports whether src proved who it is, and lately.
func (g *Guard) Known(src netip.AddrPort) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, ok := g.known.get(src)
	return ok && time.Now().Before(a.until)
}

// Admit decides about one message from src and counts it.
func (g *Guard) Admit(src netip.AddrPort) bool {
	now := time.Now()
	banned := g.bans != nil && g.bans.Banned(src.Addr())
	g.mu.Lock()
	defer g.mu.Unlock()
	a, ok := g.known.get(src)
	if ok && !now.Before(a.until) {
		g.known.drop(src)
		ok = false
	}
	switch {
	case banned && (!ok || !a.registered):
		g.counts.Banned.Add(1)
		return false
	case ok:
		ok = a.take(now, g.limits.KnownRate, g.limits.KnownBurst)
	default:
		ok = g.admitUnknown(src.Addr(), now)
	}
	if !ok {
		g.counts.TooFast.Add(1)
		return false
	}
	g.counts.Admitted.Add(1)
	return true
}

// admitUnknown asks the source's own bucket first, so that one source cannot use
// up what is there for all. Callers hold g.mu.
func (g *Guard) admitUnknown(ip netip.Addr, now time.Time) bool {
	key := person(ip)
	b, ok := g.unknown.get(key)
	if !ok {
		b = g.unknown.put(key, full(g.limits.UnknownBurst))
	}
	return b.take(now, g.limits.UnknownRate, g.limits.UnknownBurst) &&
		g.total.take(now, g.limits.TotalRate, g.limits.TotalBurst)
}

// admitConn decides whether an address may open a connection; open is how many
// it has.
func (g *Guard) admitConn(src netip.AddrPort, open, total int) bool {
	if g.bans != nil && g.bans.Banned(src.Addr()) {
		g.counts.Banned.Add(1)
		return false
	}
	if open >= g.limits.ConnsPerSource || total >= g.limits.ConnsTotal {
		g.counts.Conns.Add(1)
		return false
	}
	return true
}

// person is whom limits and bans count by: an IPv4 address, or the /64 that one
// IPv6 subscriber has to himself.
func person(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return ip
	}
	return p.Addr()
}

// bucket is a token bucket; the zero bucket is full.
type bucket struct {
	tokens float64
	last   time.Time
}

func full(burst int) bucket { return bucket{tokens: float64(burst)} }

// take takes a token if there is one.
func (b *bucket) take(now time.Time, rate float64, burst int) bool {
	switch {
	case b.last.IsZero():
		b.tokens = float64(burst)
	default:
		b.tokens = min(float64(burst), b.tokens+rate*now.Sub(b.last).Seconds())
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
