package call

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/pbx"
)

var update = flag.Bool("update", false, "rewrite the golden tables")

// tone is a source for the floor, which never looks inside one.
type tone string

func (tone) Attach(media.Sink) {}
func (tone) Detach(media.Sink) {}

var (
	t0       = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	echo     = pbx.Move{To: pbx.Target{Kind: pbx.TargetEcho}}
	callerUp = pbx.Cause{Code: pbx.CauseNormal, By: pbx.ByCaller}
)

func byCallee(c pbx.CauseCode) pbx.Cause { return pbx.Cause{Code: c, By: pbx.ByCallee} }

// named is a command with a name for the golden table.
type named struct {
	name string
	cmd  command
}

// commands is the floor's alphabet over caller A, her fork F in bridge M, and
// the phones b1, b2 of person 102 and c1 of person 103.
func commands() []named {
	return []named{
		{"A sits down again", sit{id: "A", call: "K", move: echo, at: t0}},
		{"D calls", sit{id: "D", call: "L", move: echo, at: t0}},
		{"A is moved to echo", redirect{id: "A", move: echo}},
		{"A is hung up on", redirect{id: "A", move: pbx.Hangup(pbx.Cause{Code: pbx.CauseNormal, By: pbx.ByUser})}},
		{"A's program goes on to echo", redirect{id: "A", gen: 1, move: echo}},
		{"A's program hangs up", redirect{id: "A", gen: 1, move: pbx.Hangup(byCallee(pbx.CauseNormal))}},
		{"A's former program moves", redirect{id: "A", gen: 99, move: echo}},
		{"b1 is moved to echo", redirect{id: "b1", move: echo}},
		{"A hangs up", gone{"A", callerUp}},
		{"b1 hangs up", gone{"b1", byCallee(pbx.CauseNormal)}},
		{"b1 is busy", gone{"b1", byCallee(pbx.CauseBusy)}},
		{"b1 declines", gone{"b1", byCallee(pbx.CauseDeclined)}},
		{"b2 cannot be reached", gone{"b2", byCallee(pbx.CauseUnreachable)}},
		{"c1 declines", gone{"c1", byCallee(pbx.CauseDeclined)}},
		{"A forks", openFork{id: "A", gen: 1, fork: "G", bridge: "N"}},
		{"a phone is added", addBranch{fork: "F", id: "d1", person: "104"}},
		{"all phones are added", filled{id: "A", gen: 1, fork: "F"}},
		{"b1 rings", alert{id: "b1"}},
		{"b1 rings with sound", alert{id: "b1", early: true}},
		{"b1 answers", claim{id: "b1", gen: 1}},
		{"c1 answers", claim{id: "c1", gen: 1}},
		{"time is up", closeFork{id: "A", gen: 1, fork: "F", cause: pbx.Cause{Code: pbx.CauseNoAnswer, By: pbx.BySystem}}},
		{"A comes to the bridge", join{id: "A", gen: 1, bridge: "M", role: Talk, at: t0}},
		{"b1 comes to the bridge", join{id: "b1", gen: 1, bridge: "M", role: Talk, at: t0}},
		{"c1 comes to the bridge", join{id: "c1", gen: 1, bridge: "M", role: Talk, at: t0}},
		{"A is answered", up{id: "A", at: t0}},
		{"A is served by the exchange", served{id: "A", gen: 1, at: t0}},
		{"A holds", hold{id: "A", held: true, music: tone("A's music")}},
		{"b1 holds", hold{id: "b1", held: true, music: tone("b1's music")}},
		{"b1 resumes", hold{id: "b1"}},
		{"A is played something", sound{id: "A", gen: 1, play: tone("prompt")}},
		{"A gets a bed", sound{id: "A", gen: 1, bed: tone("music")}},
	}
}

