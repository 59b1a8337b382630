package audio

import (
	"math"
	"time"
)

// PCM is linear sound in memory.
type PCM struct {
	Rate     int     // samples per second and channel
	Channels int     // 1 or 2
	Samples  []int16 // interleaved
}

// Duration is how long p lasts.
func (p PCM) Duration() time.Duration {
	if p.Rate <= 0 || p.Channels <= 0 {
		return 0
	}
	return time.Duration(len(p.Samples)/p.Channels) * time.Second / time.Duration(p.Rate)
}

// Mono is the mean of all channels; p itself when it has one.
func (p PCM) Mono() PCM {
	if p.Channels <= 1 {
		return p
	}
	out := make([]int16, len(p.Samples)/p.Channels)
	for i := range out {
		sum := 0
		for c := range p.Channels {
			sum += int(p.Samples[i*p.Channels+c])
		}
		out[i] = int16(sum / p.Channels)
	}
	return PCM{Rate: p.Rate, Channels: 1, Samples: out}
}

// Channel is one channel of p alone, counted from 0; the left one of a stereo
// recording is 0. It is silent when p has no such channel.
func (p PCM) Channel(n int) PCM {
	out := PCM{Rate: p.Rate, Channels: 1}
	if n < 0 || n >= p.Channels {
		return out
	}
	for i := n; i < len(p.Samples); i += p.Channels {
		out.Samples = append(out.Samples, p.Samples[i])
	}
	return out
}

// Resample is mono sound at another rate, low-passed below half of the lower of
// the two. It is meant for files; it takes about 5 ms for a second of sound.
func (p PCM) Resample(rate int) PCM {
	if p.Rate == rate || p.Rate <= 0 || rate <= 0 {
		return p
	}
	p = p.Mono()
	f := newFilter(p.Rate, rate)
	n := int(int64(len(p.Samples)) * int64(rate) / int64(p.Rate))
	out := PCM{Rate: rate, Channels: 1, Samples: make([]int16, n)}
	for i := range out.Samples {
		out.Samples[i] = f.at(p.Samples, i)
	}
	return out
}

// filter is a windowed sinc in polyphase form: one set of taps for each of the
// positions an output sample can have between two input samples.
type filter struct {
	up, down int // output step of down/up input samples
	half     int // taps to either side
	taps     [][]float64
}

// lobes is the number of zero crossings to either side of the sinc: enough for
// 70 dB against what would fold back.
const lobes = 16

func newFilter(from, to int) *filter {
	g := gcd(from, to)
	f := &filter{up: to / g, down: from / g}
	cutoff := 0.94 * math.Min(1, float64(to)/float64(from)) // of half the input rate
	f.half = int(math.Ceil(lobes / cutoff))
	f.taps = make([][]float64, f.up)
	for phase := range f.taps {
		f.taps[phase] = phaseTaps(f.half, float64(phase)/float64(f.up), cutoff)
	}
	return f
}

// phaseTaps are the weights of the samples around a point that lies the given
// fraction behind sample 0, normalised so that a constant stays what it is.
func phaseTaps(half int, fraction, cutoff float64) []float64 {
	taps := make([]float64, 2*half)
	sum := 0.0
	for i := range taps {
		x := float64(i-half+1) - fraction
		w := 0.5 + 0.5*math.Cos(math.Pi*x/float64(half+1))
		taps[i] = w * sinc(cutoff*x)
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	return taps
}

func (f *filter) at(in []int16, i int) int16 {
	pos := int64(i) * int64(f.down)
	base, phase := int(pos/int64(f.up)), int(pos%int64(f.up))
	sum := 0.0
	for k, w := range f.taps[phase] {
		if j := base + k - f.half + 1; j >= 0 && j < len(in) {
			sum += w * float64(in[j])
		}
	}
	return clamp(sum)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func clamp(x float64) int16 {
	return int16(math.Round(math.Max(math.MinInt16, math.Min(math.MaxInt16, x))))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
