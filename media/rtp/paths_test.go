package rtp_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/sdp"
)

var (
	g722    = sdp.Codec{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1}
	opus    = sdp.Codec{Name: sdp.Opus, PT: 111, ClockRate: 48000, Channels: 2, Fmtp: "useinbandfec=1"}
	event48 = sdp.Codec{Name: sdp.TelephoneEvent, PT: 110, ClockRate: 48000, Channels: 1}
)

// speaking is a party whose phone speaks and hears one codec.
func (w *world) speaking(addr string, format sdp.Codec) (media.Endpoint, *phone) {
	w.Helper()
	e, p := w.endpoint(nil), w.phone(addr)
	s := p.session()
	s.Codec, s.Receive = format, []sdp.Codec{format, event}
	if format.ClockRate == 48000 {
		s.Receive, s.Event = []sdp.Codec{format, event48}, event48
	}
	w.connect(e, s)
	return e, p
}

// voice sends a tone in a codec, 20 ms at a time; each moves a phone on by one
// packet.
func (p *phone) voice(format sdp.Codec, hz float64) func(to media.Endpoint) {
	p.Helper()
	c, err := codec.New(format)
	if err != nil {
		p.Fatal(err)
	}
	pcm, b, n := make([]int16, c.Rate()/50), make([]byte, 1400), 0
	return func(to media.Endpoint) {
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(n)/float64(c.Rate())))
			n++
		}
		size, err := c.Encode(b, pcm)
		if err != nil {
			p.Error(err)
		}
		p.send.PayloadType, p.send.Payload = format.PT, b[:size]
		p.transmit(to.Local())
		p.send.Timestamp += uint32(format.ClockRate / 50)
	}
}

// sound is what a phone heard, decoded and laid out by timestamps.
func (p *phone) sound(format sdp.Codec) audio.PCM {
	p.Helper()
	c, err := codec.New(format)
	if err != nil {
		p.Fatal(err)
	}
	out, buf := audio.PCM{Rate: c.Rate(), Channels: 1}, make([]int16, 5760)
	got := p.packets()
	for _, h := range got {
		if h.PayloadType != format.PT {
			continue
		}
		n, err := c.Decode(buf, h.Payload)
		if err != nil {
			p.Fatal(err)
		}
		at := int(h.Timestamp-got[0].Timestamp) * c.Rate() / format.ClockRate
		for len(out.Samples) < at+n {
			out.Samples = append(out.Samples, 0)
		}
		copy(out.Samples[at:], buf[:n])
	}
	return out
}

// Every pair of codecs in one call: each hears the other's tone, without a gap.
func TestEveryPairOfCodecs(t *testing.T) {
	all := []sdp.Codec{pcma, pcmu, g722, opus}
	for i, one := range all {
		for _, other := range all[i:] {
			run(t, func(t *testing.T, w *world) {
				a, alice := w.speaking("10.0.1.1:4000", one)
				b, bob := w.speaking("10.0.1.2:4000", other)
				a.Hear(b)
				b.Hear(a)
				fromAlice, fromBob := alice.voice(one, 500), bob.voice(other, 1300)
				for range 100 {
					fromAlice(a)
					fromBob(b)
					time.Sleep(frame)
				}
				for _, x := range []struct {
					heard audio.PCM
					tone  float64
				}{{bob.sound(other), 500}, {alice.sound(one), 1300}} {
					// The first 100 ms are the codecs' own.
					if err := (mediatest.Expect{Tone: x.tone, From: 100 * time.Millisecond, Gap: 20 * time.Millisecond}).Check(x.heard); err != nil {
						t.Errorf("%s and %s: %v", one.Name, other.Name, err)
					}
				}
				continuous(t, alice.packets())
				continuous(t, bob.packets())
			})
		}
	}
}