// states are the places a call can be in, each reached by commands alone.
func states() map[string][]command {
	calls := []command{sit{id: "A", call: "K", from: pbx.PartyInfo{Number: "101"}, dialled: "102", move: echo, at: t0}}
	forks := append(slices.Clone(calls), openFork{id: "A", gen: 1, fork: "F", bridge: "M"})
	one := append(slices.Clone(forks), addBranch{fork: "F", id: "b1", person: "102"})
	three := append(slices.Clone(one), addBranch{fork: "F", id: "b2", person: "102"}, addBranch{fork: "F", id: "c1", person: "103"})
	ready := append(slices.Clone(three), filled{id: "A", gen: 1, fork: "F"})
	rings := append(slices.Clone(ready), alert{id: "b1"})
	sounds := append(slices.Clone(one), filled{id: "A", gen: 1, fork: "F"}, alert{id: "b1", early: true})
	won := append(slices.Clone(rings), claim{id: "b1", gen: 1})
	waits := append(slices.Clone(won), join{id: "b1", gen: 1, bridge: "M", role: Talk, at: t0})
	first := append(slices.Clone(won), join{id: "A", gen: 1, bridge: "M", role: Talk, at: t0})
	talks := append(slices.Clone(waits), join{id: "A", gen: 1, bridge: "M", role: Talk, at: t0})
	return map[string][]command{
		"0 nobody":                       nil,
		"1 A has called":                 calls,
		"2 A forks, no phone yet":        forks,
		"3 one phone is added":           one,
		"4 three phones are called":      ready,
		"5 b1 of three rings":            rings,
		"6 b1 alone rings with sound":    sounds,
		"7 b1 has answered":              won,
		"8 b1 waits in the bridge":       waits,
		"9 A waits in the bridge":        first,
		"a A and b1 talk":                talks,
		"b b1 holds":                     append(slices.Clone(talks), hold{id: "b1", held: true, music: tone("b1's music")}),
		"c time was up":                  append(slices.Clone(rings), closeFork{id: "A", gen: 1, fork: "F", cause: byCallee(pbx.CauseNoAnswer)}),
		"d b1 has answered and gone":     append(slices.Clone(waits), gone{"b1", byCallee(pbx.CauseNormal)}),
		"e b1 gone before the bridge":    append(slices.Clone(won), gone{"b1", byCallee(pbx.CauseNormal)}),
		"f A hears a prompt as b1 waits": append(slices.Clone(waits), sound{id: "A", gen: 1, play: tone("prompt")}),
		"g A was moved as she was rung":  append(slices.Clone(rings), redirect{id: "A", move: echo}),
	}
}

func build(t *testing.T, cmds []command) *table {
	t.Helper()
	tab := newTable()
	for _, c := range cmds {
		if _, err := c.apply(tab); err != nil {
			t.Fatalf("%T: %v", c, err)
		}
	}
	return tab
}

func sorted(m map[string][]command) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Every state meets every command; what follows stands in a golden table, so
// that a new command or state without a considered outcome fails.
func TestEveryStateMeetsEveryCommand(t *testing.T) {
	var got strings.Builder
	all := states()
	for _, name := range sorted(all) {
		fmt.Fprintf(&got, "%s\n", name)
		for _, c := range commands() {
			tab := build(t, all[name])
			before := tab.clone()
			effects, err := c.cmd.apply(tab)
			if err != nil {
				if !reflect.DeepEqual(before, tab) {
					t.Errorf("%s × %s: refused, but the table changed", name, c.name)
				}
				fmt.Fprintf(&got, "\t%s → refused: %v\n", c.name, err)
				continue
			}
			invariants(t, tab, name+" × "+c.name)
			fmt.Fprintf(&got, "\t%s →%s\n", c.name, describe(effects))
		}
	}
	const file = "testdata/floor.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got.String() {
		t.Errorf("the floor behaves otherwise than %s says; review with -update", file)
	}
}

// Every race of two commands, in both orders, from every state.
func TestEveryRaceInBothOrders(t *testing.T) {
	all := states()
	for _, name := range sorted(all) {
		for _, x := range commands() {
			for _, y := range commands() {
				tab := build(t, all[name])
				story := name + " × " + x.name + " × " + y.name
				fx, _ := x.cmd.apply(tab)
				fy, _ := y.cmd.apply(tab)
				invariants(t, tab, story)
				oneWinner(t, append(fx, fy...), story)
			}
		}
	}
}

