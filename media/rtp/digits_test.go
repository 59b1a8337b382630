package rtp_test

import (
	"math"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx/pbxtest"
)

// Each press is reported once, however many of its packets arrive, also when the
// same key is pressed twice and when all three end packets are lost (M14).
func TestEveryPressIsReportedOnce(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		o := &observer{}
		a, phone := w.endpoint(o), w.phone("10.0.1.1:4000")
		w.connect(a, phone.session())
		phone.talk(a, 5)
		phone.press(a, 1, 3, 3)
		phone.press(a, 1, 3, 1)  // two end packets lost
		phone.press(a, 10, 1, 0) // all lost, and the next key follows at once
		phone.press(a, 11, 0, 1) // all but an end packet lost
		phone.press(a, 15, 2, 0) // all lost, and speech follows
		if got := o.keys(); got != "11*#" {
			t.Errorf("reported %q before speech, want 11*#", got)
		}
		phone.talk(a, 15)
		if got := o.keys(); got != "11*#D" {
			t.Errorf("reported %q, want 11*#D", got)
		}
		if d := o.digits[0].Duration; d != 150*time.Millisecond {
			t.Errorf("first key held for %v, want 150 ms", d)
		}
		phone.press(a, 16, 3, 3) // a hook flash is no key
		phone.talk(a, 15)
		if got := o.keys(); got != "11*#D" {
			t.Errorf("reported %q after a flash", got)
		}
	})
}

// Packets that the network doubles or reorders do not make keys of their own.
func TestPressesOnABadNetwork(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		o := &observer{}
		a, phone := w.endpoint(o), w.phone("10.0.1.1:4000")
		w.connect(a, phone.session())
		w.net.SetLinkBetween(phone.addr.Addr(), a.Local().Addr(),
			pbxtest.Link{Delay: 40 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.1, Duplicate: 0.3, Reorder: 0.2})
		want := ""
		for i := range 100 {
			want += string("0123456789*#ABCD"[i%16])
			phone.press(a, byte(i%16), 3, 3)
			phone.talk(a, 2)
		}
		phone.talk(a, 20)
		if got := o.keys(); got != want {
			t.Errorf("reported %q\nwant     %q", got, want)
		}
	})
}

// Keys are passed on with the listener's payload type, on our timeline.
func TestPressesAreRelayed(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		s := bob.session()
		s.Event.PT = 96
		w.connect(b, s)
		b.Hear(a)
		alice.talk(a, 5)
		alice.press(a, 7, 3, 3)
		alice.press(a, 8, 1, 3)
		alice.talk(a, 5)
		got := bob.packets()
		if len(got) != 20 {
			t.Fatalf("%d packets heard, want 20", len(got))
		}
		continuous(t, got)
		for i, h := range got[5:15] {
			key, first := byte(7), 5
			if i >= 6 {
				key, first = 8, 11
			}
			if h.PayloadType != 96 || h.Payload[0] != key || h.Timestamp != got[first].Timestamp || h.Marker != (5+i == first) {
				t.Errorf("packet %d: %v %v", 5+i, h.Header, h.Payload)
			}
		}
		if d := got[15].Timestamp - got[4].Timestamp; d != 160+10*400 {
			t.Errorf("speech goes on %d units after the last before the keys, want %d", d, 160+10*400)
		}
	})
}

// Digits of ours (RFC 4733 §2.5.1): marker on the first packet, one timestamp,
// growing duration, the end three times, a pause, and speech waits meanwhile.
func TestSendDigits(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		a.Hear(b)
		bob.talk(b, 5)
		a.SendDigits("5#", 120*time.Millisecond)
		alice.talk(a, 1)
		for range 30 {
			bob.talk(b, 1)
		}
		got := alice.packets()
		continuous(t, got)
		events := eventsOf(got)
		want := []struct {
			key, flags byte
			duration   uint16
			at         time.Duration
		}{
			{5, 10, 160, 0}, {5, 10, 400, 50}, {5, 10, 800, 100}, {5, 138, 960, 120}, {5, 138, 960, 140}, {5, 138, 960, 160},
			{11, 10, 160, 210}, {11, 10, 400, 260}, {11, 10, 800, 310}, {11, 138, 960, 330}, {11, 138, 960, 350}, {11, 138, 960, 370},
		}
		if len(events) != len(want) {
			t.Fatalf("%d event packets, want %d", len(events), len(want))
		}
		for i, x := range want {
			h := events[i]
			duration := uint16(h.Payload[2])<<8 | uint16(h.Payload[3])
			at := h.at.Sub(events[0].at)
			if h.Payload[0] != x.key || h.Payload[1] != x.flags || duration != x.duration || at != x.at*time.Millisecond {
				t.Errorf("event packet %d: % x after %v, want %+v", i, h.Payload, at, x)
			}
			if h.Marker != (i%6 == 0) || h.Timestamp != events[i/6*6].Timestamp {
				t.Errorf("event packet %d: %v", i, h.Header)
			}
		}
		if d := events[6].Timestamp - events[0].Timestamp; d != 1680 {
			t.Errorf("second key %d units after the first, want 1680", d)
		}
		if got[5].at != events[0].at || got[16].PayloadType != 101 || got[17].PayloadType != 8 || !got[17].Marker {
			t.Error("speech did not wait for the keys")
		}
	})
}

