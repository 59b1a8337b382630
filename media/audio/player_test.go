package audio_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/sdp"
)

// record is a sink that keeps frames and when they came.
type record struct {
	mu     sync.Mutex
	want   sdp.Codec
	frames []media.Frame
	at     []time.Time
	stall  time.Duration // how long the next frame keeps the player
}

func (r *record) WantCodec() sdp.Codec {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.want
}

func (r *record) WriteFrame(f *media.Frame) {
	r.mu.Lock()
	r.frames = append(r.frames, *f)
	r.at = append(r.at, time.Now())
	stall := r.stall
	r.stall = 0
	r.mu.Unlock()
	time.Sleep(stall)
}

func (r *record) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.frames)
}

// deaf is a sink without wishes.
type deaf struct{ last media.Frame }

func (d *deaf) WriteFrame(f *media.Frame) { d.last = *f }

func tone(hz float64, d time.Duration) *audio.Clip { return audio.NewTone(hz, -12, d) }

func TestPlayOnceInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ear, start := mediatest.NewEar(), time.Now()
		p := audio.Play(tone(440, time.Second), audio.NewClip(audio.PCM{}), tone(800, 990*time.Millisecond))
		p.Attach(ear)
		<-p.Done()
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("done after %v, want 2s", d)
		}
		heard := ear.Heard()
		for _, e := range []mediatest.Expect{
			{Tone: 440, Absent: []float64{800}, To: time.Second},
			{Tone: 800, Absent: []float64{440}, From: time.Second, To: 1990 * time.Millisecond},
		} {
			if err := e.Check(heard); err != nil {
				t.Error(err)
			}
		}
	})
}

// One frame every 20 ms from the moment of attaching, numbered and timed so that
// a phone's jitter buffer sees one stream.
func TestPlayerPacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, start := &record{}, time.Now()
		p := audio.Loop(tone(440, 60*time.Millisecond))
		defer p.Close()
		p.Attach(r)
		p.Attach(r) // once is enough
		time.Sleep(time.Second - time.Millisecond)
		synctest.Wait()
		if r.count() != 50 {
			t.Fatalf("%d frames in a second", r.count())
		}
		for i, f := range r.frames {
			first := r.frames[0]
			if want := start.Add(time.Duration(i) * 20 * time.Millisecond); !r.at[i].Equal(want) {
				t.Fatalf("frame %d came at %v", i, r.at[i].Sub(start))
			}
			if f.Timestamp != first.Timestamp+uint32(i)*160 || f.Seq != first.Seq+uint16(i) || f.Stream != first.Stream {
				t.Fatalf("frame %d: %+v", i, f)
			}
			if f.Marker != (i == 0) || f.Samples != 160 || len(f.Payload) != 160 || f.Codec.Name != sdp.PCMA {
				t.Fatalf("frame %d: %+v", i, f)
			}
		}
	})
}

// A player that was kept from running for a moment catches up; after longer it
// leaves a pause and goes on with the next word.
func TestPlayerWhenLate(t *testing.T) {
	for _, c := range []struct {
		stall time.Duration
		pause uint32 // slots
	}{{50 * time.Millisecond, 0}, {79 * time.Millisecond, 0}, {500 * time.Millisecond, 24}} {
		synctest.Test(t, func(t *testing.T) {
			r, start := &record{stall: c.stall}, time.Now()
			p := audio.Play(tone(440, 2*time.Second))
			p.Attach(r)
			<-p.Done()
			if r.count() != 100 {
				t.Errorf("stalled %v: %d frames, want all 100", c.stall, r.count())
			}
			if got := r.frames[1].Timestamp - r.frames[0].Timestamp; got != (c.pause+1)*160 || r.frames[1].Marker != (c.pause > 0) {
				t.Errorf("stalled %v: frame 1 is %+v", c.stall, r.frames[1])
			}
			want := 2*time.Second + time.Duration(c.pause)*20*time.Millisecond
			if d := time.Since(start); d != want {
				t.Errorf("stalled %v: done after %v, want %v", c.stall, d, want)
			}
		})
	}
}

// Nobody is fed after Detach or Close returned, and who comes later joins in.
func TestPlayerAttachDetach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &record{}, &record{}
		p := audio.Loop(tone(440, time.Second))
		p.Attach(a)
		time.Sleep(95 * time.Millisecond)
		p.Attach(b)
		p.Detach(a)
		p.Detach(&record{})
		time.Sleep(100 * time.Millisecond)
		p.Close()
		p.Close()
		p.Attach(a)
		time.Sleep(time.Second)
		if a.count() != 5 || b.count() != 5 || !b.frames[0].Marker || b.frames[0].Seq != a.frames[4].Seq+1 {
			t.Errorf("a got %d frames, b %d: %+v", a.count(), b.count(), b.frames[0])
		}
		select {
		case <-p.Done():
		default:
			t.Error("closed, but not done")
		}
	})
}

