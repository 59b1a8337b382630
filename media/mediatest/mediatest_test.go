package mediatest

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// overG711 is p after a call over G.711.
func overG711(t *testing.T, p audio.PCM) audio.PCM {
	t.Helper()
	c, err := codec.New(sdp.Codec{Name: sdp.PCMU, ClockRate: 8000})
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, len(p.Samples))
	if _, err := c.Encode(payload, p.Samples); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(p.Samples, payload); err != nil {
		t.Fatal(err)
	}
	return p
}

// silenced is p without sound from at on for d.
func silenced(p audio.PCM, at, d time.Duration) audio.PCM {
	clear(cut(p, at, at+d).Samples)
	return p
}

// mixed is the sum of both, saturated.
func mixed(a, b audio.PCM) audio.PCM {
	for i := range a.Samples {
		a.Samples[i] = int16(max(math.MinInt16, min(math.MaxInt16, int(a.Samples[i])+int(b.Samples[i]))))
	}
	return a
}

func tone(hz float64) audio.PCM { return Sine(8000, hz, -12, 4*time.Second) }

func noise(level float64) audio.PCM {
	p := Sine(8000, 0, 0, 4*time.Second)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p.Samples {
		p.Samples[i] = int16(r.NormFloat64() * math.MaxInt16 * math.Pow(10, level/20) / math.Sqrt2)
	}
	return p
}

func TestExpect(t *testing.T) {
	want := Expect{Tone: 440, Absent: []float64{620}}
	cases := []struct {
		name  string
		sound audio.PCM
		e     Expect
		want  []string // parts of the error; none: all is well
	}{
		{"the tone", tone(440), want, nil},
		{"a few Hz beside it", tone(443), want, nil},
		{"quietly", Sine(8000, 440, -40, 4*time.Second), want, nil},
		{"at 48 kHz", Sine(48000, 440, -12, 2*time.Second), want, nil},
		{"with some noise", mixed(tone(440), noise(-35)), want, nil},
		{"drowned in noise", mixed(tone(440), noise(-20)), want, []string{"0s to 1s: 440 Hz is", "3s to 4s"}},
		{"another tone", tone(620), want, []string{"440 Hz is", "strongest: 620 Hz", "620 Hz is heard"}},
		{"both tones", mixed(tone(440), tone(620)), want, []string{"440 Hz is", "620 Hz is heard"}},
		{"its own tone faintly", mixed(tone(440), Sine(8000, 620, -34, 4*time.Second)), want, []string{"620 Hz is heard (-22"}},
		{"an echo nobody hears", mixed(tone(440), Sine(8000, 620, -50, 4*time.Second)), want, nil},
		{"silence", silenced(tone(440), 0, 4*time.Second), want, []string{"0s to 1s: silence (-120 dBFS), want 440 Hz", "gap of 4s at 0s"}},
		{"one silent second", silenced(tone(440), 2*time.Second, time.Second), want, []string{"2s to 3s: silence", "gap of 1s at 2s"}},
		{"40 ms gap", silenced(tone(440), 1300*time.Millisecond, 40*time.Millisecond), want, nil},
		{"60 ms gap", silenced(tone(440), 1300*time.Millisecond, 60*time.Millisecond), want, nil},
		{"62 ms gap", silenced(tone(440), 1300*time.Millisecond, 62*time.Millisecond), want, []string{"gap of 6"}},
		{"80 ms gap", silenced(tone(440), 1300*time.Millisecond, 80*time.Millisecond), want, []string{"at 1.3s, at most 60ms allowed"}},
		{"80 ms gap over the second", silenced(tone(440), 1960*time.Millisecond, 80*time.Millisecond), want, []string{"at 1.96s, at most"}},
		{"gap at the end", silenced(tone(440), 3900*time.Millisecond, 100*time.Millisecond), want, []string{"gap of 100ms at 3.9s"}},
		{"gap outside", silenced(tone(440), 0, 500*time.Millisecond), Expect{Tone: 440, From: 500 * time.Millisecond}, nil},
		{"80 ms allowed", silenced(tone(440), time.Second, 80*time.Millisecond), Expect{Tone: 440, Gap: 100 * time.Millisecond}, nil},
		{"too short", tone(440), Expect{Tone: 440, To: 5 * time.Second}, []string{"only 4s of sound, want 5s"}},
		{"no stretch", tone(440), Expect{Tone: 440, From: 4 * time.Second}, []string{"nothing to listen to"}},
		{"wanted silence", silenced(tone(440), 0, 4*time.Second), Expect{}, nil},
		{"sound in it", silenced(tone(440), 0, 2*time.Second), Expect{}, []string{"sound at 2s (-12 dBFS), want silence (strongest: 440 Hz"}},
		{"a part of a second", tone(440), Expect{Tone: 440, To: 2500 * time.Millisecond}, nil},
		{"foreign part of a second", foreignFrom(2100 * time.Millisecond), Expect{Tone: 440, To: 2500 * time.Millisecond}, []string{"2s to 2.5s: 440 Hz is"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.sound.Rate == 8000 {
				c.sound = overG711(t, c.sound)
			}
			err := c.e.Check(c.sound)
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is missing in:\n%v", part, err)
				}
			}
		})
	}
}

