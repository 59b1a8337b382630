package audio

import (
	"math"
	"testing"
	"time"
)

// Y-94: the music is neither silent nor shrill anywhere, fits a telephone, and
// ends where it begins.
func TestMusic(t *testing.T) {
	c := Music()
	if d := c.Duration(); d < 25*time.Second || d > 45*time.Second {
		t.Errorf("the loop lasts %v", d)
	}
	p := c.pcm
	for at := 0; at+p.Rate/2 <= len(p.Samples); at += p.Rate / 2 {
		sum, peak := 0.0, 0.0
		for _, s := range p.Samples[at : at+p.Rate/2] {
			v := float64(s) / 32768
			sum += v * v
			peak = math.Max(peak, math.Abs(v))
		}
		level := 10 * math.Log10(sum/float64(p.Rate/2))
		if level < -34 || level > -15 || peak > 0.8 {
			t.Errorf("at %.1f s: %.1f dBFS, peak %.2f", float64(at)/float64(p.Rate), level, peak)
		}
	}
	if step := math.Abs(float64(p.Samples[0]) - float64(p.Samples[len(p.Samples)-1])); step > 1500 {
		t.Errorf("the seam jumps by %.0f", step)
	}
}
