package session

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// ThrottledError says that a password will not even be looked at before Wait is
// over.
type ThrottledError struct{ Wait time.Duration }

// Error implements error.
func (e ThrottledError) Error() string { return fmt.Sprintf("sign-in throttled for %s", e.Wait) }

// Unwrap makes it a TooMany error with a sentence for people.
func (e ThrottledError) Unwrap() error {
	return pbx.Errorf(pbx.TooMany, "too many wrong passwords; try again in %d seconds", e.Seconds())
}

// Seconds is Wait in whole seconds, rounded up (Retry-After, RFC 9110 §10.2.3).
func (e ThrottledError) Seconds() int { return int((e.Wait + time.Second - 1) / time.Second) }

// gate stands in front of passwords. Three counts back off, each on its own: of
// one source for all logins, of one login for all sources, of one login from one
// source. A source from which a login has succeeded before is spared the second:
// a stranger who guesses somebody's password cannot lock him out at his own
// desk.
type gate struct {
	mu                     sync.Mutex
	sources, logins, pairs *counts
	known                  map[pair]time.Time // last success
}

type pair struct{ login, source string }

// Bounds of memory and time.
const (
	maxCounted = 20_000              // keys of each count
	maxKnown   = 50_000              // pairs that succeeded
	forgiveOne = 2 * time.Minute     // takes one wrong attempt off each count
	forgetGood = 60 * 24 * time.Hour // since the last success
)

func newGate() *gate {
	return &gate{
		sources: newCounts(20, time.Second, 5*time.Minute),
		logins:  newCounts(10, time.Second, 5*time.Minute),
		pairs:   newCounts(5, time.Second, time.Minute),
		known:   map[pair]time.Time{},
	}
}

// attempt is one password under way. It counts as wrong until forgiven, so that
// many at the same time are no way around the counts.
type attempt struct {
	g      *gate
	at     pair
	before [3]time.Time // waits as they were: source, login, pair
}

// enter lets one attempt in, or fails with ThrottledError.
func (g *gate) enter(login, ip string) (attempt, error) {
	a := attempt{g: g, at: pair{clip(login), sourceOf(ip)}}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	wait := max(g.sources.wait(a.at.source, now), g.pairs.wait(a.key(), now))
	if last, ok := g.known[a.at]; !ok || now.Sub(last) > forgetGood {
		wait = max(wait, g.logins.wait(a.at.login, now))
	}
	if wait > 0 {
		return attempt{}, ThrottledError{wait}
	}
	a.before = [3]time.Time{g.sources.add(a.at.source, now), g.logins.add(a.at.login, now), g.pairs.add(a.key(), now)}
	return a, nil
}

func (a attempt) key() string { return a.at.login + "\n" + a.at.source }

// forgive takes the attempt back: it was never decided.
func (a attempt) forgive() {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	a.takeBack()
}

func (a attempt) takeBack() {
	a.g.sources.sub(a.at.source, a.before[0])
	a.g.logins.sub(a.at.login, a.before[1])
	a.g.pairs.sub(a.key(), a.before[2])
}

// succeed takes the attempt back and remembers the source. What others did stays
// counted: one's own right password is no pardon for guessing at others'.
func (a attempt) succeed() {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	a.takeBack()
	delete(a.g.pairs.keys, a.key())
	if len(a.g.known) >= maxKnown {
		for k := range a.g.known { // any one: it is merely throttled like strangers
			delete(a.g.known, k)
			break
		}
	}
	a.g.known[a.at] = time.Now()
}

// clip bounds what a stranger can make us remember.
func clip(login string) string { return login[:min(len(login), 254)] }

// sourceOf is the address one party has: of IPv6 the network, because a party
// has all of it (RFC 6177 §2).
func sourceOf(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// counts is a set of counters with back-off: the first few attempts are free,
// each further one doubles the wait until the next. The gate's mutex guards it.
type counts struct {
	free        int
	first, most time.Duration
	keys        map[string]*count
}

type count struct {
	n      int
	lapsed time.Time // up to when forgiveness was counted
	until  time.Time
}

func newCounts(free int, first, most time.Duration) *counts {
	return &counts{free: free, first: first, most: most, keys: map[string]*count{}}
}

// wait is how long the key has to; 0: it may.
func (c *counts) wait(key string, now time.Time) time.Duration {
	k, ok := c.keys[key]
	if !ok {
		return 0
	}
	return max(0, k.until.Sub(now))
}

// lapse forgives with time: the mistakes of a large office behind one address
// must not add up over a day.
func (k *count) lapse(now time.Time) {
	steps := now.Sub(k.lapsed) / forgiveOne
	k.n = max(0, k.n-int(steps))
	k.lapsed = k.lapsed.Add(steps * forgiveOne)
}

// add counts an attempt and returns the wait it replaces.
func (c *counts) add(key string, now time.Time) time.Time {
	k, ok := c.keys[key]
	if !ok {
		c.makeRoom(now)
		k = &count{lapsed: now}
		c.keys[key] = k
	}
	k.lapse(now)
	before := k.until
	k.n++
	if over := k.n - c.free; over >= 0 {
		k.until = now.Add(min(c.most, c.first<<min(over, 20)))
	}
	return before
}

// sub takes an attempt back.
func (c *counts) sub(key string, before time.Time) {
	k, ok := c.keys[key]
	if !ok {
		return
	}
	k.until = before
	if k.n--; k.n <= 0 {
		delete(c.keys, key)
	}
}

// makeRoom keeps the memory bounded: what is forgiven goes first, then any. It
// makes much room at once, because it looks at every key.
func (c *counts) makeRoom(now time.Time) {
	if len(c.keys) < maxCounted {
		return
	}
	for key, k := range c.keys {
		if k.lapse(now); k.n == 0 {
			delete(c.keys, key)
		}
	}
	for key := range c.keys {
		if len(c.keys) < maxCounted*9/10 {
			return
		}
		delete(c.keys, key)
	}
}
