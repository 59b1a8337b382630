package convert

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// lobes is how many zero crossings of the sinc lie to either side: enough, with
// the window below, to keep what would fold back 70 dB down.
const lobes = 16

// passband is the part of the narrower band that is kept; the rest is the slope
// of the filter. In telephony nothing is above 3.4 of 4 kHz.
const passband = 0.92

// kaiser is the shape of the window, for 80 dB.
const kaiser = 7.86

// Resampler turns a stream of samples into one of another rate by a polyphase
// filter. It is not safe for concurrent use, and never allocates once made.
type Resampler struct {
	from, to int
	bank     *bank
	history  []int16 // taps-1 samples of before, then the input
	phase    int     // of the next sample of output, in steps of 1/up
}

// bank is the filter of a pair of rates, shared by all who convert it.
type bank struct {
	up, down int
	taps     int
	weights  [][]float32 // for each phase
}

// maxInput is how long the input is at a time, so that history is bounded.
const maxInput = 120 * time.Millisecond

// Filters computes the filters of each pair of rates once and hands them out. It
// may be used from any goroutine; the zero value is ready.
type Filters struct {
	mu    sync.Mutex
	banks map[[2]int]*bank
}

// Resampler is one from a rate to another, in Hz. The error says that a rate is
// none of telephony: 8, 12, 16, 24 or 48 kHz.
func (f *Filters) Resampler(from, to int) (*Resampler, error) {
	if !usual(from) || !usual(to) {
		return nil, fmt.Errorf("convert: no resampling from %d to %d Hz", from, to)
	}
	r := &Resampler{from: from, to: to}
	if from == to {
		return r, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.banks[[2]int{from, to}]
	if b == nil {
		b = newBank(from, to)
		if f.banks == nil {
			f.banks = map[[2]int]*bank{}
		}
		f.banks[[2]int{from, to}] = b
	}
	r.bank = b
	r.history = make([]int16, b.taps-1, b.taps-1+samples(from, maxInput))
	return r, nil
}

func usual(rate int) bool {
	switch rate {
	case 8000, 12000, 16000, 24000, 48000:
		return true
	}
	return false
}

// samples is how many last for d.
func samples(rate int, d time.Duration) int {
	return int(int64(rate) * int64(d) / int64(time.Second))
}

// newBank designs a windowed sinc. Each phase is normalised by itself, so that a
// constant stays what it is.
func newBank(from, to int) *bank {
	g := gcd(from, to)
	b := &bank{up: to / g, down: from / g}
	cutoff := passband * math.Min(1, float64(to)/float64(from)) // of half the input rate
	half := int(math.Ceil(lobes / cutoff))
	b.taps = 2 * half
	b.weights = make([][]float32, b.up)
	for phase := range b.weights {
		w := make([]float64, b.taps)
		sum := 0.0
		for i := range w {
			// The newest sample is last; output lies half a filter before it.
			x := float64(i-half+1) - float64(phase)/float64(b.up)
			w[i] = window(x/float64(half)) * sinc(cutoff*x)
			sum += w[i]
		}
		b.weights[phase] = make([]float32, b.taps)
		for i := range w {
			b.weights[phase][i] = float32(w[i] / sum)
		}
	}
	return b
}

// Latency is how much later sound comes out than it went in: half the filter's
// length, 2.25 ms where 8 kHz is the lower rate and 1.1 ms where 16 kHz is.
func (r *Resampler) Latency() time.Duration {
	if r.bank == nil {
		return 0
	}
	return time.Duration(r.bank.taps/2) * time.Second / time.Duration(r.from)
}

// Longest is how many samples Resample makes of n at most.
func (r *Resampler) Longest(n int) int { return (n*r.to)/r.from + 1 }

// Resample appends in at the other rate to out, whose capacity must suffice
// (Longest), and returns it. in is at most 120 ms long; of more the rest is left
// out. Over time exactly as much comes out as goes in.
func (r *Resampler) Resample(out, in []int16) []int16 {
	if r.bank == nil {
		return append(out, in...)
	}
	b := r.bank
	keep := b.taps - 1
	in = in[:min(len(in), cap(r.history)-keep)]
	x := append(r.history[:keep], in...)
	at := 0 // input the next output is made up to
	for {
		at += r.phase / b.up
		r.phase %= b.up
		if at >= len(in) {
			break
		}
		out = append(out, dot(x[at:at+b.taps], b.weights[r.phase]))
		r.phase += b.down
	}
	r.phase += (at - len(in)) * b.up
	copy(x, x[len(in):])
	return out
}

// Reset forgets what came before.
func (r *Resampler) Reset() {
	clear(r.history)
	r.phase = 0
}

// dot is four sums at a time, which the processor adds side by side.
func dot(x []int16, w []float32) int16 {
	var a, b, c, d float32
	x = x[:len(w)]
	for len(w) >= 4 {
		a += float32(x[0]) * w[0]
		b += float32(x[1]) * w[1]
		c += float32(x[2]) * w[2]
		d += float32(x[3]) * w[3]
		x, w = x[4:], w[4:]
	}
	for i, v := range w {
		a += float32(x[i]) * v
	}
	sum := a + b + c + d
	switch {
	case sum >= math.MaxInt16:
		return math.MaxInt16
	case sum <= math.MinInt16:
		return math.MinInt16
	case sum < 0:
		return int16(sum - 0.5)
	}
	return int16(sum + 0.5)
}

// window is Kaiser's, of a place from -1 to 1.
func window(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(kaiser*math.Sqrt(1-x*x)) / bessel(kaiser)
}

// bessel is the modified Bessel function of the first kind and order zero.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x / (2 * k) * (x / (2 * k))
		sum += term
	}
	return sum
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
