package convert

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

func transcoder(t testing.TB, tools *Tools, from, to sdp.Codec, ptime time.Duration) *Transcoder {
	t.Helper()
	x, err := tools.Transcoder(from, to, ptime)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

// convertAll keeps what comes out.
func convertAll(x *Transcoder, in []packet) (out []media.Frame) {
	for i := range in {
		for _, f := range x.Convert(&in[i].Frame) {
			f.Payload = append([]byte(nil), f.Payload...)
			out = append(out, f)
		}
	}
	return out
}

// hear decodes frames and puts each where its timestamp says.
func hear(t testing.TB, format sdp.Codec, frames []media.Frame) ([]int16, int) {
	t.Helper()
	c := coder(t, format)
	var heard []int16
	buf := make([]int16, 5760)
	for _, f := range frames {
		n, err := c.Decode(buf, f.Payload)
		if err != nil {
			t.Fatal(err)
		}
		at := int(f.Timestamp-frames[0].Timestamp) * c.Rate() / format.ClockRate
		for len(heard) < at+n {
			heard = append(heard, 0)
		}
		copy(heard[at:], buf[:n])
	}
	return heard, c.Rate()
}

// Every pair of codecs: the voice arrives, as long as it was, with one packet for
// each, and numbers without a gap.
func TestTranscodeEveryPair(t *testing.T) {
	tools := NewTools(0)
	for _, from := range []sdp.Codec{pcma, pcmu, g722, opus} {
		for _, to := range []sdp.Codec{pcma, pcmu, g722, opus} {
			if from.Same(to) {
				continue
			}
			x := transcoder(t, tools, from, to, 20*time.Millisecond)
			out := convertAll(x, speak(t, from, 20*time.Millisecond, 2*time.Second))
			if len(out) != 100 {
				t.Errorf("%s to %s: %d packets of 100", from.Name, to.Name, len(out))
			}
			inARow(t, out)
			heard, rate := hear(t, to, out)
			if g := gap(heard[rate/5:], rate, 300); g > 5*time.Millisecond {
				t.Errorf("%s to %s: a gap of %v", from.Name, to.Name, g)
			}
			if was, is := level(voice(rate, len(heard)), 140, rate), level(heard, 140, rate); is < was*0.7 || is > was*1.3 {
				t.Errorf("%s to %s: the voice has %.0f of %.0f", from.Name, to.Name, is, was)
			}
			x.Close()
		}
	}
	if n := tools.Codecs.InUse(); n != 0 {
		t.Errorf("%d codecs are not given back", n)
	}
}

// inARow checks sequence numbers and timestamps.
func inARow(t *testing.T, out []media.Frame) {
	t.Helper()
	for i := 1; i < len(out); i++ {
		if a, b := out[i-1], out[i]; b.Seq != a.Seq+1 || b.Timestamp != a.Timestamp+a.Samples || b.Stream != a.Stream || b.Marker {
			t.Fatalf("packet %d: %d/%d after %d/%d", i, b.Seq, b.Timestamp, a.Seq, a.Timestamp)
		}
	}
}

func level(pcm []int16, hz float64, rate int) float64 {
	amplitude, _ := fit(pcm[rate/5:], rate, hz)
	return amplitude
}

// Packet times of 10 to 60 ms on either side; what stays in its codec is not even
// decoded, so that not a bit of it changes.
func TestRepacking(t *testing.T) {
	tools := NewTools(0)
	for _, c := range []struct{ from, to sdp.Codec }{{pcma, pcma}, {g722, g722}, {pcma, pcmu}, {g722, pcma}, {pcmu, opus}} {
		for _, in := range []time.Duration{10, 20, 30, 40, 50, 60} {
			for _, out := range []time.Duration{10, 20, 30, 40, 50, 60} {
				said := speak(t, c.from, in*time.Millisecond, 1200*time.Millisecond)
				x := transcoder(t, tools, c.from, c.to, out*time.Millisecond)
				got := convertAll(x, said)
				inARow(t, got)
				var total time.Duration
				for _, f := range got {
					total += time.Duration(f.Samples) * time.Second / time.Duration(c.to.ClockRate)
					if want := packetTime(c.to, out*time.Millisecond); f.Samples != uint32(samples(c.to.ClockRate, want)) {
						t.Fatalf("%s %d ms to %s %d ms: a packet of %d units", c.from.Name, in, c.to.Name, out, f.Samples)
					}
				}
				if total < 1100*time.Millisecond {
					t.Errorf("%s %d ms to %s %d ms: %v of 1.2 s", c.from.Name, in, c.to.Name, out, total)
				}
				if c.from.Same(c.to) {
					var a, b []byte
					for _, p := range said {
						a = append(a, p.Payload...)
					}
					for _, f := range got {
						b = append(b, f.Payload...)
					}
					if string(a[:len(b)]) != string(b) {
						t.Errorf("%s %d to %d ms: bytes changed", c.from.Name, in, out)
					}
				}
				x.Close()
			}
		}
	}
}

// What is lost before us is missing for the listener as well, at its place, so
// that its own concealment works; two packets that change places do no harm.
func TestLossStaysLoss(t *testing.T) {
	said := speak(t, g722, 20*time.Millisecond, 2*time.Second)
	lossy := append(append([]packet{}, said[:30]...), said[31:60]...)
	lossy = append(lossy, said[63:]...)
	lossy[80], lossy[81] = lossy[81], lossy[80]
	lossy = append(lossy, lossy[90], said[30]) // a duplicate, and one far too late
	x := transcoder(t, NewTools(0), g722, pcma, 20*time.Millisecond)
	out := convertAll(x, lossy)
	if len(out) != 96 {
		t.Fatalf("%d packets of 96", len(out))
	}
	for i, f := range out {
		place := i
		if i >= 30 {
			place++
		}
		if i >= 59 {
			place += 3
		}
		if f.Seq != out[0].Seq+uint16(place) || f.Timestamp != out[0].Timestamp+uint32(160*place) {
			t.Fatalf("packet %d is at %d/%d, want %d", i, f.Seq-out[0].Seq, f.Timestamp-out[0].Timestamp, place)
		}
	}
}

// Where the listener cannot tell (Opus carries redundancy of its own), or the
// source itself brings what was lost (in the packet after it), no gap remains.
func TestLossIsMadeUp(t *testing.T) {
	for _, c := range []struct{ from, to sdp.Codec }{{g722, opus}, {pcma, opus}, {opus, g722}, {opus, pcmu}} {
		said := speak(t, c.from, 20*time.Millisecond, 2*time.Second)
		lossy := append(append([]packet{}, said[:30]...), said[31:60]...)
		lossy = append(lossy, said[62:]...)
		out := convertAll(transcoder(t, NewTools(0), c.from, c.to, 20*time.Millisecond), lossy)
		inARow(t, out)
		heard, rate := hear(t, c.to, out)
		if g := gap(heard[rate/5:], rate, 300); g > 20*time.Millisecond || len(out) != 100 {
			t.Errorf("%s to %s: %d packets, a gap of %v", c.from.Name, c.to.Name, len(out), g)
		}
	}
}

// A pause of the source is a pause of the same length for the listener, and what
// follows is marked; so is what follows a key press.
func TestPauses(t *testing.T) {
	for _, to := range []sdp.Codec{pcma, opus} {
		said := speak(t, g722, 30*time.Millisecond, 3*time.Second)
		for i := range said[50:] {
			said[50+i].Timestamp += 8000
		}
		for i := range said[70:] {
			said[70+i].Seq += 9
			said[70+i].Timestamp += 2000
		}
		x := transcoder(t, NewTools(0), g722, to, 20*time.Millisecond)
		out := convertAll(x, said[:70])
		for i := range 9 {
			x.Skip(&media.Frame{Codec: sdp.Codec{Name: sdp.TelephoneEvent}, Seq: said[69].Seq + 1 + uint16(i), Stream: 1})
		}
		out = append(out, convertAll(x, said[70:])...)
		marks, last := 0, out[0]
		for _, f := range out[1:] {
			if f.Seq != last.Seq+1 {
				t.Errorf("%s: %d after %d", to.Name, f.Seq, last.Seq)
			}
			if f.Marker {
				marks++
			}
			last = f
		}
		total := time.Duration(last.Timestamp+last.Samples-out[0].Timestamp) * time.Second / time.Duration(to.ClockRate)
		if marks != 2 || total < 4220*time.Millisecond || total > 4270*time.Millisecond {
			t.Errorf("%s: %d marks, %v in all, want 2 and 4.25 s", to.Name, marks, total)
		}
		if x.Break(); convertAll(x, said[90:91])[0].Stream == last.Stream {
			t.Errorf("%s: after a break the stream goes on", to.Name)
		}
	}
}

// A phone that sets its clock back, and a payload that is no sound.
func TestOddSources(t *testing.T) {
	said := speak(t, opus, 20*time.Millisecond, time.Second)
	for i := range said[25:] {
		said[25+i].Timestamp -= 1 << 20
	}
	said[10].Payload = []byte{0xFF, 0x3F, 1}
	out := convertAll(transcoder(t, NewTools(0), opus, pcma, 20*time.Millisecond), said)
	if len(out) != 50 || out[30].Stream == out[20].Stream || !out[25].Marker {
		t.Errorf("%d packets, streams %d and %d", len(out), out[20].Stream, out[len(out)-1].Stream)
	}
}

// Codecs are bounded, and a pair that cannot be had is refused.
func TestToolsRefuse(t *testing.T) {
	tools := NewTools(1)
	x := transcoder(t, tools, opus, pcma, 0)
	if _, err := tools.Transcoder(pcma, opus, 0); !errors.Is(err, codec.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	x.Close()
	if _, err := tools.Transcoder(sdp.Codec{Name: "G729", ClockRate: 8000}, pcma, 0); err == nil {
		t.Error("G.729 is converted")
	}
	if n := tools.Codecs.InUse(); n != 0 {
		t.Errorf("%d in use after a refusal", n)
	}
	if !Packed(&media.Frame{Codec: pcma, Samples: 240}, 20*time.Millisecond) || Packed(&media.Frame{Codec: pcma, Samples: 160}, 20*time.Millisecond) ||
		Packed(&media.Frame{Codec: opus, Samples: 2880}, 20*time.Millisecond) || Packed(&media.Frame{Codec: pcma, Samples: 240}, 0) {
		t.Error("what has to be packed anew is judged wrongly")
	}
}

// Between G.711 and G.722 nothing is left to the garbage collector.
func TestTranscodingAllocatesNothing(t *testing.T) {
	for _, c := range []struct{ from, to sdp.Codec }{{g722, pcma}, {pcmu, g722}, {pcma, pcma}} {
		x := transcoder(t, NewTools(0), c.from, c.to, 20*time.Millisecond)
		f := speak(t, c.from, 20*time.Millisecond, 20*time.Millisecond)[0].Frame
		step := func() {
			f.Seq++
			f.Timestamp += f.Samples
			x.Convert(&f)
		}
		step()
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%s to %s: %v allocations", c.from.Name, c.to.Name, n)
		}
	}
}

// BenchmarkTranscode is what one direction of a converted call costs per packet
// of 20 ms.
func BenchmarkTranscode(b *testing.B) {
	for _, c := range []struct{ from, to sdp.Codec }{{g722, pcma}, {pcma, g722}, {opus, pcma}, {pcma, opus}, {opus, g722}, {g722, opus}} {
		b.Run(fmt.Sprintf("%s to %s", c.from.Name, c.to.Name), func(b *testing.B) {
			x := transcoder(b, NewTools(0), c.from, c.to, 20*time.Millisecond)
			said := speak(b, c.from, 20*time.Millisecond, 2*time.Second)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f := said[i%100].Frame
				f.Seq, f.Timestamp = uint16(i), uint32(i)*f.Samples
				x.Convert(&f)
				i++
			}
		})
	}
}

// Whatever is converted, numbers never run wild.
func FuzzConvert(f *testing.F) {
	f.Add([]byte{1, 160, 1, 160, 3, 160, 2, 160}, true)
	f.Add([]byte{0, 0, 255, 255, 9, 3}, false)
	tools := NewTools(0)
	f.Fuzz(func(t *testing.T, script []byte, narrow bool) {
		from, to := g722, pcma
		if narrow {
			from, to = pcma, g722
		}
		x := transcoder(t, tools, from, to, 30*time.Millisecond)
		in := media.Frame{Codec: from, Stream: 1}
		for i := 0; i+1 < len(script); i += 2 {
			in.Seq += uint16(int8(script[i]))
			in.Timestamp += uint32(int32(int8(script[i+1])) * 20)
			in.Payload = make([]byte, script[i+1])
			in.Samples = uint32(script[i+1])
			for _, o := range x.Convert(&in) {
				if len(o.Payload) == 0 || o.Samples == 0 || o.Samples > 240 || len(o.Payload) > math.MaxUint8 {
					t.Fatalf("%+v", o)
				}
			}
		}
	})
}