func eventsOf(got []heard) (events []heard) {
	for _, h := range got {
		if h.PayloadType == 101 {
			events = append(events, h)
		}
	}
	return events
}

// A party that knows no telephone events hears the tones of Q.23, from us and
// from the keys of the other party.
func TestDigitsAsTones(t *testing.T) {
	for _, law := range []sdp.Codec{pcma, pcmu} {
		t.Run(law.Name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				a, alice := w.endpoint(nil), w.phone("10.0.1.1:4000")
				s := alice.session()
				s.Codec, s.Event = law, sdp.Codec{}
				w.connect(a, s)
				b, bob := w.party("10.0.1.2:4000")
				a.Hear(b)
				a.SendDigits("1", 100*time.Millisecond)
				time.Sleep(500 * time.Millisecond)
				bob.press(b, 1, 4, 3) // the second key, relayed
				time.Sleep(500 * time.Millisecond)
				got := alice.packets()
				continuous(t, got)
				if len(got) != 8+9 {
					t.Fatalf("%d packets, want 8 and 9: tones and the pause after them", len(got))
				}
				for _, x := range []struct {
					packets    []heard
					low, high  float64
					other, odd float64
				}{{got[:5], 697, 1209, 770, 1336}, {got[8:14], 697, 1209, 852, 1477}} {
					pcm := decode(t, law, x.packets)
					for _, hz := range []float64{x.low, x.high} {
						if db := level(pcm, hz); db < -14 || db > -6 {
							t.Errorf("%v Hz at %.1f dBm0", hz, db)
						}
					}
					for _, hz := range []float64{x.other, x.odd} {
						if db := level(pcm, hz); db > -30 {
							t.Errorf("%v Hz at %.1f dBm0, want silence", hz, db)
						}
					}
				}
				if db := level(decode(t, law, got[5:8]), 697); db > -60 {
					t.Errorf("the pause sounds: %.1f dBm0", db)
				}
			})
		})
	}
}

func decode(t *testing.T, law sdp.Codec, packets []heard) (pcm []int16) {
	t.Helper()
	c, err := codec.New(law)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range packets {
		b := make([]int16, len(h.Payload))
		if _, err := c.Decode(b, h.Payload); err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, b...)
	}
	return pcm
}

// level is that of a frequency in dBm0 (Goertzel with a Hann window).
func level(pcm []int16, hz float64) float64 {
	var a, b float64
	k := 2 * math.Cos(2*math.Pi*hz/8000)
	for i, s := range pcm {
		hann := 1 - math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		a, b = float64(s)*hann+k*a-b, a
	}
	amplitude := 2 * math.Sqrt(max(a*a+b*b-k*a*b, 1)) / float64(len(pcm))
	return 20*math.Log10(amplitude/32767) + 3.14
}

// What cannot be sent is not: no digits to who holds, nor unknown characters, nor
// more than a queue holds.
func TestDigitsThatAreNotSent(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		a.SendDigits("x, é", 0)
		s := alice.session()
		s.Direction = sdp.RecvOnly
		w.connect(a, s)
		a.SendDigits("1", 0)
		time.Sleep(time.Second)
		if n := len(alice.packets()); n != 0 {
			t.Errorf("%d packets sent", n)
		}
		w.connect(a, alice.session())
		a.SendDigits("1", time.Second)
		time.Sleep(200 * time.Millisecond)
		w.connect(a, s) // hold in mid-press
		time.Sleep(200 * time.Millisecond)
		before := len(alice.packets())
		time.Sleep(2 * time.Second)
		if n := len(alice.packets()); n != before {
			t.Errorf("%d packets sent to who holds", n-before)
		}
	})
}

// The press of a key is not heard twice: an echo returns it, nothing more.
func TestEchoOfAPress(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		a.Hear(a)
		alice.press(a, 3, 3, 3)
		got := eventsOf(alice.packets())
		if len(got) != 6 {
			t.Errorf("%d event packets came back, want 6", len(got))
		}
		continuous(t, got)
	})
}

var _ media.Observer = (*observer)(nil)
