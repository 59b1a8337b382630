package rtp_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx/pbxtest"
)

// Two phones hear each other: every packet once, as it was said, with numbers
// that are ours.
func TestRelayBothWays(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		a.Hear(b)
		b.Hear(a)
		for range 50 {
			alice.say(a.Local(), 1)
			bob.say(b.Local(), 2)
			time.Sleep(frame)
		}
		for _, x := range []struct {
			listener *phone
			speaker  *phone
			from     string
			fill     byte
		}{{alice, bob, a.Local().String(), 2}, {bob, alice, b.Local().String(), 1}} {
			got := x.listener.packets()
			if len(got) != 50 {
				t.Fatalf("%d of 50 packets heard", len(got))
			}
			continuous(t, got)
			for i, h := range got {
				if h.PayloadType != 8 || len(h.Payload) != 160 || h.Payload[0] != x.fill || h.from != x.from {
					t.Fatalf("packet %d: %v from %s", i, h.Header, h.from)
				}
				if h.SSRC == x.speaker.send.SSRC {
					t.Fatal("the speaker's SSRC was relayed")
				}
				if h.Marker != (i == 0) {
					t.Errorf("packet %d: marker %v", i, h.Marker)
				}
				if i > 0 && h.Timestamp-got[i-1].Timestamp != 160 {
					t.Errorf("packet %d: timestamp advanced by %d", i, h.Timestamp-got[i-1].Timestamp)
				}
			}
		}
		s := a.Stats()
		if s.PacketsReceived != 50 || s.PacketsSent != 50 || s.PacketsLost != 0 || s.Ignored != 0 || s.Codec != "PCMA" {
			t.Errorf("stats: %+v", s)
		}
	})
}

// What the network loses, doubles or reorders on the way in is what the listener
// sees: gaps stay gaps, so that his jitter buffer can do its work.
func TestGapsStayGaps(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		alice.talk(a, 1)
		base := bob.packets()[0].SequenceNumber
		from := alice.send.SequenceNumber - 1
		w.net.SetLinkBetween(alice.addr.Addr(), a.Local().Addr(), pbxtest.Link{Loss: 0.1, Reorder: 0.1})
		alice.talk(a, 300)
		time.Sleep(time.Second)
		got := bob.packets()
		if len(got) < 250 || len(got) > 300 {
			t.Fatalf("%d of 300 packets heard with 10 %% loss", len(got))
		}
		reordered := 0
		for i, h := range got {
			if said := byte(from + h.SequenceNumber - base); h.Payload[0] != said {
				t.Fatalf("packet %d has the number of %d but the sound of %d", i, said, h.Payload[0])
			}
			if i > 0 && int16(h.SequenceNumber-got[i-1].SequenceNumber) < 0 {
				reordered++
			}
		}
		if reordered == 0 {
			t.Error("packets were put in order, which is the listener's work")
		}
		if lost := int(a.Stats().PacketsLost); lost != 301-len(got) {
			t.Errorf("%d lost, want %d", lost, 301-len(got))
		}
		w.net.SetLinkBetween(alice.addr.Addr(), a.Local().Addr(), pbxtest.Link{Duplicate: 1})
		alice.talk(a, 10)
		if n := len(bob.packets()) - len(got); n != 10 {
			t.Errorf("%d of 10 doubled packets relayed", n)
		}
	})
}

func TestALawIsConvertedToMuLawAndBack(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		s := bob.session()
		s.Codec = pcmu
		w.connect(b, s)
		a.Hear(b)
		b.Hear(a)
		bob.send.PayloadType = 0
		for i := range 256 {
			alice.say(a.Local(), byte(i))
			bob.say(b.Local(), byte(i))
			time.Sleep(frame)
		}
		for i, h := range bob.packets() {
			if want := codec.ALawToMuLaw[i]; h.PayloadType != 0 || h.Payload[0] != want || h.Payload[159] != want {
				t.Fatalf("A-law %d became %d (%d)", i, h.Payload[0], h.PayloadType)
			}
		}
		for i, h := range alice.packets() {
			if want := codec.MuLawToALaw[i]; h.PayloadType != 8 || h.Payload[0] != want {
				t.Fatalf("µ-law %d became %d (%d)", i, h.Payload[0], h.PayloadType)
			}
		}
		if len(alice.packets()) != 256 || len(bob.packets()) != 256 {
			t.Error("packets are missing")
		}
	})
}

func TestEcho(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		a.Hear(a)
		alice.talk(a, 20)
		got := alice.packets()
		if len(got) != 20 || !bytes.Equal(got[7].Payload, bytes.Repeat([]byte{byte(got[7].SequenceNumber - got[0].SequenceNumber + 250)}, 160)) {
			t.Fatalf("%d packets came back", len(got))
		}
		continuous(t, got)
	})
}

