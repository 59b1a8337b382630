package codec

import (
	"errors"
	"math"
	"testing"
	"time"

	"klapka.dev/klapka/media/sdp"
)

func laws(t testing.TB) map[string]Codec {
	t.Helper()
	out := map[string]Codec{}
	for _, f := range sdp.DefaultCodecs() {
		if f.Name != sdp.PCMA && f.Name != sdp.PCMU {
			continue
		}
		c, err := New(f)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		out[f.Name] = c
	}
	return out
}

// Published values of ITU-T G.711: the payload bytes of silence and of the
// loudest sounds, so that a phone of any maker hears what was said.
func TestG711KnownBytes(t *testing.T) {
	cases := []struct {
		law    string
		sample int16
		want   byte
	}{
		{sdp.PCMA, 0, SilenceALaw}, {sdp.PCMA, 32767, 0xAA}, {sdp.PCMA, -32768, 0x2A}, {sdp.PCMA, -1, 0x55},
		{sdp.PCMU, 0, SilenceMuLaw}, {sdp.PCMU, 32767, 0x80}, {sdp.PCMU, -32768, 0x00},
	}
	cs := laws(t)
	for _, c := range cases {
		dst := make([]byte, 1)
		if _, err := cs[c.law].Encode(dst, []int16{c.sample}); err != nil || dst[0] != c.want {
			t.Errorf("%s of %d is %#02x, %v; want %#02x", c.law, c.sample, dst[0], err, c.want)
		}
	}
}

// Both laws keep about 38 dB between speech and the noise they add, and decoding
// what was encoded twice changes nothing further.
func TestG711RoundTrip(t *testing.T) {
	for name, c := range laws(t) {
		pcm := make([]int16, 8000)
		for i := range pcm {
			pcm[i] = int16(12000 * math.Sin(2*math.Pi*1003*float64(i)/8000))
		}
		payload, heard := make([]byte, len(pcm)), make([]int16, len(pcm))
		mustCode(t, c, payload, pcm, heard)
		var signal, noise float64
		for i := range pcm {
			d := float64(pcm[i]) - float64(heard[i])
			signal += float64(pcm[i]) * float64(pcm[i])
			noise += d * d
		}
		if snr := 10 * math.Log10(signal/noise); snr < 35 {
			t.Errorf("%s: %.1f dB above its own noise, want 35", name, snr)
		}
		again := make([]int16, len(pcm))
		mustCode(t, c, make([]byte, len(pcm)), heard, again)
		for i := range heard {
			if heard[i] != again[i] {
				t.Fatalf("%s: sample %d changes from %d to %d in a second pass", name, i, heard[i], again[i])
			}
		}
		if c.Rate() != 8000 || c.Format().Name != name {
			t.Errorf("%s: rate %d, format %v", name, c.Rate(), c.Format())
		}
	}
}

func mustCode(t *testing.T, c Codec, payload []byte, in, out []int16) {
	t.Helper()
	if n, err := c.Encode(payload, in); n != len(in) || err != nil {
		t.Fatalf("encoding %d samples gave %d bytes, %v", len(in), n, err)
	}
	if n, err := c.Decode(out, payload); n != len(in) || err != nil {
		t.Fatalf("decoding %d bytes gave %d samples, %v", len(in), n, err)
	}
}

// A relayed call between an A-law and a µ-law phone: each byte keeps its
// loudness within a quantisation step, and silence stays silence.
func TestDirectTables(t *testing.T) {
	for name, c := range map[string]struct {
		table    *[256]byte
		from, to *[256]int16
	}{
		"A to µ": {&ALawToMuLaw, &fromALaw, &fromMuLaw},
		"µ to A": {&MuLawToALaw, &fromMuLaw, &fromALaw},
	} {
		for i := range 256 {
			was, is := float64(c.from[i]), float64(c.to[c.table[i]])
			if limit := 16 + math.Abs(was)/12; math.Abs(was-is) > limit {
				t.Errorf("%s: %#02x was %v and becomes %v", name, i, was, is)
			}
		}
	}
	// A-law has no zero; its quietest byte becomes µ-law's quietest but one.
	quiet := []byte{SilenceMuLaw}
	Convert(quiet, &MuLawToALaw)
	if quiet[0] != SilenceALaw {
		t.Errorf("µ-law silence becomes %#02x in A-law", quiet[0])
	}
	Convert(quiet, &ALawToMuLaw)
	if got := fromMuLaw[quiet[0]]; got < -8 || got > 8 {
		t.Errorf("A-law silence becomes %#02x (%d) in µ-law", quiet[0], got)
	}
}

func TestCodecErrors(t *testing.T) {
	for _, f := range []sdp.Codec{
		{}, {Name: sdp.TelephoneEvent, ClockRate: 8000}, {Name: sdp.PCMA, ClockRate: 16000},
		{Name: sdp.PCMU, ClockRate: 8000, Channels: 2},
	} {
		if _, err := New(f); !errors.Is(err, ErrUnknown) {
			t.Errorf("New(%+v): %v, want ErrUnknown", f, err)
		}
	}
	for name, c := range laws(t) {
		if _, err := c.Encode(make([]byte, 159), make([]int16, 160)); !errors.Is(err, ErrShortBuffer) {
			t.Errorf("%s: encoding into a short buffer: %v", name, err)
		}
		if _, err := c.Decode(make([]int16, 159), make([]byte, 160)); !errors.Is(err, ErrShortBuffer) {
			t.Errorf("%s: decoding into a short buffer: %v", name, err)
		}
	}
}

func TestSamples(t *testing.T) {
	for _, c := range []struct {
		rate int
		d    time.Duration
		want int
	}{{8000, FrameTime, 160}, {16000, FrameTime, 320}, {48000, 10 * time.Millisecond, 480}, {8000, time.Hour, 28800000}} {
		if got := Samples(c.rate, c.d); got != c.want {
			t.Errorf("%d Hz for %v is %d samples, want %d", c.rate, c.d, got, c.want)
		}
	}
}

// The packet path must not allocate.
func TestG711Allocations(t *testing.T) {
	pcm, payload := make([]int16, 160), make([]byte, 160)
	for name, c := range laws(t) {
		n := testing.AllocsPerRun(100, func() {
			_, _ = c.Encode(payload, pcm)
			_, _ = c.Decode(pcm, payload)
			Convert(payload, &ALawToMuLaw)
		})
		if n != 0 {
			t.Errorf("%s allocates %v times per frame", name, n)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, c := range laws(b) {
		b.Run(name, func(b *testing.B) {
			pcm, payload := make([]int16, 160), make([]byte, 160)
			for i := range pcm {
				pcm[i] = int16(i * 199)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Encode(payload, pcm)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, c := range laws(b) {
		b.Run(name, func(b *testing.B) {
			pcm, payload := make([]int16, 160), make([]byte, 160)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Decode(pcm, payload)
			}
		})
	}
}

func BenchmarkConvert(b *testing.B) {
	payload := make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		Convert(payload, &MuLawToALaw)
	}
}
