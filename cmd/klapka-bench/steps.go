//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"klapka.dev/klapka/cmd/klapka-bench/load"
)

// step is one rate of a climb.
type step struct {
	rate   int
	each   time.Duration // CPU of one
	memory int64         // bytes of one, where that is known
	clean  bool
}

// steps are a climb, in the order of rates.
type steps []step

// climb raises the rate until it is too high for the subject or the generator,
// and writes a table. A rate that was not clean has a second try: a machine has
// its moments.
func (b *bench) climb(name, unit string, s measured, after time.Duration, rates []int, do func(n int, rate float64) *load.Result) (steps, error) {
	b.say("\n**%s**\n\n| %s | begun | failed | CPU of one | core busy | starved | p50 | p99 | |\n|---|---|---|---|---|---|---|---|---|\n", name, unit)
	var out steps
	for _, rate := range rates {
		var st step
		for try := 0; try < tries && !st.clean; try++ {
			b.note("%s: %d %s", name, rate, unit)
			var err error
			if st, err = b.pace(s, after, rate, do); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if out = append(out, st); !st.clean {
			break
		}
	}
	return out, nil
}

// tries is how often a rate is tried.
const tries = 2

// pace runs one rate and writes its row.
func (b *bench) pace(s measured, after time.Duration, rate int, do func(n int, rate float64) *load.Result) (step, error) {
	n := int(float64(rate) * b.seconds.Seconds())
	var r *load.Result
	cost, err := b.costOf(s, after, func() { r = do(n, float64(rate)) })
	if err != nil {
		return step{}, err
	}
	st := step{rate: rate, each: cost.CPU / time.Duration(max(r.Done, 1)), clean: r.Clean()}
	q := r.Delay.Quantiles(0.5, 0.99)
	took := (max(r.Took, b.seconds) + after).Seconds()
	b.say("| %d | %d of %d | %d | %s | %.0f %% | %.0f %% | %s | %s | %s |\n", rate, r.Begun, r.Wanted, r.Begun-r.Done,
		micros(st.each), 100*cost.CPU.Seconds()/took, 100*cost.Waited.Seconds()/took, short(q[0]), short(q[1]), verdict(r.Valid(), r.Clean()))
	return st, nil
}

// compare sets two climbs side by side at the highest rate that was clean in
// both. unit is what was raised; show writes the cost of one.
func (b *bench) compare(figure, unit, peer string, ours, theirs steps, show func(time.Duration) string) {
	for i := len(ours) - 1; i >= 0; i-- {
		o := ours[i]
		t, both := theirs.at(o.rate)
		if !o.clean || len(theirs) > 0 && !both {
			continue
		}
		at := fmt.Sprintf("%s at %d %s", figure, o.rate, unit)
		if !both {
			b.fact(at, show(o.each), "–", "–")
		} else {
			b.fact(at, show(o.each), peer+" "+show(t.each), fmt.Sprintf("**%.2f**", float64(o.each)/float64(t.each)))
		}
		break
	}
	most := "–"
	if len(theirs) > 0 {
		most = fmt.Sprintf("%s %d", peer, theirs.highest())
	}
	b.fact("highest clean rate of the tables below, "+unit, strconv.Itoa(ours.highest()), most, "")
}

// at finds the step of a rate, if it was clean and cost something.
func (s steps) at(rate int) (step, bool) {
	for _, st := range s {
		if st.rate == rate && st.clean && st.each > 0 {
			return st, true
		}
	}
	return step{}, false
}

// highest is the highest clean rate; 0: none.
func (s steps) highest() (rate int) {
	for _, st := range s {
		if st.clean {
			rate = st.rate
		}
	}
	return rate
}

// calls has the phones of one server register and call one another.
func (b *bench) calls(name string, s measured, server netip.AddrPort) (steps, error) {
	phones, err := load.NewPhones(b.phonesAt(), server)
	if err != nil {
		return nil, err
	}
	defer phones.Close()
	if err := b.introduce(name, phones, 2*b.pairs()); err != nil {
		return nil, err
	}
	return b.climb(name, "calls/s", s, callSettle, b.callRates, func(n int, rate float64) *load.Result {
		return phones.Call(b.pairs(), n, rate)
	})
}

// introduce registers the first n phones.
func (b *bench) introduce(name string, phones *load.Phones, n int) error {
	if err := phones.RegisterAll(n, gentle); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	time.Sleep(settle)
	return nil
}

// verdict is what a run is worth.
func verdict(valid, clean bool) string {
	switch {
	case !valid:
		return "**invalid**: the generator did not keep up"
	case !clean:
		return "not clean"
	}
	return "clean"
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func micros(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/1e3) }

// short is a delay as people read it.
func short(d time.Duration) string {
	if d < time.Millisecond {
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}
