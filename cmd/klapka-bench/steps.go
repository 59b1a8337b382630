//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"time"

	"klapka.dev/klapka/cmd/klapka-bench/load"
)

// step is one rate of a climb.
type step struct {
	rate  int
	each  time.Duration // CPU of one
	clean bool
}

// steps are a climb, in the order of rates.
type steps []step

// climb raises the rate until it is too high for the subject or the generator,
// and writes a table.
func (b *bench) climb(name, unit string, s measured, after time.Duration, rates []int, do func(n int, rate float64) *load.Result) (steps, error) {
	b.say("\n**%s**\n\n| %s | begun | failed | CPU of one | core busy | p50 | p99 | |\n|---|---|---|---|---|---|---|---|\n", name, unit)
	var out steps
	for _, rate := range rates {
		b.note("%s: %d %s", name, rate, unit)
		n := int(float64(rate) * b.seconds.Seconds())
		var r *load.Result
		cpu, err := b.costOf(s, after, func() { r = do(n, float64(rate)) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		st := step{rate: rate, each: cpu / time.Duration(max(r.Done, 1)), clean: r.Clean()}
		out = append(out, st)
		q := r.Delay.Quantiles(0.5, 0.99)
		b.say("| %d | %d of %d | %d | %s | %.0f %% | %s | %s | %s |\n", rate, r.Begun, r.Wanted, r.Begun-r.Done,
			micros(st.each), 100*cpu.Seconds()/max(r.Took, b.seconds).Seconds(), short(q[0]), short(q[1]), verdict(r.Valid(), r.Clean()))
		if !st.clean {
			break
		}
	}
	return out, nil
}

// ratio compares two climbs at the highest rate that was clean in both.
func (b *bench) ratio(peer string, ours, theirs steps) {
	for i := min(len(ours), len(theirs)) - 1; i >= 0; i-- {
		if o, t := ours[i], theirs[i]; o.clean && t.clean && t.each > 0 {
			b.say("\nAt %d/s, Klapka : %s = %s : %s = **%.2f**. Clean up to %d/s and %d/s.\n", o.rate, peer,
				micros(o.each), micros(t.each), float64(o.each)/float64(t.each), ours.highest(), theirs.highest())
			return
		}
	}
	b.say("\nNo rate was clean in both, so there is no ratio.\n")
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
