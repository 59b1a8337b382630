package transport

import (
	"cmp"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// BanOptions say when an address is no longer listened to. A zero field means
// its default.
type BanOptions struct {
	Failures   int            // wrong digests …; 10
	Window     time.Duration  // … within this time lead to a ban; 60 s
	First      time.Duration  // length of the first ban, doubled with each further one; 60 s
	Max        time.Duration  // longest ban; 1 h
	Memory     time.Duration  // good behaviour after which the length starts again at First; 6 h
	MaxSources int            // addresses counted at a time; 16,384
	Trusted    []netip.Prefix // never banned

	Publisher pbx.Publisher // may be nil
	Log       *slog.Logger
}

// Ban is one address that is not listened to. IPv6 is banned by /64; Address is
// then its first address.
type Ban struct {
	Address netip.Addr
	Since   time.Time
	Until   time.Time
	Reason  string
}

// Bans counts wrong credentials by address and bans who offers too many. All
// methods may be called from any goroutine.
type Bans struct {
	o BanOptions

	mu      sync.RWMutex
	sources lru[netip.Addr, offender]
	banned  map[netip.Addr]Ban
	timer   *time.Timer
	closed  bool
}

// offender is what is remembered of an address.
type offender struct {
	failures []time.Time // within the window
	next     time.Duration
	last     time.Time
}

// NewBans makes an empty ban list.
func NewBans(o BanOptions) *Bans {
	set(&o.Failures, 10)
	set(&o.Window, time.Minute)
	set(&o.First, time.Minute)
	set(&o.Max, time.Hour)
	set(&o.Memory, 6*time.Hour)
	set(&o.MaxSources, 16384)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Bans{o: o, sources: newLRU[netip.Addr, offender](o.MaxSources), banned: make(map[netip.Addr]Ban)}
}

// Failure counts wrong credentials from src, logs them in one line that names
// the real source, publishes pbx.AuthFailed, and bans the address when it was
// the last straw.
func (b *Bans) Failure(src netip.AddrPort, username, method string) {
	b.o.Log.Warn("sip authentication failed", "source", src.Addr().String(), "port", src.Port(),
		"user", username, "method", method)
	b.publish(pbx.AuthFailed{Source: src.String(), Username: username, Method: method})
	b.mu.Lock()
	ban, ok := b.count(person(src.Addr()), time.Now())
	b.mu.Unlock()
	if ok {
		b.announce(ban)
	}
}

// count notes a failure and decides. Callers hold b.mu.
func (b *Bans) count(who netip.Addr, now time.Time) (Ban, bool) {
	s, ok := b.sources.get(who)
	if !ok {
		s = b.sources.put(who, offender{next: b.o.First})
	}
	if !s.last.IsZero() && now.Sub(s.last) > b.o.Memory {
		s.next = b.o.First
	}
	s.last = now
	s.failures = slices.DeleteFunc(s.failures, func(t time.Time) bool { return now.Sub(t) >= b.o.Window })
	if s.failures = append(s.failures, now); len(s.failures) < b.o.Failures || b.trusted(who) {
		if len(s.failures) > b.o.Failures {
			s.failures = s.failures[1:]
		}
		return Ban{}, false
	}
	s.failures = nil
	length := s.next
	s.next = min(2*s.next, b.o.Max)
	return b.put(who, now, length, "authentication"), true
}

// Ban bans an address for a time by hand. It reports false for one that is
// trusted.
func (b *Bans) Ban(ip netip.Addr, d time.Duration, reason string) bool {
	who := person(ip)
	if b.trusted(who) {
		return false
	}
	b.mu.Lock()
	ban := b.put(who, time.Now(), d, reason)
	b.mu.Unlock()
	b.announce(ban)
	return true
}

// put enters a ban. Callers hold b.mu.
func (b *Bans) put(who netip.Addr, now time.Time, d time.Duration, reason string) Ban {
	ban := Ban{Address: who, Since: now, Until: now.Add(d), Reason: reason}
	b.banned[who] = ban
	b.arm(now)
	return ban
}

func (b *Bans) announce(ban Ban) {
	b.o.Log.Warn("sip source banned", "source", ban.Address.String(), "until", ban.Until, "reason", ban.Reason)
	b.publish(pbx.SourceBanned{Address: ban.Address.String(), Until: ban.Until, Reason: ban.Reason})
}

// Banned reports whether an address is not to be heard.
func (b *Bans) Banned(ip netip.Addr) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if len(b.banned) == 0 {
		return false
	}
	ban, ok := b.banned[person(ip)]
	return ok && time.Now().Before(ban.Until)
}

// Unban lifts a ban and forgives what led to it; false: there was none.
func (b *Bans) Unban(ip netip.Addr) bool {
	who := person(ip)
	b.mu.Lock()
	_, ok := b.banned[who]
	delete(b.banned, who)
	b.sources.drop(who)
	b.mu.Unlock()
	if ok {
		b.lifted(who)
	}
	return ok
}

func (b *Bans) lifted(who netip.Addr) {
	b.o.Log.Info("sip source unbanned", "source", who.String())
	b.publish(pbx.SourceUnbanned{Address: who.String()})
}

// List returns the bans in force, the one that ends first in front.
func (b *Bans) List() []Ban {
	b.mu.RLock()
	defer b.mu.RUnlock()
	now := time.Now()
	var out []Ban
	for _, ban := range b.banned {
		if now.Before(ban.Until) {
			out = append(out, ban)
		}
	}
	slices.SortFunc(out, func(x, y Ban) int {
		return cmp.Or(x.Until.Compare(y.Until), x.Address.Compare(y.Address))
	})
	return out
}

// Close stops the timer; bans stay in force.
func (b *Bans) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
}

// arm sets the one timer to the next end of a ban. Callers hold b.mu.
func (b *Bans) arm(now time.Time) {
	if b.timer != nil {
		b.timer.Stop()
	}
	if b.closed || len(b.banned) == 0 {
		return
	}
	var next time.Time
	for _, ban := range b.banned {
		if next.IsZero() || ban.Until.Before(next) {
			next = ban.Until
		}
	}
	b.timer = time.AfterFunc(next.Sub(now), b.expire)
}

// expire drops the bans that are over.
func (b *Bans) expire() {
	b.mu.Lock()
	now := time.Now()
	var over []netip.Addr
	for who, ban := range b.banned {
		if !now.Before(ban.Until) {
			over = append(over, who)
			delete(b.banned, who)
		}
	}
	b.arm(now)
	b.mu.Unlock()
	slices.SortFunc(over, netip.Addr.Compare)
	for _, who := range over {
		b.lifted(who)
	}
}

func (b *Bans) trusted(ip netip.Addr) bool {
	return slices.ContainsFunc(b.o.Trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func (b *Bans) publish(body pbx.EventBody) {
	if b.o.Publisher != nil {
		b.o.Publisher.Publish(pbx.Event{Body: body})
	}
}