// Whoever is heard next, the listener gets one stream: SSRC and sequence numbers
// go on, the timestamp advances by the time that passed (M12).
func TestSwitchingTheSourceKeepsTheStream(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		c, carol := w.party("10.0.1.3:4000")
		b.Hear(a)
		alice.talk(a, 10)
		b.Hear(nil)
		alice.talk(a, 50) // nobody hears this second
		b.Hear(c)
		carol.talk(c, 10)
		b.Hear(b)
		bob.talk(b, 10)
		got := bob.packets()
		if len(got) != 30 {
			t.Fatalf("%d packets heard, want 30", len(got))
		}
		continuous(t, got)
		for i, want := range map[int]uint32{10: 160 + 8000, 20: 160} {
			if d := got[i].Timestamp - got[i-1].Timestamp; d != want || !got[i].Marker {
				t.Errorf("packet %d: timestamp advanced by %d, want %d; marker %v", i, d, want, got[i].Marker)
			}
		}
	})
}

// A phone that starts its stream anew (new SSRC) is heard on in the old one.
func TestNewSSRCOfTheSpeaker(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		alice.talk(a, 10)
		alice.send.SSRC, alice.send.SequenceNumber, alice.send.Timestamp = 99, 7, 1
		alice.talk(a, 10)
		alice.send.SequenceNumber, alice.send.Timestamp = 30000, 1 // restarted with the same SSRC
		alice.talk(a, 10)
		got := bob.packets()
		if len(got) != 29 {
			t.Fatalf("%d packets heard, want all but the one that had to be confirmed", len(got))
		}
		continuous(t, got)
		if s := a.Stats(); s.PacketsLost != 0 {
			t.Errorf("%d lost", s.PacketsLost)
		}
	})
}

// Some phones set their timestamps anew, forward or back, without a new SSRC.
// The listener's timestamps follow the clock, keys are still recognised, and the
// jump is not taken for jitter.
func TestSpeakerSetsItsClockAnew(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		o := &observer{}
		a, alice := w.endpoint(o), w.phone("10.0.1.1:4000")
		w.connect(a, alice.session())
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		for i, jump := range []uint32{0, 1 << 30, 1 << 31, 7 << 29} {
			alice.send.Timestamp += jump
			alice.talk(a, 5)
			alice.press(a, byte(i), 1, 1)
			alice.talk(a, 60)
		}
		got := bob.packets()
		continuous(t, got)
		if span := got[len(got)-1].Timestamp - got[0].Timestamp; span < 40000 || span > 45000 {
			t.Errorf("%d timestamp units in 5.4 s", span)
		}
		if o.keys() != "0123" {
			t.Errorf("keys %q, want 0123", o.keys())
		}
		if j := a.Stats().Jitter; j > 20*time.Millisecond {
			t.Errorf("jitter %v", j)
		}
	})
}

// Renegotiation in mid-call: the stream goes on, and what was under way in the
// old payload types is still understood for 2 s.
func TestRenegotiationKeepsTheStream(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		alice.talk(a, 5)
		s := alice.session()
		s.Receive = []sdp.Codec{pcmu}
		w.connect(a, s)
		s = bob.session()
		s.Codec = pcmu
		w.connect(b, s)
		alice.talk(a, 5) // still A-law
		alice.send.PayloadType = 0
		alice.talk(a, 5)
		time.Sleep(2 * time.Second)
		alice.send.PayloadType = 8
		alice.talk(a, 5) // too late
		got := bob.packets()
		if len(got) != 15 {
			t.Fatalf("%d packets heard, want 15", len(got))
		}
		continuous(t, got)
		for i, h := range got {
			if want := map[bool]uint8{true: 8, false: 0}[i < 5]; h.PayloadType != want {
				t.Errorf("packet %d has payload type %d, want %d", i, h.PayloadType, want)
			}
		}
		if got := a.Stats().Ignored; got != 5 {
			t.Errorf("%d ignored, want the 5 of a forgotten payload type", got)
		}
	})
}

