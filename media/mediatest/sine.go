package mediatest

import (
	"math"
	"os"
	"time"

	"klapka.dev/klapka/media/audio"
)

// Sine is a tone of hz at level dBFS (0: a full-scale sine) for d, mono.
func Sine(rate int, hz, level float64, d time.Duration) audio.PCM {
	n := int(int64(rate) * int64(d) / int64(time.Second))
	p := audio.PCM{Rate: rate, Channels: 1, Samples: make([]int16, n)}
	amplitude := math.MaxInt16 * math.Pow(10, level/20)
	for i := range p.Samples {
		p.Samples[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return p
}

// WriteSine writes such a tone to a WAV file, for phones that play one. The error
// is that of the file.
func WriteSine(path string, rate int, hz, level float64, d time.Duration) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := audio.WriteWAV(f, Sine(rate, hz, level, d)); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