// Whatever happened, when everybody has left nothing remains.
func TestNothingRemainsWhenAllAreGone(t *testing.T) {
	all := states()
	for _, name := range sorted(all) {
		for _, x := range commands() {
			for _, y := range commands() {
				tab := build(t, all[name])
				_, _ = x.cmd.apply(tab)
				_, _ = y.cmd.apply(tab)
				var ids []pbx.SessionID
				for id := range tab.seats {
					ids = append(ids, id)
				}
				slices.Sort(ids)
				if len(x.name)%2 == 0 {
					slices.Reverse(ids)
				}
				for _, id := range ids {
					if _, err := (gone{id, callerUp}).apply(tab); err != nil {
						t.Fatalf("%s: gone %s: %v", name, id, err)
					}
					invariants(t, tab, name+" × "+x.name+" × "+y.name+" × all leave")
				}
				if n := len(tab.seats) + len(tab.bridges) + len(tab.forks) + len(tab.calls); n != 0 {
					t.Fatalf("%s × %s × %s: %d rows remain: %+v", name, x.name, y.name, n, tab)
				}
			}
		}
	}
}

func oneWinner(t *testing.T, effects []effect, story string) {
	t.Helper()
	winners := map[pbx.ForkID]int{}
	ends := map[pbx.SessionID]int{}
	for _, e := range effects {
		switch e := e.(type) {
		case rung:
			if e.winner != "" {
				winners[e.fork]++
			}
		case end:
			ends[e.id]++
		}
	}
	for f, n := range winners {
		if n > 1 {
			t.Errorf("%s: fork %s has %d winners", story, f, n)
		}
	}
	for id, n := range ends {
		if n > 1 && !strings.Contains(story, "hung up on") && !strings.Contains(story, "hangs up") {
			t.Errorf("%s: %s is ended %d times", story, id, n)
		}
	}
}

// invariants holds what is true of every table.
func invariants(t *testing.T, tab *table, story string) {
	t.Helper()
	fail := func(format string, args ...any) { t.Errorf("%s: %s", story, fmt.Sprintf(format, args...)) }
	seats := map[pbx.CallID]int{}
	for id, s := range tab.seats {
		seats[s.call]++
		if s.bridge != "" && (tab.bridges[s.bridge] == nil || !tab.bridges[s.bridge].has(id)) {
			fail("%s believes to be in %s", id, s.bridge)
		}
		if f := tab.forks[s.fork]; s.fork != "" && (f == nil || f.owner != id) {
			fail("%s believes to own %s", id, s.fork)
		}
		if h := tab.hears(s); !h.equal(s.heard) {
			fail("%s should hear %v but was told %v", id, h, s.heard)
		}
		for _, from := range s.heard.from {
			if tab.seats[from] == nil {
				fail("%s hears %s, who is gone", id, from)
			}
		}
	}
	for id, b := range tab.bridges {
		if len(b.members) > 2 {
			fail("%d talk in %s", len(b.members), id)
		}
		if len(b.members) == 0 && !b.awaited {
			fail("nobody is in %s, and nobody expected", id)
		}
		for _, m := range b.members {
			if s := tab.seats[m.id]; s == nil || s.bridge != id {
				fail("%s has member %s, who is elsewhere", id, m.id)
			}
		}
	}
	for id, f := range tab.forks {
		if o := tab.seats[f.owner]; o == nil || o.fork != id {
			fail("fork %s has no owner", id)
		}
		if f.winner != "" && f.index(f.winner) < 0 {
			fail("fork %s was won by a stranger", id)
		}
	}
	for id, r := range tab.calls {
		if r.seats != seats[id] || r.seats == 0 {
			fail("call %s counts %d seats and has %d", id, r.seats, seats[id])
		}
	}
}

func describe(effects []effect) string {
	if len(effects) == 0 {
		return " nothing"
	}
	var b strings.Builder
	for _, e := range effects {
		s := fmt.Sprintf("%T%v", e, e)
		if r, ok := e.(revoke); ok {
			s = fmt.Sprintf("revoke{%s %d %v}", r.id, r.gen, r.why)
		}
		s = strings.TrimPrefix(s, "call.")
		b.WriteString(" " + strings.ReplaceAll(s, "0001-01-01 00:00:00 +0000 UTC", "-") + ";")
	}
	return b.String()
}
