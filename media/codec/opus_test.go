package codec

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"klapka.dev/klapka/media/sdp"
)

var opusFormat = sdp.Codec{Name: sdp.Opus, PT: 111, ClockRate: 48000, Channels: 2, Fmtp: "minptime=10; useinbandfec=1"}

func opusAt(t testing.TB, rate int) Codec {
	t.Helper()
	c, err := NewAt(opusFormat, rate)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// At every rate and packet time a tone comes back, and the payload tells how long
// it lasts.
func TestOpusRoundTrip(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		for _, ptime := range []time.Duration{10, 20, 40, 60} {
			ptime *= time.Millisecond
			enc, dec := opusAt(t, rate), opusAt(t, rate)
			per := Samples(rate, ptime)
			pcm, heard := make([]int16, per), make([]int16, 0, rate)
			payload, out := make([]byte, 1400), make([]int16, Samples(rate, longestOpus))
			for at := 0; at < rate; at += per {
				for i := range pcm {
					pcm[i] = int16(8000 * math.Sin(2*math.Pi*1000*float64(at+i)/float64(rate)))
				}
				n, err := enc.Encode(payload, pcm)
				if err != nil {
					t.Fatal(err)
				}
				if d, ok := OpusDuration(payload[:n]); !ok || d != ptime {
					t.Fatalf("%d Hz: a packet of %v says %v", rate, ptime, d)
				}
				if n, err = dec.Decode(out, payload[:n]); err != nil || n != per {
					t.Fatalf("%d Hz, %v: %d samples, %v", rate, ptime, n, err)
				}
				heard = append(heard, out[:n]...)
			}
			if l := loudness(heard[rate/2:], 1000, rate); l < 5000 || l > 11000 {
				t.Errorf("%d Hz, %v: a tone of 8000 comes back with %.0f", rate, ptime, l)
			}
		}
	}
}

// A lost packet is made up from its successor's redundancy, and that is closer
// to what was said than what is guessed from before.
func TestOpusRecoversLostPackets(t *testing.T) {
	guessed := lossy(t, func(c Concealer, dst []int16, _ []byte) error { return c.Conceal(dst) })
	recovered := lossy(t, Concealer.Recover)
	if recovered > 0.8*guessed || guessed > 1.5 {
		t.Errorf("error of lost packets: %.2f recovered, %.2f guessed (1: silence)", recovered, guessed)
	}
}

// lossy loses every tenth packet and returns how far what is made up in its place
// is from what was said, relative to silence.
func lossy(t *testing.T, mend func(c Concealer, dst []int16, next []byte) error) float64 {
	t.Helper()
	const per = 320
	pcm := speechLike(16000, 160000, 6000)
	enc, clean, dec := opusAt(t, 16000), opusAt(t, 16000), opusAt(t, 16000)
	want, got := make([]int16, per), make([]int16, per)
	var off, all float64
	lost := false
	for i := range len(pcm) / per {
		b := make([]byte, 1400)
		n, err := enc.Encode(b, pcm[i*per:(i+1)*per])
		if err != nil {
			t.Fatal(err)
		}
		if lost {
			if err := mend(dec.(Concealer), got, b[:n]); err != nil {
				t.Fatal(err)
			}
			for k := range want {
				d := float64(want[k]) - float64(got[k])
				off, all = off+d*d, all+float64(want[k])*float64(want[k])
			}
		}
		mustDecode(t, clean, want, b[:n])
		if lost = i%10 == 9; !lost {
			mustDecode(t, dec, got, b[:n])
		}
	}
	return off / all
}

func mustDecode(t *testing.T, c Codec, dst []int16, payload []byte) {
	t.Helper()
	if n, err := c.Decode(dst, payload); err != nil || n != len(dst) {
		t.Fatalf("%d samples, %v", n, err)
	}
}

// The party's parameters are kept to (RFC 7587 §6.1): silence is told in packets
// that need not be sent only if it wants that.
func TestOpusParameters(t *testing.T) {
	for _, c := range []struct {
		fmtp  string
		quiet bool
	}{{"", false}, {"usedtx=1", true}, {"usedtx=0;useinbandfec=1", false}} {
		format := opusFormat
		format.Fmtp = c.fmtp
		enc, err := NewAt(format, 16000)
		if err != nil {
			t.Fatal(err)
		}
		b, n := make([]byte, 1400), 0
		for range 100 {
			if n, err = enc.Encode(b, make([]int16, 320)); err != nil {
				t.Fatal(err)
			}
		}
		if quiet := n <= 2; quiet != c.quiet {
			t.Errorf("%q: silence is %d bytes", c.fmtp, n)
		}
	}
	format := opusFormat
	format.Fmtp = "maxaveragebitrate=12000; cbr=1; x; =;maxaveragebitrate=-1"
	s := (&opus{format: format, rate: 16000}).settings()
	if s != (opusSettings{rate: 16000, bitrate: 12000, cbr: true}) {
		t.Errorf("%+v", s)
	}
}

