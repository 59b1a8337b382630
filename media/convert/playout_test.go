package convert

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

var (
	pcma = sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1}
	pcmu = sdp.Codec{Name: sdp.PCMU, PT: 0, ClockRate: 8000, Channels: 1}
	g722 = sdp.Codec{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1}
	opus = sdp.Codec{Name: sdp.Opus, PT: 111, ClockRate: 48000, Channels: 2, Fmtp: "useinbandfec=1"}
	cn   = sdp.Codec{Name: sdp.ComfortNoise, PT: 13, ClockRate: 8000, Channels: 1}
)

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func coder(t testing.TB, format sdp.Codec) codec.Codec {
	t.Helper()
	c, err := codec.New(format)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// packet is a frame with the time at which it comes.
type packet struct {
	media.Frame
	at time.Duration
}

// voice is a steady vowel: harmonics of 140 Hz.
func voice(rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		v := 0.0
		for h := 1.0; h <= 8; h++ {
			v += math.Sin(2*math.Pi*140*h*float64(i)/float64(rate)+h) / h
		}
		pcm[i] = int16(5000 * v)
	}
	return pcm
}

// speak encodes d of a voice into packets that come exactly in time.
func speak(t testing.TB, format sdp.Codec, ptime, d time.Duration) []packet {
	t.Helper()
	c := coder(t, format)
	per := codec.Samples(c.Rate(), ptime)
	pcm := voice(c.Rate(), codec.Samples(c.Rate(), d))
	var out []packet
	for i := 0; (i+1)*per <= len(pcm); i++ {
		b := make([]byte, 1400)
		n, err := c.Encode(b, pcm[i*per:(i+1)*per])
		if err != nil {
			t.Fatal(err)
		}
		units := uint32(codec.Samples(format.ClockRate, ptime))
		out = append(out, packet{at: time.Duration(i) * ptime, Frame: media.Frame{
			Codec: format, Payload: b[:n], Seq: uint16(65500 + i), Timestamp: math.MaxUint32 - 5000 + uint32(i)*units, Samples: units, Stream: 1,
		}})
	}
	return out
}

// listen plays the packets, in order of their coming, asked every 20 ms, 7 ms
// off the beginning.
func listen(t testing.TB, format sdp.Codec, packets []packet, d time.Duration) ([]int16, *Playout) {
	t.Helper()
	slices.SortStableFunc(packets, func(a, b packet) int { return cmp.Compare(a.at, b.at) })
	p := NewPlayout(coder(t, format), dawn)
	var heard []int16
	frame := make([]int16, p.decoder.Rate()/50)
	for at := 7 * time.Millisecond; at < d; at += 20 * time.Millisecond {
		for len(packets) > 0 && packets[0].at <= at {
			p.Put(&packets[0].Frame, dawn.Add(packets[0].at))
			packets = packets[1:]
		}
		p.Read(frame, dawn.Add(at))
		heard = append(heard, frame...)
	}
	return heard, p
}

// gap is the longest stretch below the given level, looked at by 5 ms.
func gap(pcm []int16, rate, level int) time.Duration {
	longest, run := 0, 0
	for w := rate / 200; len(pcm) >= w; pcm = pcm[w:] {
		if run++; loudness(pcm[:w]) >= level {
			run = 0
		}
		longest = max(longest, run)
	}
	return time.Duration(longest) * 5 * time.Millisecond
}

// All codecs, packet times of 10 to 60 ms: without trouble what was said is
// played whole, soon, and nothing is made up.
func TestPlayoutOfEveryFrameLength(t *testing.T) {
	for _, format := range []sdp.Codec{pcma, g722, opus} {
		for _, ms := range []time.Duration{10, 20, 30, 40, 50, 60} {
			if format.Name == sdp.Opus && (ms == 30 || ms == 50) {
				continue // Opus has no such packets
			}
			heard, p := listen(t, format, speak(t, format, ms*time.Millisecond, 3*time.Second), 2900*time.Millisecond)
			rate := p.decoder.Rate()
			if g := gap(heard[rate/4:], rate, 300); g > 5*time.Millisecond { // Opus itself dips for so long
				t.Errorf("%s, %d ms: a gap of %v", format.Name, ms, g)
			}
			if c := p.Counts(); c != (JitterCounts{}) {
				t.Errorf("%s, %d ms: %+v", format.Name, ms, c)
			}
			if d := p.Delay(); d > 60*time.Millisecond {
				t.Errorf("%s, %d ms: held for %v", format.Name, ms, d)
			}
		}
	}
}

