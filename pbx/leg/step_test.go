package leg

import (
	"slices"
	"testing"
)

// Every state meets every input; a pair nobody thought of fails, and so does a
// pair that stands both as a row and as ignored.
func TestEveryPairHasExactlyOneRow(t *testing.T) {
	for s := range numStates {
		for k := range numInputs {
			_, _, ok := step(s, k)
			if !ok {
				t.Errorf("%v × %v: no row", s, k)
			}
			_, row := table[s].on[k]
			n := 0
			for _, i := range table[s].ignore {
				if i == k {
					n++
				}
			}
			if row && n > 0 || n > 1 {
				t.Errorf("%v × %v: stands in the table %d times too often", s, k, n)
			}
		}
	}
}

// count returns how often e is in do.
func count(do []effect, e effect) int {
	n := 0
	for _, d := range do {
		if d == e {
			n++
		}
	}
	return n
}

// trail is what has happened on one path through the table.
type trail struct {
	state State
	sent  [numEffects]int8
}

// walk follows every sequence of inputs of the given length from start and
// checks what must hold on each path, whatever the order of events.
func walk(t *testing.T, start State, depth int) {
	seen := map[trail]int{}
	var path []InputKind
	var visit func(tr trail, left int)
	visit = func(tr trail, left int) {
		if seen[tr] >= left+1 {
			return
		}
		seen[tr] = left + 1
		check(t, tr, path)
		if left == 0 || t.Failed() {
			return
		}
		for k := range numInputs {
			next, do, _ := step(tr.state, k)
			n := tr
			n.state = next
			for _, e := range do {
				if n.sent[e] < 3 {
					n.sent[e]++
				}
			}
			path = append(path, k)
			order(t, tr, do, path)
			visit(n, left-1)
			path = path[:len(path)-1]
		}
	}
	visit(trail{state: start}, depth)
}

// check holds the promises of a leg that do not depend on the last step.
func check(t *testing.T, tr trail, path []InputKind) {
	t.Helper()
	s := tr.sent
	fail := func(why string) { t.Errorf("%v after %v: %s", tr.state, path, why) }
	if s[noteEnded] > 1 {
		fail("ended more than once")
	}
	if s[release] > 1 {
		fail("released more than once")
	}
	if (tr.state == Dead) != (s[release] == 1) {
		fail("dead and released must be one")
	}
	if tr.state.over() != (s[noteEnded] == 1) {
		fail("the watcher must know of the end exactly when there is one")
	}
	if s[sendReject] > 1 || s[sendReject] > 0 && s[sendAnswer]+s[sendOffer] > 0 {
		fail("two final responses (RFC 3261 §13.3.1)")
	}
	if s[sendAnswer]+s[sendOffer] > 1 {
		fail("answered twice")
	}
	if s[sendBye] > 1 {
		fail("BYE sent twice")
	}
	if s[sendCancel] > 1 {
		fail("CANCEL sent twice")
	}
	if s[sendBye] > 0 && s[sendAck]+s[sendAnswer]+s[sendOffer] == 0 {
		fail("BYE without a dialog")
	}
	if s[noteUp] > 1 {
		fail("answered twice for the watcher")
	}
}

// order holds what depends on the step just taken.
func order(t *testing.T, before trail, do []effect, path []InputKind) {
	t.Helper()
	last := path[len(path)-1]
	switch {
	case count(do, sendCancel) > 0 && !slices.ContainsFunc(path, func(k InputKind) bool { return k == InTrying || k == InRinging }):
		t.Errorf("%v: CANCEL before a provisional response (RFC 3261 §9.1)", path)
	case count(do, sendBye) > 0 && before.state == WaitAck && last != InAcked && last != InAckLost:
		t.Errorf("%v: BYE before the ACK (RFC 3261 §15)", path)
	case before.state.over() && (count(do, noteUp)+count(do, noteRinging)+count(do, hear)+count(do, noteDigit)) > 0:
		t.Errorf("%v: news of a leg that has ended", path)
	case last == InAnswered && count(do, sendAck) == 0 && (before.state == Calling || before.state == Cancelling || before.state == WaitTrying):
		t.Errorf("%v: a 2xx without ACK (RFC 3261 §13.2.2.4)", path)
	}
}

func TestEveryPathOfAnIncomingLeg(t *testing.T) { walk(t, Invited, 9) }
func TestEveryPathOfAnOutgoingLeg(t *testing.T) { walk(t, Calling, 9) }

// From every state there is a way to be dead in at most two inputs of time and
// command alone, so that nothing a peer does or omits keeps a leg alive.
func TestEndAndTimeAlwaysReachDead(t *testing.T) {
	for s := range numStates {
		next, _, _ := step(s, CmdEnd)
		if next != Dead {
			next, _, _ = step(next, TimerDead)
		}
		if next != Dead {
			t.Errorf("%v: end and time lead to %v only", s, next)
		}
	}
}

// Entering an ending state from a living one starts the timer that guarantees
// its end.
func TestEveryEndingIsTimed(t *testing.T) {
	for s := range numStates {
		for k := range numInputs {
			next, do, _ := step(s, k)
			if !s.over() && next.over() && next != Dead && count(do, armDead) != 1 {
				t.Errorf("%v × %v → %v: the ending has no timer", s, k, next)
			}
			if next == Dead && s != Dead && count(do, release) != 1 {
				t.Errorf("%v × %v: dead without release", s, k)
			}
		}
	}
}

func TestNamesAreComplete(t *testing.T) {
	for s := range numStates {
		if s.String() == "" || s.String() == "invalid" {
			t.Errorf("state %d has no name", s)
		}
	}
	for k := range numInputs {
		if k.String() == "" || k.String() == "invalid" {
			t.Errorf("input %d has no name", k)
		}
	}
}