// The path changes in mid-call, to every other and back, by renegotiation on the
// speaker's side: for the listener it is one stream without a gap, and no codec
// is kept that is not needed.
func TestPathChangesInMidCall(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.speaking("10.0.1.1:4000", pcma)
		b, bob := w.speaking("10.0.1.2:4000", pcma)
		b.Hear(a)
		for _, format := range []sdp.Codec{pcma, g722, pcmu, opus, pcma, opus, g722, pcma} {
			s := alice.session()
			s.Codec, s.Receive = format, []sdp.Codec{format}
			w.connect(a, s)
			speak := alice.voice(format, 800)
			for range 50 {
				speak(a)
				time.Sleep(frame)
			}
		}
		got := bob.packets()
		continuous(t, got)
		if len(got) < 395 {
			t.Errorf("%d packets of 400", len(got))
		}
		for i := 1; i < len(got); i++ {
			if step := got[i].Timestamp - got[i-1].Timestamp; step < 160 || step > 480 {
				t.Errorf("packet %d: timestamp moves by %d", i, step)
			}
		}
		if err := (mediatest.Expect{Tone: 800, From: 100 * time.Millisecond}).Check(bob.sound(pcma)); err != nil {
			t.Error(err)
		}
	})
}

// Loss on the way to us stays visible to the listener of a converted stream, and
// 1 % of it leaves no gap above 60 ms for one who gets it made up.
func TestLossOnAConvertedPath(t *testing.T) {
	for _, to := range []sdp.Codec{pcma, opus} {
		run(t, func(t *testing.T, w *world) {
			a, alice := w.speaking("10.0.1.1:4000", g722)
			b, bob := w.speaking("10.0.1.2:4000", to)
			b.Hear(a)
			speak := alice.voice(g722, 600)
			for i := range 300 {
				if i%97 == 50 {
					alice.send.SequenceNumber++
					alice.send.Timestamp += 160
				} else {
					speak(a)
				}
				time.Sleep(frame)
			}
			if err := (mediatest.Expect{Tone: 600, From: 100 * time.Millisecond, Above: 12}).Check(bob.sound(to)); err != nil {
				t.Errorf("%s: %v", to.Name, err)
			}
			got := bob.packets()
			missing := int(got[len(got)-1].SequenceNumber-got[0].SequenceNumber) + 1 - len(got)
			if want := map[string]int{sdp.PCMA: 3, sdp.Opus: 0}[to.Name]; missing != want {
				t.Errorf("%s: %d packets are missing, want %d", to.Name, missing, want)
			}
		})
	}
}

// Digits pass a converted path like any other, with the listener's clock, and the
// sound goes on after them.
func TestDigitsOnAConvertedPath(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		o := &observer{}
		a, alice := w.speaking("10.0.1.1:4000", g722)
		b := w.endpoint(o)
		bob := w.phone("10.0.1.2:4000")
		s := bob.session()
		s.Codec, s.Receive, s.Event = opus, []sdp.Codec{opus, event48}, event48
		w.connect(b, s)
		b.Hear(a)
		speak := alice.voice(g722, 600)
		for range 25 {
			speak(a)
			time.Sleep(frame)
		}
		alice.press(a, 5, 3, 3)
		for range 25 {
			speak(a)
			time.Sleep(frame)
		}
		keys, longest := 0, uint16(0)
		for _, h := range bob.packets() {
			if h.PayloadType == event48.PT {
				keys++
				longest = max(longest, uint16(h.Payload[2])<<8|uint16(h.Payload[3]))
			}
		}
		if keys != 6 || longest != 1200*6 { // 150 ms of 48 kHz
			t.Errorf("%d packets of a key that lasts %d", keys, longest)
		}
		continuous(t, bob.packets())
		if n := len(bob.packets()); n != 56 {
			t.Errorf("%d packets in all, want 56", n)
		}
		// And towards a party without telephone events as tones, in its codec.
		s.Event, s.Receive = sdp.Codec{}, []sdp.Codec{opus}
		w.connect(b, s)
		before := len(bob.packets())
		b.SendDigits("1", 200*time.Millisecond)
		time.Sleep(time.Second)
		after := bob.packets()[before:]
		if len(after) != 13 || len(after[0].Payload) < 10 || after[1].Timestamp-after[0].Timestamp != 960 {
			t.Errorf("%d packets of tones", len(after))
		}
	})
}

