package convert

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func tone(rate int, hz, amplitude float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

func resampler(t testing.TB, from, to int) *Resampler {
	t.Helper()
	r, err := new(Filters).Resampler(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// through sends pcm in packets of 20 ms from the first rate to each of the others.
func through(t *testing.T, pcm []int16, rates ...int) []int16 {
	t.Helper()
	for i := 1; i < len(rates); i++ {
		r, out := resampler(t, rates[i-1], rates[i]), []int16(nil)
		for per := rates[i-1] / 50; len(pcm) > 0; pcm = pcm[min(per, len(pcm)):] {
			out = r.Resample(out, pcm[:min(per, len(pcm))])
		}
		pcm = out
	}
	return pcm
}

// fit is the amplitude of a frequency and the noise beside it (root of the mean
// square), by least squares.
func fit(pcm []int16, rate int, hz float64) (amplitude, noise float64) {
	var re, im float64
	n := float64(len(pcm))
	for i, v := range pcm {
		a := 2 * math.Pi * hz * float64(i) / float64(rate)
		re, im = re+float64(v)*math.Cos(a)*2/n, im+float64(v)*math.Sin(a)*2/n
	}
	for i, v := range pcm {
		a := 2 * math.Pi * hz * float64(i) / float64(rate)
		d := float64(v) - re*math.Cos(a) - im*math.Sin(a)
		noise += d * d
	}
	return math.Hypot(re, im), math.Sqrt(noise / n)
}

// 1 kHz through 16, 8 and back to 16 kHz keeps 50 dB between signal and noise;
// so it does through every other pair.
func TestResamplerIsClean(t *testing.T) {
	for _, rates := range [][]int{{16000, 8000, 16000}, {8000, 16000, 8000}, {8000, 48000, 8000}, {48000, 16000, 48000}, {16000, 48000, 8000}, {48000, 8000, 48000}, {24000, 16000}, {12000, 48000}} {
		for _, hz := range []float64{300, 1000, 3000} {
			first, last := rates[0], rates[len(rates)-1]
			out := through(t, tone(first, hz, 12000, first), rates...)
			amplitude, noise := fit(out[last/5:last*9/10], last, hz)
			snr := 20 * math.Log10(amplitude/math.Sqrt2/noise)
			if snr < 50 || amplitude < 11700 || amplitude > 12300 {
				t.Errorf("%.0f Hz through %v: %.1f dB, %.0f of 12000", hz, rates, snr, amplitude)
			}
		}
	}
}

// What a lower rate cannot carry is gone: 5 kHz into 8 kHz is 50 dB down and
// nothing else is heard in its place.
func TestResamplerDoesNotFold(t *testing.T) {
	for _, c := range []struct {
		from, to int
		hz       float64
	}{{16000, 8000, 5000}, {16000, 8000, 7000}, {48000, 8000, 5000}, {48000, 16000, 9500}, {48000, 16000, 15000}, {48000, 8000, 20000}} {
		out := through(t, tone(c.from, c.hz, 12000, c.from), c.from, c.to)
		sum := 0.0
		for _, v := range out[c.to/10:] {
			sum += float64(v) * float64(v)
		}
		level := 10 * math.Log10(sum/float64(len(out)-c.to/10)/(12000*12000/2)+1e-12)
		if level > -50 {
			t.Errorf("%.0f Hz from %d to %d Hz is heard at %.1f dB", c.hz, c.from, c.to, level)
		}
	}
	// Nor are images made on the way up.
	out := through(t, tone(8000, 1000, 12000, 8000), 8000, 48000)
	if image, _ := fit(out[4800:43200], 48000, 7000); image > 12000/316.0 {
		t.Errorf("an image at 7 kHz with %.0f of 12000", image)
	}
}

// However the stream is cut, the same comes out, and as much as went in.
func TestResamplerStreams(t *testing.T) {
	for _, rates := range [][2]int{{8000, 16000}, {16000, 8000}, {48000, 16000}, {16000, 48000}, {24000, 16000}, {12000, 8000}} {
		pcm := tone(rates[0], 440, 9000, rates[0]*6/5)
		var whole, cut []int16
		a, b := resampler(t, rates[0], rates[1]), resampler(t, rates[0], rates[1])
		for rest := pcm; len(rest) > 0; rest = rest[min(len(rest), rates[0]/10):] {
			whole = a.Resample(whole, rest[:min(len(rest), rates[0]/10)])
		}
		for i, n := 0, 1; i < len(pcm); i, n = i+n, n%97+1 {
			n = min(n, len(pcm)-i)
			before := len(cut)
			cut = b.Resample(cut, pcm[i:i+n])
			if got := len(cut) - before; got > b.Longest(n) {
				t.Fatalf("%v: %d samples of %d, Longest says %d", rates, got, n, b.Longest(n))
			}
		}
		if len(whole) != rates[1]*6/5 || fmt.Sprint(whole) != fmt.Sprint(cut) {
			t.Errorf("%v: %d samples, want %d, and the same in pieces", rates, len(whole), rates[1]*6/5)
		}
		a.Reset()
		if again := a.Resample(nil, pcm[:rates[0]/10]); fmt.Sprint(again) != fmt.Sprint(whole[:len(again)]) {
			t.Errorf("%v: after Reset the beginning differs", rates)
		}
	}
}

// The loudest sound is clipped, not turned round.
func TestResamplerSaturates(t *testing.T) {
	square := make([]int16, 16000)
	for i := range square {
		square[i] = int16(math.MaxInt16 - 65535*(i/20&1))
	}
	out := through(t, square, 16000, 48000)
	for i := 1000; i < len(out)-1; i++ {
		if d := int(out[i]) - int(out[i-1]); d > 40000 || d < -40000 {
			t.Fatalf("a leap of %d at %d", d, i)
		}
	}
}

func TestResamplerShape(t *testing.T) {
	if _, err := new(Filters).Resampler(44100, 8000); err == nil {
		t.Error("44.1 kHz is none of telephony")
	}
	same := resampler(t, 8000, 8000)
	if got := same.Resample(nil, []int16{1, 2}); len(got) != 2 || same.Latency() != 0 {
		t.Errorf("%v", got)
	}
	for _, c := range []struct{ from, to int }{{8000, 16000}, {16000, 8000}, {48000, 16000}, {8000, 48000}} {
		r := resampler(t, c.from, c.to)
		if l := r.Latency(); l < time.Millisecond || l > 2500*time.Microsecond {
			t.Errorf("%d to %d: latency %v", c.from, c.to, l)
		}
		in, out := make([]int16, c.from/50), make([]int16, 0, c.to/50+1)
		if n := testing.AllocsPerRun(50, func() { out = r.Resample(out[:0], in) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
	long := resampler(t, 8000, 16000)
	if got := long.Resample(nil, make([]int16, 8000)); len(got) != 1920 {
		t.Errorf("of a second %d samples are made, want 120 ms", len(got))
	}
}

func BenchmarkResample(b *testing.B) {
	for _, c := range []struct{ from, to int }{{8000, 16000}, {16000, 8000}, {48000, 16000}} {
		b.Run(fmt.Sprintf("%d to %d", c.from, c.to), func(b *testing.B) {
			r, in, out := resampler(b, c.from, c.to), tone(c.from, 1000, 9000, c.from/50), make([]int16, 0, c.to/50+1)
			b.ReportAllocs()
			for b.Loop() {
				out = r.Resample(out[:0], in)
			}
		})
	}
}
