package audio

import (
	"math"
	"time"
)

// Tones of the European plan (ITU-T E.180 supplement 2): 425 Hz, told apart by
// their cadence. 16 dB below full scale is what exchanges send.
const (
	toneFrequency = 425
	toneLevel     = -16
	toneRate      = 8000
	toneRamp      = 5 * time.Millisecond // without it each edge clicks
)

// Ringback is one period of the tone a caller hears while the other side rings:
// 1 s on, 4 s off. Loop it; make it once and share it.
func Ringback() *Clip { return NewTone(toneFrequency, toneLevel, time.Second, 4*time.Second) }

// Busy is one period of the tone of an engaged party: 0.5 s on, 0.5 s off.
func Busy() *Clip {
	return NewTone(toneFrequency, toneLevel, 500*time.Millisecond, 500*time.Millisecond)
}

// Congestion is one period of the tone of a call that cannot be put through:
// 0.25 s on, 0.25 s off.
func Congestion() *Clip {
	return NewTone(toneFrequency, toneLevel, 250*time.Millisecond, 250*time.Millisecond)
}

// NewTone is a sine of hz at level dBFS (0: a full-scale sine) in the given
// cadence: on, off, on, off …; a single duration is a tone without a pause.
func NewTone(hz, level float64, cadence ...time.Duration) *Clip {
	p := PCM{Rate: toneRate, Channels: 1}
	for i, d := range cadence {
		n := int(d * toneRate / time.Second)
		if i%2 == 1 {
			p.Samples = append(p.Samples, make([]int16, n)...)
			continue
		}
		p.Samples = append(p.Samples, burst(hz, level, n, len(cadence) > 1)...)
	}
	return NewClip(p)
}

func burst(hz, level float64, n int, soft bool) []int16 {
	out := make([]int16, n)
	amplitude := math.MaxInt16 * math.Pow(10, level/20)
	ramp := float64(toneRamp * toneRate / time.Second)
	for i := range out {
		gain := amplitude
		if soft {
			edge := math.Min(float64(i), float64(n-1-i))
			gain *= math.Min(1, edge/ramp)
		}
		out[i] = clamp(gain * math.Sin(2*math.Pi*hz*float64(i)/toneRate))
	}
	return out
}