// Directions (RFC 3264 §5.1, §8.4): nothing is sent to who holds, and nothing is
// taken from who said he only listens.
func TestHold(t *testing.T) {
	for _, x := range []struct {
		ours         sdp.Direction
		hears, heard bool
	}{
		{sdp.SendRecv, true, true}, {sdp.SendOnly, true, false}, {sdp.RecvOnly, false, true}, {sdp.Inactive, false, false},
	} {
		t.Run(string(x.ours), func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				a, alice := w.party("10.0.1.1:4000")
				b, bob := w.party("10.0.1.2:4000")
				a.Hear(b)
				b.Hear(a)
				both := func() (toAlice, toBob int) {
					before, other := len(alice.packets()), len(bob.packets())
					for range 10 {
						alice.say(a.Local(), 1)
						bob.say(b.Local(), 2)
						time.Sleep(frame)
					}
					return len(alice.packets()) - before, len(bob.packets()) - other
				}
				both()
				s := alice.session()
				s.Direction = x.ours
				w.connect(a, s)
				toAlice, toBob := both()
				if toAlice != map[bool]int{true: 10}[x.hears] || toBob != map[bool]int{true: 10}[x.heard] {
					t.Errorf("alice hears %d of 10, bob %d", toAlice, toBob)
				}
				w.connect(a, alice.session())
				if toAlice, toBob := both(); toAlice != 10 || toBob != 10 {
					t.Errorf("resumed: alice hears %d of 10, bob %d", toAlice, toBob)
				}
				continuous(t, alice.packets())
			})
		})
	}
}

// The old way to hold is an address of 0.0.0.0 (RFC 3264 §8.4); after it the
// party is where it was.
func TestHoldByAddress(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		a.Hear(a)
		alice.talk(a, 5)
		s := alice.session()
		s.Remote, s.Held = addrPort("0.0.0.0:4000"), true
		w.connect(a, s)
		alice.talk(a, 5)
		if n := len(alice.packets()); n != 5 {
			t.Errorf("%d packets, want none since the hold", n-5)
		}
		w.connect(a, alice.session())
		alice.talk(a, 5)
		if n := len(alice.packets()); n != 10 {
			t.Errorf("%d packets after resuming, want 5", n-5)
		}
	})
}

// Sources that can choose give what the party takes as it is.
func TestWhatThePartyWants(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		e := w.endpoint(nil)
		wants := e.(media.CodecWanter)
		if c := wants.WantCodec(); c.Name != "" {
			t.Errorf("wants %v before it is connected", c)
		}
		s := w.phone("10.0.1.1:4000").session()
		s.Codec = pcmu
		w.connect(e, s)
		if c := wants.WantCodec(); c != pcmu {
			t.Errorf("wants %v, want PCMU", c)
		}
	})
}

// A session that makes no sense is refused and changes nothing.
func TestConnectRefusesNonsense(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		a.Hear(a)
		for _, c := range []sdp.Codec{{Name: "X", PT: 128, ClockRate: 8000}, {Name: "X", PT: 96}} {
			s := alice.session()
			s.Remote, s.Receive = addrPort("10.0.1.9:4000"), []sdp.Codec{pcma, c}
			if err := a.Connect(s); err == nil {
				t.Errorf("payload type %d at %d Hz accepted", c.PT, c.ClockRate)
			}
		}
		alice.talk(a, 5)
		if n := len(alice.packets()); n != 5 {
			t.Errorf("%d of 5 packets came back", n)
		}
	})
}

// A party whose address is not known yet (late offer) is sent nothing, and what
// comes from anywhere is not believed.
func TestPartyWithoutAddress(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.endpoint(nil), w.phone("10.0.1.1:4000")
		s := alice.session()
		s.Remote = netip.AddrPort{}
		w.connect(a, s)
		a.Hear(a)
		a.SendDigits("1", 0)
		alice.talk(a, 300)
		if n := len(alice.packets()) + len(alice.control()); n != 0 {
			t.Errorf("%d packets sent", n)
		}
		w.connect(a, alice.session())
		alice.talk(a, 5)
		if n := len(alice.packets()); n != 5 {
			t.Errorf("%d of 5 packets came back once the address was known", n)
		}
	})
}

// The longest silence within a call is measured; a hold is none.
func TestLongestGap(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		alice.talk(a, 5)
		time.Sleep(100 * time.Millisecond)
		alice.talk(a, 5)
		last := time.Now().Add(-frame)
		s := alice.session()
		s.Direction = sdp.SendOnly
		w.connect(a, s)
		time.Sleep(time.Minute)
		w.connect(a, alice.session())
		if got := a.Stats(); got.MaxInterarrival != 120*time.Millisecond || !got.LastPacket.Equal(last) {
			t.Errorf("longest gap %v, last packet %v", got.MaxInterarrival, got.LastPacket)
		}
		alice.talk(a, 5)
		if got := a.Stats().MaxInterarrival; got != 120*time.Millisecond {
			t.Errorf("longest gap %v after a hold", got)
		}
	})
}