func TestOpusErrors(t *testing.T) {
	if _, err := NewAt(opusFormat, 11025); !errors.Is(err, ErrUnknown) {
		t.Errorf("a rate that Opus does not have: %v", err)
	}
	c := opusAt(t, 0)
	if c.Rate() != 16000 || c.Format() != opusFormat {
		t.Errorf("%d, %+v", c.Rate(), c.Format())
	}
	if _, err := c.Encode(make([]byte, 100), make([]int16, 480)); !errors.Is(err, ErrUnknown) {
		t.Errorf("a packet of 30 ms: %v", err)
	}
	if _, err := c.Encode(nil, make([]int16, 320)); !errors.Is(err, ErrShortBuffer) {
		t.Errorf("no room: %v", err)
	}
	if _, err := c.Decode(make([]int16, 319), []byte{8}); !errors.Is(err, ErrShortBuffer) {
		t.Errorf("too little room: %v", err)
	}
	for _, b := range [][]byte{nil, {3}, {3, 0}, {0xFF, 63}} {
		if _, err := c.Decode(make([]int16, 5760), b); !errors.Is(err, ErrUnknown) {
			t.Errorf("% x: %v", b, err)
		}
	}
}

// A running codec leaves nothing to the garbage collector, save where the library
// keeps a copy of its state to make redundancy from.
func TestOpusAllocations(t *testing.T) {
	plain := opusFormat
	plain.Fmtp = ""
	enc, err := NewAt(plain, 16000)
	if err != nil {
		t.Fatal(err)
	}
	dec := opusAt(t, 16000)
	pcm, b, out := speechLike(16000, 16000, 6000), make([]byte, 1400), make([]int16, 320)
	i := 0
	step := func() {
		n, _ := enc.Encode(b, pcm[i%50*320:i%50*320+320])
		_, _ = dec.Decode(out, b[:n])
		i++
	}
	for range 50 {
		step()
	}
	if allocs := testing.AllocsPerRun(100, step); allocs > 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
}

// The pool lends again what came back, and no more than it may.
func TestPool(t *testing.T) {
	p := NewPool(2)
	a, err := p.Encoder(opusFormat, 16000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.Decoder(opusFormat, 8000); err != nil {
		t.Fatal(err)
	}
	if _, err = p.Encoder(opusFormat, 8000); !errors.Is(err, ErrBusy) {
		t.Errorf("a third one: %v", err)
	}
	for range 5 { // what costs nothing is not counted
		c, err := p.Encoder(wideband, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	}
	if _, err := a.Encode(make([]byte, 1400), make([]int16, 320)); err != nil {
		t.Fatal(err)
	}
	p.Put(a)
	p.Put(a)
	p.Put(nil)
	p.Put(opusAt(t, 0))
	if p.InUse() != 1 {
		t.Errorf("%d in use, want 1", p.InUse())
	}
	other := opusFormat
	other.PT, other.Fmtp = 96, "usedtx=1"
	b, err := p.Encoder(other, 16000)
	if err != nil || b != a || b.Format() != other {
		t.Errorf("%v, %v: not the one that came back", b, err)
	}
	if _, err := p.Decoder(sdp.Codec{Name: "G729", ClockRate: 8000}, 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	if NewPool(0).limit != usualLimit {
		t.Error("the usual limit is not used")
	}
}

// Whatever arrives is decoded or refused; nothing panics, and speech is decoded
// afterwards.
func FuzzOpus(f *testing.F) {
	enc, b := opusAt(f, 16000), make([]byte, 1400)
	n, err := enc.Encode(b, speechLike(16000, 320, 6000))
	if err != nil {
		f.Fatal(err)
	}
	good := b[:n]
	f.Add(good)
	f.Add([]byte{0x0B, 0xC2, 0xFF, 1, 2, 3})
	f.Add([]byte{0xFC})
	dec, out := opusAt(f, 16000), make([]int16, 5760)
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := dec.Decode(out, data)
		if d, ok := OpusDuration(data); err == nil && (!ok || n != Samples(16000, d)) {
			t.Fatalf("%d samples of %v", n, d)
		}
		if err := dec.(Concealer).Conceal(out[:320]); err != nil {
			t.Fatal(err)
		}
		mustDecode(t, dec, out[:320], good)
	})
}

func BenchmarkOpus(b *testing.B) {
	for _, rate := range []int{8000, 16000} {
		enc, dec, pcm, payload := opusAt(b, rate), opusAt(b, rate), speechLike(rate, rate, 6000), make([]byte, 1400)
		per, n, i := rate/50, 0, 0
		b.Run(fmt.Sprintf("%d Hz encode", rate), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, _ = enc.Encode(payload, pcm[i%50*per:i%50*per+per])
				i++
			}
		})
		b.Run(fmt.Sprintf("%d Hz decode", rate), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = dec.Decode(pcm[:per], payload[:n])
			}
		})
	}
}
