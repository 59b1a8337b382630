package session

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
)

// guess tries a wrong password and returns how long the guesser has to wait; 0:
// the password was looked at.
func guess(t *testing.T, r *rig, login string, from From) time.Duration {
	t.Helper()
	_, _, err := r.SignIn(t.Context(), login, "wrong", from)
	if d := wait(err); d > 0 {
		if pbx.CodeOf(err) != pbx.TooMany {
			t.Errorf("a throttled sign-in is %v", err)
		}
		return d
	}
	return 0
}

// Reliability row 13: within an hour a guesser gets a few dozen passwords
// looked at, whether he asks for somebody who exists or not.
func TestGuessingIsSlow(t *testing.T) {
	for _, login := range []string{"101", "nobody@example.com"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			for start := time.Now(); time.Since(start) < time.Hour; {
				time.Sleep(guess(t, r, login, From{IP: "203.0.113.5"}))
			}
			if r.checks < 10 || r.checks > 80 {
				t.Errorf("%s: %d passwords an hour", login, r.checks)
			}
			if d := guess(t, r, login, From{IP: "203.0.113.5"}); d > 5*time.Minute {
				t.Errorf("the wait grows without end: %s", d)
			}
		})
	}
}

// Many addresses help a guesser little: the login backs off for all of them, a
// whole IPv6 network is one source.
func TestGuessingFromManySources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for i := range 1000 {
			guess(t, r, "101", From{IP: fmt.Sprintf("203.0.113.%d", i%250)})
		}
		if r.checks > 10 {
			t.Errorf("one login, many sources: %d passwords looked at", r.checks)
		}
		before := r.checks
		for i := range 1000 {
			guess(t, r, fmt.Sprint(1000+i), From{IP: fmt.Sprintf("2001:db8::%x", i+1)})
		}
		if n := r.checks - before; n > 20 {
			t.Errorf("one network, many logins: %d passwords looked at", n)
		}
	})
}

// Reliability row 13: however long a stranger guesses, the person himself gets
// in at his own desk, at once; elsewhere within minutes.
func TestAStrangerCannotLockSomebodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.in(t)
		for i := range 500 {
			guess(t, r, "101", From{IP: fmt.Sprintf("203.0.113.%d", i%250)})
			time.Sleep(time.Second)
		}
		if _, _, err := r.SignIn(t.Context(), "101", goodPassword, desk); err != nil {
			t.Errorf("at the desk: %v", err)
		}
		_, _, err := r.SignIn(t.Context(), "101", goodPassword, From{IP: "198.51.100.1"})
		if d := wait(err); d == 0 || d > 5*time.Minute {
			t.Errorf("elsewhere: %v", err)
		}
	})
}

// Somebody who mistypes a few times is not bothered, and one's own success is no
// pardon for guessing at others'.
func TestHonestMistakesAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for range 20 {
			for range 3 {
				if d := guess(t, r, "101", desk); d > 0 {
					t.Fatalf("bothered for %s", d)
				}
			}
			r.in(t)
			time.Sleep(10 * time.Minute)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for i := range 200 {
			guess(t, r, fmt.Sprint(2000+i), desk)
			_, _, _ = r.SignIn(t.Context(), "101", goodPassword, desk) // now and then refused too
		}
		if r.checks > 45 { // 20 guesses, and as many successes between
			t.Errorf("%d passwords looked at", r.checks)
		}
	})
}

// Attempts at the same time are counted before their outcome is known.
func TestParallelGuessesAreCounted(t *testing.T) {
	g := newGate()
	var wg sync.WaitGroup
	var mu sync.Mutex
	admitted := 0
	for range 100 {
		wg.Go(func() {
			if _, err := g.enter("101", "203.0.113.5"); err == nil {
				mu.Lock()
				admitted++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if admitted > 5 {
		t.Errorf("%d at the same time", admitted)
	}
}

// A stranger cannot fill the memory, and a fault of ours is not counted as his.
func TestCountsAreBoundedAndFair(t *testing.T) {
	g := newGate()
	for i := range maxCounted + 1000 {
		_, _ = g.enter(fmt.Sprint(i), fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255))
	}
	for name, c := range map[string]*counts{"sources": g.sources, "logins": g.logins, "pairs": g.pairs} {
		if len(c.keys) > maxCounted {
			t.Errorf("%s: %d kept", name, len(c.keys))
		}
	}
	g = newGate()
	for range 100 {
		a, err := g.enter("101", "203.0.113.5")
		if err != nil {
			t.Fatal(err)
		}
		a.forgive()
	}
	if len(g.sources.keys)+len(g.logins.keys)+len(g.pairs.keys) != 0 {
		t.Error("something stays counted")
	}
}
