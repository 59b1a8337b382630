package mediatest

import (
	"math"

	"klapka.dev/klapka/media/audio"
)

// Sound is looked at in windows of 100 ms, half overlapping: short enough that a
// jitter buffer's jump in the middle of a second does not make a tone cancel
// itself, long enough to tell tones 80 Hz apart.
const (
	windowsPerSecond = 10
	binWidth         = windowsPerSecond // Hz between orthogonal frequencies
	sideBins         = 3                // a Hann window's tone lies within so many
	silence          = -120             // dBFS of nothing at all
)

// spectrum is a stretch of sound, windowed.
type spectrum struct {
	rate    int
	windows [][]float64
	total   float64 // energy of all windows
}

func newSpectrum(p audio.PCM) spectrum {
	s := spectrum{rate: p.Rate}
	n := p.Rate / windowsPerSecond
	for from := 0; n > 0 && from+n <= len(p.Samples); from += n / 2 {
		w := make([]float64, n)
		for i := range w {
			hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n))
			w[i] = hann * float64(p.Samples[from+i]) / math.MaxInt16
			s.total += w[i] * w[i]
		}
		s.windows = append(s.windows, w)
	}
	return s
}

// at is the energy within 30 Hz of hz, on the scale of total.
func (s spectrum) at(hz float64) float64 {
	sum := 0.0
	for _, w := range s.windows {
		for k := -sideBins; k <= sideBins; k++ {
			sum += 2 * goertzel(w, (hz+float64(k*binWidth))/float64(s.rate)) / float64(len(w))
		}
	}
	return math.Min(sum, s.total)
}

// clearance is how many dB the tone stands above everything else together.
func (s spectrum) clearance(hz float64) float64 {
	tone := s.at(hz)
	return decibel(tone, s.total-tone)
}

// level is that of the whole in dBFS, where a full-scale sine is 0.
func (s spectrum) level() float64 {
	const hannPower, sinePower = 3.0 / 8, 1.0 / 2
	n := 0
	for _, w := range s.windows {
		n += len(w)
	}
	return math.Max(silence, decibel(s.total, float64(n)*hannPower*sinePower))
}

// goertzel is |X|² of w at a frequency given in cycles per sample.
func goertzel(w []float64, f float64) float64 {
	c := 2 * math.Cos(2*math.Pi*f)
	var a, b float64
	for _, x := range w {
		a, b = x+c*a-b, a
	}
	return a*a + b*b - c*a*b
}

// decibel is the ratio of two energies, kept finite.
func decibel(a, b float64) float64 {
	const least = 1e-12
	return 10 * math.Log10(math.Max(a, least)/math.Max(b, least))
}

// Tone is the loudest frequency of a stretch of sound.
type Tone struct {
	Hz        float64 // to about 1 Hz
	Level     float64 // dBFS of all the sound; a full-scale sine is 0
	Clearance float64 // dB it stands above everything else together
}

// FindTone finds the strongest frequency between 100 Hz and 3.8 kHz. Of silence,
// or of less than 100 ms, the Tone is zero but for a level of -120 dBFS.
func FindTone(p audio.PCM) Tone {
	s := newSpectrum(p.Mono())
	if s.total < 1e-9 {
		return Tone{Level: silence}
	}
	best, most := 0.0, 0.0
	for hz := 100.0; hz <= 3800 && hz < float64(s.rate)/2; hz += binWidth {
		if e := s.single(hz); e > most {
			best, most = hz, e
		}
	}
	for step := binWidth / 2.0; step >= 0.5; step /= 2 {
		for _, hz := range []float64{best - step, best + step} {
			if e := s.single(hz); e > most {
				best, most = hz, e
			}
		}
	}
	return Tone{Hz: best, Level: s.level(), Clearance: s.clearance(best)}
}

// single is the energy of one frequency alone.
func (s spectrum) single(hz float64) float64 {
	sum := 0.0
	for _, w := range s.windows {
		sum += goertzel(w, hz/float64(s.rate))
	}
	return sum
}