// Comfort noise (RFC 3389) of a phone is understood, and is not passed on to a
// listener who was not offered it: he hears a pause as long as it was.
func TestComfortNoiseIsAPause(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		s := alice.session()
		s.Receive = append(s.Receive, sdp.Codec{Name: sdp.ComfortNoise, PT: 13, ClockRate: 8000, Channels: 1})
		w.connect(a, s)
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		alice.talk(a, 5)
		alice.send.PayloadType, alice.send.Payload = 13, []byte{60}
		alice.transmit(a.Local())
		time.Sleep(time.Second)
		alice.send.Timestamp += 8000
		alice.send.PayloadType = 8
		alice.talk(a, 5)
		got := bob.packets()
		if len(got) != 10 || a.Stats().Ignored != 0 {
			t.Fatalf("%d packets heard, %d ignored", len(got), a.Stats().Ignored)
		}
		continuous(t, got)
		if pause := got[5].Timestamp - got[4].Timestamp; pause < 8000 || pause > 8320 || !got[5].Marker {
			t.Errorf("a pause of %d", pause)
		}
	})
}

// A player is asked for what costs least: a phone that speaks Opus is played
// G.722, which is encoded as it goes.
func TestPlayerToOpus(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.speaking("10.0.1.1:4000", opus)
		if c := a.(media.CodecWanter).WantCodec(); c.Name != sdp.G722 {
			t.Errorf("wants %s", c.Name)
		}
		p := audio.Loop(audio.NewClip(mediatest.Sine(16000, 700, -10, time.Second)))
		defer p.Close()
		a.Hear(p)
		time.Sleep(2 * time.Second)
		if err := (mediatest.Expect{Tone: 700, From: 200 * time.Millisecond, To: 1900 * time.Millisecond}).Check(alice.sound(opus)); err != nil {
			t.Error(err)
		}
	})
}

// Packet times are the listener's choice: what comes in others is cut anew, and
// not a byte is lost.
func TestPacketTimesAreTheListeners(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		var said, heard []byte
		for i, size := range []int{80, 160, 240, 480} {
			alice.send.Payload = bytes.Repeat([]byte{byte(i + 1)}, size)
			said = append(said, alice.send.Payload...)
			alice.transmit(a.Local())
			alice.send.Timestamp += uint32(size)
			time.Sleep(time.Duration(size) * time.Second / 8000)
		}
		got := bob.packets()
		continuous(t, got)
		for i, h := range got {
			heard = append(heard, h.Payload...)
			if len(h.Payload) != 160 || i > 0 && h.Timestamp-got[i-1].Timestamp != 160 {
				t.Errorf("packet %d: %d bytes at %d", i, len(h.Payload), h.Timestamp)
			}
		}
		if !bytes.Equal(said, heard) {
			t.Errorf("%d bytes said, %d heard", len(said), len(heard))
		}
	})
}

// Sound in a codec that nobody can convert is dropped, not sent as noise.
func TestCodecTheListenerDoesNotTake(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		s := alice.session()
		s.Receive = append(s.Receive, sdp.Codec{Name: "G729", PT: 18, ClockRate: 8000, Channels: 1})
		w.connect(a, s)
		b.Hear(a)
		alice.talk(a, 3)
		alice.send.PayloadType = 18
		alice.talk(a, 3)
		alice.send.PayloadType = 8
		alice.talk(a, 3)
		got := bob.packets()
		if len(got) != 6 {
			t.Fatalf("%d packets heard, want 6", len(got))
		}
		continuous(t, got)
	})
}