// A player nobody ever heard, or without anything to play, leaves nothing behind.
func TestPlayerWithoutListeners(t *testing.T) {
	<-audio.Play().Done()
	<-audio.Loop(audio.NewClip(audio.PCM{Rate: 8000, Channels: 1})).Done()
	p := audio.Loop(audio.Busy())
	p.Close()
	<-p.Done()
}

// A sink gets the codec it asks for, from one frame to the next, and A-law when
// that cannot be made or it does not say.
func TestPlayerFollowsTheWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := &record{want: sdp.Codec{Name: sdp.PCMU, PT: 77, ClockRate: 8000}}, &deaf{}
		p := audio.Loop(tone(440, time.Second))
		defer p.Close()
		p.Attach(r)
		p.Attach(d)
		time.Sleep(10 * time.Millisecond)
		for _, c := range []struct {
			want sdp.Codec
			name string
			pt   uint8
		}{
			{sdp.Codec{Name: sdp.PCMU, PT: 77, ClockRate: 8000}, sdp.PCMU, 77},
			{sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000}, sdp.PCMA, 8},
			{sdp.Codec{Name: "G729", PT: 18, ClockRate: 8000, Channels: 1}, sdp.PCMA, 8},
			{sdp.Codec{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1}, sdp.G722, 9},
			{sdp.Codec{}, sdp.PCMA, 8},
		} {
			r.mu.Lock()
			r.want = c.want
			r.mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			synctest.Wait()
			if f := r.frames[len(r.frames)-1]; f.Codec.Name != c.name || f.Codec.PT != c.pt {
				t.Errorf("wanted %+v, got %+v", c.want, f.Codec)
			}
		}
		if d.last.Codec.Name != sdp.PCMA {
			t.Errorf("without a wish: %+v", d.last.Codec)
		}
	})
}

// Sinks come and go and the player is closed, all at once.
func TestPlayerRaces(t *testing.T) {
	p := audio.Loop(audio.Ringback())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				r := &record{}
				p.Attach(r)
				p.Detach(r)
				n := r.count()
				if n != r.count() {
					t.Error("fed after Detach")
				}
			}
		})
	}
	wg.Go(p.Close)
	wg.Wait()
	<-p.Done()
}

// The tones of the European plan, each in its cadence.
func TestTones(t *testing.T) {
	for name, c := range map[string]struct {
		clip    *audio.Clip
		on, off time.Duration
	}{
		"ringback":   {audio.Ringback(), time.Second, 4 * time.Second},
		"busy":       {audio.Busy(), 500 * time.Millisecond, 500 * time.Millisecond},
		"congestion": {audio.Congestion(), 250 * time.Millisecond, 250 * time.Millisecond},
	} {
		if c.clip.Duration() < c.on+c.off || c.clip.Duration() >= c.on+c.off+20*time.Millisecond {
			t.Errorf("%s lasts %v", name, c.clip.Duration())
		}
		synctest.Test(t, func(t *testing.T) {
			ear := mediatest.NewEar()
			p := audio.Play(c.clip)
			p.Attach(ear)
			<-p.Done()
			on := mediatest.Expect{Tone: 425, From: 5 * time.Millisecond, To: c.on - 5*time.Millisecond}
			off := mediatest.Expect{From: c.on + 5*time.Millisecond, To: c.on + c.off - 5*time.Millisecond}
			for _, e := range []mediatest.Expect{on, off} {
				if err := e.Check(ear.Heard()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// Feeding a listener allocates nothing, whatever it is fed with.
func TestPlayerAllocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deaf{}
		p := audio.Loop(tone(440, time.Second))
		defer p.Close()
		p.Attach(d)
		time.Sleep(2 * time.Second)
		n := testing.AllocsPerRun(200, func() { time.Sleep(20 * time.Millisecond) })
		if n >= 1 {
			t.Errorf("%v allocations per frame", n)
		}
	})
}

func TestClipFrames(t *testing.T) {
	clip := audio.NewClip(mediatest.Sine(48000, 440, -12, 50*time.Millisecond))
	a, ok := clip.Frames(sdp.Codec{Name: sdp.PCMA, ClockRate: 8000})
	if !ok || len(a) != 3 || len(a[2]) != 160 || clip.Duration() != 60*time.Millisecond {
		t.Fatalf("%d frames, %v, %v", len(a), ok, clip.Duration())
	}
	if tail := string(a[2][80:]); tail != strings.Repeat("\xD5", 80) {
		t.Errorf("the last frame is not filled with silence: % x", tail)
	}
	b, _ := clip.Frames(sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1})
	if &a[0][0] != &b[0][0] {
		t.Error("encoded twice")
	}
	if _, ok := clip.Frames(sdp.Codec{Name: "G729", ClockRate: 8000}); ok {
		t.Error("G.729 from nowhere")
	}
}
