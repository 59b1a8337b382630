package convert

import (
	"math"
	"time"
)

// What is made up in place of lost sound keeps its level for a while and is gone
// when nobody would believe it any more.
const (
	concealFull = 20 * time.Millisecond
	concealHalf = 60 * time.Millisecond
	concealEnd  = 120 * time.Millisecond
)

// Pitch of voices: 66 to 400 Hz.
const (
	shortestPitch = 2500 * time.Microsecond
	longestPitch  = 15 * time.Millisecond
)

// concealer makes up for lost sound by going on with the last period of the
// voice (in the manner of ITU-T G.711 appendix I), at any rate and for stretches
// of any length.
type concealer struct {
	rate    int
	history []int16 // the last three of the longest periods
	blend   int     // samples over which made-up and real sound change places
	lost    int     // samples made up so far; 0: none
	period  int
	cycle   []int16 // the period that is repeated
	scratch []int16
}

func newConcealer(rate int) *concealer {
	most := samples(rate, longestPitch)
	return &concealer{
		rate: rate, history: make([]int16, 3*most), blend: samples(rate, 5*time.Millisecond), cycle: make([]int16, most),
		scratch: make([]int16, samples(rate, 5*time.Millisecond)),
	}
}

// good takes real sound, and smooths the way back to it where some was made up.
func (c *concealer) good(pcm []int16) {
	if c.lost > 0 {
		n := min(c.blend, len(pcm))
		c.fill(c.scratch[:n])
		for i := range n {
			pcm[i] = int16((int(c.scratch[i])*(n-i) + int(pcm[i])*i) / n)
		}
		c.lost = 0
	}
	c.remember(pcm)
}

// remember keeps the end of what was played.
func (c *concealer) remember(pcm []int16) {
	if len(pcm) >= len(c.history) {
		copy(c.history, pcm[len(pcm)-len(c.history):])
		return
	}
	copy(c.history, c.history[len(pcm):])
	copy(c.history[len(c.history)-len(pcm):], pcm)
}

// conceal makes sound up.
func (c *concealer) conceal(pcm []int16) {
	if c.lost == 0 {
		c.begin()
	}
	c.fill(pcm)
	c.remember(pcm)
}

// begin finds the period, and makes its end flow into its beginning.
func (c *concealer) begin() {
	h := c.history
	c.period, _ = pitch(h, samples(c.rate, shortestPitch), samples(c.rate, longestPitch))
	copy(c.cycle[:c.period], h[len(h)-c.period:])
	n := c.period / 4
	for i := range n {
		// What came a period earlier leads up to the same place.
		before := int(h[len(h)-c.period-n+i])
		at := c.period - n + i
		c.cycle[at] = int16((int(c.cycle[at])*(n-i) + before*i) / n)
	}
}

// fill goes on with the period at the level that is left.
func (c *concealer) fill(pcm []int16) {
	for i := range pcm {
		pcm[i] = int16(float64(c.cycle[c.lost%c.period]) * c.level())
		c.lost++
	}
}

// level falls slowly to a half and then to nothing.
func (c *concealer) level() float64 {
	at := time.Duration(c.lost) * time.Second / time.Duration(c.rate)
	switch {
	case at < concealFull:
		return 1
	case at < concealHalf:
		return 1 - 0.5*float64(at-concealFull)/float64(concealHalf-concealFull)
	case at < concealEnd:
		return 0.5 * float64(concealEnd-at) / float64(concealEnd-concealHalf)
	}
	return 0
}

// pitch is the lag at which the end of x is most like what came before, and how
// alike they are (1: the same). x is at least three of the longest lags.
func pitch(x []int16, least, most int) (lag int, likeness float64) {
	n := most // how much is compared
	end := x[len(x)-n:]
	step := max(1, least/20) // coarse first: every sample of a few kHz
	best := math.Inf(-1)
	search := func(from, to, by, skip int) {
		for l := from; l <= to; l += by {
			var product, energy float64
			old := x[len(x)-n-l:]
			for i := 0; i < n; i += skip {
				product += float64(end[i]) * float64(old[i])
				energy += float64(old[i]) * float64(old[i])
			}
			if score := product / math.Sqrt(energy+1); score > best {
				best, lag = score, l
			}
		}
	}
	lag = least
	search(least, most, step, step)
	if step > 1 {
		near := lag
		best = math.Inf(-1)
		search(max(least, near-step), min(most, near+step), 1, 1)
	}
	var energy float64
	for _, v := range end {
		energy += float64(v) * float64(v)
	}
	if step > 1 || energy > 0 {
		likeness = best / math.Sqrt(energy+1)
	}
	return lag, likeness
}