// 1 % of loss is not heard as a gap above 60 ms, whatever the codec and the
// length of packets; nor is 5 %, of what is not lost in a row.
func TestConcealmentLeavesNoGap(t *testing.T) {
	for _, format := range []sdp.Codec{pcma, pcmu, g722, opus} {
		for _, ms := range []time.Duration{10, 20, 40, 60} {
			for _, percent := range []int{1, 5} {
				r := rand.New(rand.NewPCG(7, uint64(ms)))
				all := speak(t, format, ms*time.Millisecond, 9*time.Second)
				var packets []packet
				for i, p := range all {
					if i < 10 || r.IntN(100) >= percent {
						packets = append(packets, p)
					}
				}
				heard, p := listen(t, format, packets, 8500*time.Millisecond)
				rate := p.decoder.Rate()
				if g := gap(heard[rate/4:], rate, 300); g > 60*time.Millisecond && (percent == 1 || ms <= 20) {
					t.Errorf("%s, %d ms, %d %%: a gap of %v", format.Name, ms, percent, g)
				}
				if lost := int(p.Counts().Lost); lost > len(all)-len(packets) || lost < (len(all)-len(packets))*8/10 {
					t.Errorf("%s, %d ms: %d counted, %d lost", format.Name, ms, lost, len(all)-len(packets))
				}
			}
		}
	}
}

// Concealed sound fades out after 60 ms and is gone after 120: a dead line is
// not a drone.
func TestConcealmentFades(t *testing.T) {
	for _, rate := range []int{8000, 16000} {
		c := newConcealer(rate)
		c.good(voice(rate, rate/5))
		frame := make([]int16, rate/50)
		var levels []int
		for range 10 {
			c.conceal(frame)
			levels = append(levels, loudness(frame))
		}
		full := loudness(voice(rate, rate/50))
		if levels[0] < full*9/10 || levels[2] < full*4/10 || levels[4] > full/2 || levels[6] != 0 || levels[9] != 0 {
			t.Errorf("%d Hz: %v of %d", rate, levels, full)
		}
		// What is made up is the voice itself, and the way back makes no click.
		c = newConcealer(rate)
		pcm := voice(rate, rate)
		c.good(pcm[:rate/5])
		got := make([]int16, rate/50)
		c.conceal(got)
		far := 0
		for i := range got {
			far = max(far, int(math.Abs(float64(got[i])-float64(pcm[rate/5+i]))))
		}
		if far > 4000 {
			t.Errorf("%d Hz: off by %d of 10000", rate, far)
		}
	}
}

// Packets that overtake each other, come twice or far too late do no harm: what
// can be put in order is, and the rest is counted.
func TestReorderedDuplicateAndLate(t *testing.T) {
	packets := speak(t, pcma, 20*time.Millisecond, 10*time.Second)
	twice := []packet{}
	for i := range packets {
		if i%7 == 3 {
			packets[i].at += 25 * time.Millisecond // behind its successor
		}
		if i%11 == 5 {
			twice = append(twice, packets[i])
		}
	}
	stray := packets[300]
	stray.at += 900 * time.Millisecond
	heard, p := listen(t, pcma, append(append(packets, twice...), stray), 9900*time.Millisecond)
	if g := gap(heard[4000:], 8000, 500); g > 0 {
		t.Errorf("a gap of %v", g)
	}
	c := p.Counts()
	if c.Duplicate+c.Late < uint64(len(twice)) || c.Lost > 1 || c.Restarts > 0 {
		t.Errorf("%+v of %d duplicates", c, len(twice))
	}
}

// The delay follows the network: up when packets scatter, and down again some
// seconds after they stopped; nothing is lost for it.
func TestDelayAdapts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	packets := speak(t, g722, 20*time.Millisecond, 30*time.Second)
	for i := range packets {
		if at := packets[i].at; at > 5*time.Second && at < 12*time.Second {
			packets[i].at += time.Duration(r.IntN(80)) * time.Millisecond
		}
	}
	var delays []time.Duration
	for _, until := range []time.Duration{5, 12, 28} {
		_, p := listen(t, g722, slices.Clone(packets), until*time.Second)
		delays = append(delays, p.Delay())
		off := time.Duration(p.jitter.Drift(dawn.Add(until*time.Second+7*time.Millisecond))) * time.Second / 8000
		if off.Abs() > 40*time.Millisecond {
			t.Errorf("at %v the playing is off by %v", until*time.Second, off)
		}
	}
	if delays[0] > 40*time.Millisecond || delays[1] < 70*time.Millisecond || delays[2] > 40*time.Millisecond {
		t.Errorf("held for %v, want a few, about 100, a few milliseconds", delays)
	}
	heard, p := listen(t, g722, packets, 29*time.Second)
	if g := gap(heard[8000:], 16000, 300); g > 60*time.Millisecond {
		t.Errorf("a gap of %v", g)
	}
	if c := p.Counts(); c.Lost+c.Late > 5 {
		t.Errorf("%+v", c)
	}
}