// foreignFrom is 440 Hz that turns into 900 Hz.
func foreignFrom(at time.Duration) audio.PCM {
	p := tone(440)
	copy(cut(p, at, 4*time.Second).Samples, tone(900).Samples)
	return p
}

// A jitter buffer that drops or repeats 10 ms shifts the phase; the tone is
// still the tone.
func TestExpectForgivesPhaseJumps(t *testing.T) {
	p := tone(440)
	p.Samples = append(p.Samples[:12345:12345], p.Samples[12345+83:]...)
	if err := (Expect{Tone: 440}).Check(overG711(t, p)); err != nil {
		t.Error(err)
	}
}

func TestFindTone(t *testing.T) {
	for _, hz := range []float64{200, 437, 440, 1003, 2600, 3400} {
		got := FindTone(overG711(t, Sine(8000, hz, -20, time.Second)))
		if math.Abs(got.Hz-hz) > 1 || math.Abs(got.Level+20) > 0.5 || got.Clearance < 25 {
			t.Errorf("%v Hz: %v", hz, got)
		}
	}
	for _, p := range []audio.PCM{{Rate: 8000, Channels: 1}, {}, Sine(8000, 440, -12, 50*time.Millisecond), Sine(8000, 0, 0, time.Second)} {
		if got := FindTone(p); got.Hz != 0 || got.Level != -120 {
			t.Errorf("of %v nothing: %v", p.Duration(), got)
		}
	}
}

func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tone.wav")
	if err := WriteSine(path, 8000, 500, -10, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := (Expect{Tone: 500, To: 2 * time.Second}).CheckFile(path); err != nil {
		t.Error(err)
	}
	if err := (Expect{Tone: 700}).CheckFile(path); err == nil || !strings.Contains(err.Error(), "tone.wav: 0s to 1s") {
		t.Errorf("wrong tone in a file: %v", err)
	}
	if err := (Expect{Tone: 500}).CheckFile(path + ".missing"); err == nil {
		t.Error("a missing file is found well")
	}
	if err := os.WriteFile(path, []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Expect{Tone: 500}).CheckFile(path); err == nil {
		t.Error("a broken file is found well")
	}
	if err := WriteSine(filepath.Join(path, "x"), 8000, 500, -10, time.Second); err == nil {
		t.Error("writing below a file succeeds")
	}
}

// An ear hears a player from when it was attached, keeps pauses as pauses, and
// a player that starts later where it started.
func TestEar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ear := NewEar()
		time.Sleep(time.Second)
		first := audio.Loop(audio.NewTone(440, -12, time.Second))
		first.Attach(ear)
		time.Sleep(2*time.Second - time.Millisecond)
		first.Close()
		time.Sleep(time.Second + time.Millisecond)
		second := audio.Loop(audio.NewTone(620, -12, time.Second))
		second.Attach(ear)
		time.Sleep(2*time.Second - time.Millisecond)
		second.Close()
		ear.WriteFrame(&media.Frame{Codec: sdp.Codec{Name: sdp.TelephoneEvent, ClockRate: 8000}, Payload: []byte{1, 0, 0, 160}})
		time.Sleep(time.Millisecond)
		synctest.Wait()
		heard := ear.Heard()
		for _, e := range []Expect{
			{To: time.Second},
			{Tone: 440, Absent: []float64{620}, From: time.Second, To: 3 * time.Second},
			{From: 3 * time.Second, To: 4 * time.Second},
			{Tone: 620, Absent: []float64{440}, From: 4 * time.Second, To: 6 * time.Second},
		} {
			if err := e.Check(heard); err != nil {
				t.Errorf("%+v: %v", e, err)
			}
		}
		if heard.Duration() != 6*time.Second || ear.Foreign() != 1 {
			t.Errorf("%v heard, %d foreign frames", heard.Duration(), ear.Foreign())
		}
	})
}

// Lost packets are gaps, late ones fall into their place, and nonsense in a
// timestamp does not eat the memory.
func TestEarKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ear := NewEar()
		payloads, _ := audio.NewTone(440, -12, time.Second).Frames(ear.WantCodec())
		send := func(i int) {
			ear.WriteFrame(&media.Frame{Codec: ear.WantCodec(), Payload: payloads[i], Timestamp: uint32(4294967000 + int64(i)*160), Stream: 7})
		}
		for i := range payloads {
			if i == 19 || i == 20 || i == 30 || i == 31 || i == 32 || i == 33 {
				continue
			}
			send(i)
			if i == 21 {
				send(20)
				send(19)
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(120 * time.Millisecond)
		err := (Expect{Tone: 440}).Check(ear.Heard())
		if err == nil || !strings.Contains(err.Error(), "gap of 80ms at 600ms") || strings.Count(err.Error(), "gap of") > 1 {
			t.Errorf("%v", err)
		}
		ear.WriteFrame(&media.Frame{Codec: ear.WantCodec(), Payload: payloads[0], Timestamp: 1 << 30, Stream: 7})
		if d := ear.Heard().Duration(); d > 2*time.Second {
			t.Errorf("heard %v", d)
		}
	})
}
