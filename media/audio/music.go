package audio

import (
	"math"
	"sync"
)

// musicRate is high enough for wideband phones; narrowband ones get it resampled.
const musicRate = 16000

// The piece: twelve bars of four beats at 84 beats a minute, each a chord that is
// broken into eighths over a sustained bass. It is our own, so that nobody owes
// anybody for hearing it, and quiet and even, so that codecs and people bear it
// for minutes.
const (
	musicBeat  = 60.0 / 84
	musicBars  = 12
	musicLevel = 0.055 // of full scale per note: about -24 dBFS together
)

// chords are MIDI notes: the bass, then what is broken above it.
func chords() [][]int {
	c := []int{48, 60, 64, 67, 72}
	am := []int{45, 60, 64, 69, 72}
	f := []int{41, 60, 65, 69, 72}
	g := []int{43, 59, 62, 67, 74}
	em := []int{40, 59, 64, 67, 71}
	dm := []int{50, 57, 62, 65, 69}
	return [][]int{c, em, f, g, c, am, dm, g, f, em, dm, g}
}

var music = sync.OnceValue(func() *Clip { return NewClip(PCM{Rate: musicRate, Channels: 1, Samples: compose()}) })

// Music is the built-in music on hold, a seamless loop of about half a minute. It
// is composed at the first call and shared by everybody who hears it.
func Music() *Clip { return music() }

func compose() []int16 {
	bar := int(math.Round(4 * musicBeat * musicRate))
	mix := make([]float64, bar*musicBars)
	order := []int{1, 2, 3, 4, 3, 2, 3, 2} // up and down the chord, in eighths
	for b, chord := range chords() {
		strike(mix, b*bar, chord[0], 4*musicBeat, 1.2)
		for i, n := range order {
			strike(mix, b*bar+i*bar/len(order), chord[n], 1.6, 1)
		}
	}
	out := make([]int16, len(mix))
	for i, v := range mix {
		out[i] = int16(math.Round(32767 * math.Tanh(v)))
	}
	return out
}

// strike adds one plucked note of so many seconds; what rings beyond the end
// goes on at the beginning, so that the loop has no seam.
func strike(mix []float64, at, note int, seconds, loud float64) {
	hz := 440 * math.Pow(2, float64(note-69)/12)
	n := int(seconds * 1.5 * musicRate)
	for i := range n {
		t := float64(i) / musicRate
		attack := math.Min(1, t/0.012)
		decay := math.Exp(-3 * t / seconds)
		release := math.Min(1, float64(n-i)/(0.05*musicRate))
		w := 2 * math.Pi * hz * t
		v := math.Sin(w) + 0.35*math.Sin(2*w) + 0.12*math.Sin(3*w)
		mix[(at+i)%len(mix)] += musicLevel * loud * attack * decay * release * v
	}
}