// A phone whose clock is off by 1000 millionths, for three minutes: the delay
// stays, and no packet is missed.
func TestClockSkew(t *testing.T) {
	for _, skew := range []float64{-1000e-6, 1000e-6} {
		packets := speak(t, pcma, 20*time.Millisecond, 3*time.Minute)
		for i := range packets {
			packets[i].at = time.Duration(float64(packets[i].at) * (1 + skew))
		}
		heard, p := listen(t, pcma, packets, 178*time.Second)
		if g := gap(heard[8000:], 8000, 500); g > 5*time.Millisecond {
			t.Errorf("skew %v: a gap of %v", skew, g)
		}
		off := time.Duration(p.jitter.Drift(dawn.Add(178*time.Second))) * time.Second / 8000
		if c := p.Counts(); c != (JitterCounts{}) || off.Abs() > 40*time.Millisecond {
			t.Errorf("skew %v: %+v, off by %v", skew, c, off)
		}
	}
}

// A party that sends nothing while it is silent: the pause stays as long as it
// was, is filled with the noise it told of (RFC 3389), and words after it are
// whole.
func TestSilenceSuppression(t *testing.T) {
	all := speak(t, pcma, 20*time.Millisecond, 4*time.Second)
	packets := append([]packet{}, all[:100]...)
	noise := all[100]
	noise.Codec, noise.Payload = cn, []byte{40}
	packets = append(packets, noise)
	for _, p := range all[150:] {
		p.Seq -= 49 // numbers go on after the noise, time has passed
		packets = append(packets, p)
	}
	heard, p := listen(t, pcma, packets, 3900*time.Millisecond)
	at := func(d time.Duration) int { return int(d.Milliseconds()) * 8 }
	if l := loudness(heard[at(2100*time.Millisecond):at(2900*time.Millisecond)]); l < 100 || l > 500 {
		t.Errorf("the pause is filled at %d, want -40 dBov (about 200)", l)
	}
	if l := loudness(heard[at(3100*time.Millisecond):]); l < 2000 {
		t.Errorf("after the pause: %d", l)
	}
	loud := 0
	for w := 0; w+40 <= len(heard); w += 40 {
		if loudness(heard[w:w+40]) > 1000 {
			loud += 5
		}
	}
	if loud < 2850 || loud > 2910 { // until 3.9 s, less the delay
		t.Errorf("%d ms of sound, want about 2880", loud)
	}
	if c := p.Counts(); c != (JitterCounts{}) {
		t.Errorf("%+v", c)
	}
}

// A new stream, a stream whose numbers leap, and one that stops: each is played
// on, or ends in silence.
func TestRestarts(t *testing.T) {
	first := speak(t, pcma, 20*time.Millisecond, time.Second)
	leap := speak(t, pcma, 20*time.Millisecond, time.Second)
	other := speak(t, pcma, 20*time.Millisecond, time.Second)
	for i := range leap {
		leap[i].at += time.Second
		leap[i].Timestamp += 1 << 30
		leap[i].Seq += 20000
		other[i].at += 2 * time.Second
		other[i].Stream = 2
	}
	heard, p := listen(t, pcma, slices.Concat(first, leap, other), 5*time.Second)
	if g := gap(heard[1000:8000*29/10], 8000, 300); g > 80*time.Millisecond {
		t.Errorf("a gap of %v", g)
	}
	if l := loudness(heard[8000*33/10:]); l != 0 {
		t.Errorf("after the end: %d", l)
	}
	if c := p.Counts(); c.Restarts != 1 {
		t.Errorf("%+v", c)
	}
	if got := fmt.Sprint(gap(make([]int16, 800), 8000, 1)); got != "100ms" {
		t.Errorf("the test does not find gaps: %s", got)
	}
}

// Garbage for payloads is passed over as loss.
func TestPlayoutOfGarbage(t *testing.T) {
	packets := speak(t, opus, 20*time.Millisecond, 2*time.Second)
	for i := range packets {
		if i%20 == 10 {
			packets[i].Payload = []byte{3}
		}
	}
	heard, p := listen(t, opus, packets, 1900*time.Millisecond)
	if g := gap(heard[4000:], p.decoder.Rate(), 300); g > 20*time.Millisecond {
		t.Errorf("a gap of %v", g)
	}
	p.Put(&media.Frame{Codec: pcma, Payload: make([]byte, 160)}, dawn)
}

func BenchmarkPlayout(b *testing.B) {
	for _, format := range []sdp.Codec{pcma, g722} {
		b.Run(format.Name, func(b *testing.B) {
			packets := speak(b, format, 20*time.Millisecond, 2*time.Second)
			p := NewPlayout(coder(b, format), dawn)
			out := make([]int16, p.decoder.Rate()/50)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f := packets[i%100].Frame
				f.Seq, f.Timestamp = uint16(i), uint32(i)*160
				now := dawn.Add(time.Duration(i) * 20 * time.Millisecond)
				p.Put(&f, now)
				p.Read(out, now)
				i++
			}
		})
	}
}
