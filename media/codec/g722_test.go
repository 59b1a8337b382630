package codec

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	reference "github.com/gotranspile/g722"

	"klapka.dev/klapka/media/sdp"
)

var wideband = sdp.Codec{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1}

// speechLike is a voice's harmonics under a moving envelope, with pauses.
func speechLike(rate, samples int, level float64) []int16 {
	r := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, samples)
	for i := range pcm {
		t := float64(i) / float64(rate)
		pitch := 110 + 30*math.Sin(2*math.Pi*0.7*t)
		v := 0.0
		for h := 1; float64(h)*pitch < 0.45*float64(rate) && h < 40; h++ {
			v += math.Sin(2*math.Pi*float64(h)*110*t+math.Sin(float64(h))) / float64(h) * (1 + math.Cos(float64(h)*t))
		}
		envelope := math.Max(0, math.Sin(2*math.Pi*3*t)) * (0.5 + 0.5*math.Sin(2*math.Pi*0.31*t))
		pcm[i] = clip(level * (v*envelope + 0.01*r.NormFloat64()))
	}
	return pcm
}

func noise(samples int, level float64) []int16 {
	r := rand.New(rand.NewPCG(3, 4))
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = clip(level * r.NormFloat64())
	}
	return pcm
}

func clip(v float64) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }

func g722Signals() map[string][]int16 {
	square, edge := make([]int16, 16000), make([]int16, 16000)
	for i := range square {
		square[i] = int16(math.MaxInt16 - 65535*(i/9&1))
		edge[i] = int16(math.MinInt16 * (i & 1))
	}
	return map[string][]int16{
		"silence": make([]int16, 3200), "speech": speechLike(16000, 48000, 6000), "loud speech": speechLike(16000, 32000, 40000),
		"noise": noise(32000, 3000), "overload": noise(32000, 60000), "square": square, "highest tone": edge,
	}
}

// What a phone hears of us is what every other G.722 makes of the same sound.
func TestG722EncoderIsBitExact(t *testing.T) {
	for name, pcm := range g722Signals() {
		want := make([]byte, len(pcm)/2)
		reference.NewEncoder(reference.Rate64000, 0).Encode(want, pcm)
		for _, frame := range []int{320, 160, 958, len(pcm)} { // however it is cut into packets
			c, got := newG722(wideband), make([]byte, 0, len(pcm)/2)
			for at := 0; at < len(pcm); at += frame {
				b := make([]byte, frame)
				n, err := c.Encode(b, pcm[at:min(at+frame, len(pcm))])
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, b[:n]...)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s in frames of %d differs from the reference", name, frame)
			}
		}
	}
}

// What we hear of a phone is what it meant; where the reference wraps around at
// overload, which is heard as a crack, we stay at the limit.
func TestG722DecoderIsBitExact(t *testing.T) {
	signals := g722Signals()
	for name, pcm := range signals {
		payload := make([]byte, len(pcm)/2)
		reference.NewEncoder(reference.Rate64000, 0).Encode(payload, pcm)
		decodesAlike(t, name, payload)
	}
	garbage := make([]byte, 40000)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range garbage {
		garbage[i] = byte(r.Uint32())
	}
	decodesAlike(t, "garbage", garbage)
}

func decodesAlike(t *testing.T, name string, payload []byte) {
	t.Helper()
	want, got := make([]int16, 2*len(payload)), make([]int16, 2*len(payload))
	reference.NewDecoder(reference.Rate64000, 0).Decode(want, payload)
	if n, err := newG722(wideband).Decode(got, payload); err != nil || n != len(got) {
		t.Fatalf("%s: %d samples, %v", name, n, err)
	}
	for i := range got {
		saturated := got[i] == math.MaxInt16 || got[i] == math.MinInt16
		if got[i] != want[i] && !saturated {
			t.Fatalf("%s: sample %d is %d, the reference has %d", name, i, got[i], want[i])
		}
	}
}

// The wide band is really carried: a tone of 6 kHz, which no narrowband codec
// has, comes back as loud as it went.
func TestG722CarriesTheWideBand(t *testing.T) {
	for _, hz := range []float64{300, 1000, 3000, 6000} {
		c, pcm := newG722(wideband), make([]int16, 16000)
		for i := range pcm {
			pcm[i] = int16(10000 * math.Sin(2*math.Pi*hz*float64(i)/g722Rate))
		}
		payload, heard := make([]byte, 8000), make([]int16, 16000)
		if _, err := c.Encode(payload, pcm); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(heard, payload); err != nil {
			t.Fatal(err)
		}
		if ratio := loudness(heard[1600:], hz, g722Rate) / loudness(pcm[1600:], hz, g722Rate); ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%.0f Hz comes back %.2f times as loud", hz, ratio)
		}
	}
}

// loudness is the amplitude of one frequency.
func loudness(pcm []int16, hz float64, rate int) float64 {
	var re, im float64
	for i, v := range pcm {
		a := 2 * math.Pi * hz * float64(i) / float64(rate)
		re, im = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

func TestG722Shape(t *testing.T) {
	c, err := New(wideband)
	if err != nil || c.Rate() != 16000 || c.Format() != wideband {
		t.Fatalf("%v, %v", c, err)
	}
	pcm, payload := make([]int16, 320), make([]byte, 160)
	if n, _ := c.Encode(payload, pcm); n != 160 {
		t.Errorf("20 ms are %d bytes, want 160 (RFC 3551 §4.5.2)", n)
	}
	if n, _ := c.Encode(payload, pcm[:7]); n != 3 {
		t.Errorf("seven samples are %d bytes, want 3", n)
	}
	allocs := testing.AllocsPerRun(100, func() {
		_, _ = c.Encode(payload, pcm)
		_, _ = c.Decode(pcm, payload)
	})
	if allocs != 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
	if _, err := c.Encode(payload[:159], pcm); err == nil {
		t.Error("a short buffer was encoded to")
	}
	if _, err := c.Decode(pcm[:319], payload); err == nil {
		t.Error("a short buffer was decoded to")
	}
}

func BenchmarkG722(b *testing.B) {
	c, pcm, payload := newG722(wideband), speechLike(16000, 16000, 6000), make([]byte, 160)
	for name, step := range map[string]func(i int){
		"encode": func(i int) { _, _ = c.Encode(payload, pcm[i*320:i*320+320]) },
		"decode": func(int) { _, _ = c.Decode(pcm[:320], payload) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				step(i % 50)
				i++
			}
		})
	}
}
