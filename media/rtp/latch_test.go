package rtp_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"klapka.dev/klapka/media"
)

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// spray is what an attacker sends at a port from one address: RTP with the
// guessed SSRC of the victim, RTCP that is 4 bytes long, a report that claims to
// be the victim's, and garbage.
func spray(w *world, attacker *phone, e media.Endpoint, victim *phone) {
	w.Helper()
	attacker.send.SSRC = victim.send.SSRC
	attacker.say(e.Local(), 66)
	report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: victim.send.SSRC, NTPTime: 1 << 40}})
	if err != nil {
		w.Fatal(err)
	}
	control := netip.AddrPortFrom(e.Local().Addr(), e.Local().Port()+1)
	for _, to := range []netip.AddrPort{e.Local(), control} {
		for _, b := range [][]byte{{0x80, 201, 0, 0}, {0x80, 200, 0, 1, 0, 0, 0, 0}, report, nil, {0x80}, make([]byte, 1400)} {
			attacker.raw(to, b)
		}
	}
}

// RTP Bleed and RTP injection (reliability rows of CVE-2017-14099 and
// CVE-2025-53399): whoever sprays the ports before, during set-up and in
// mid-call gets nothing back, and nobody hears him.
func TestStrangersAreNeitherHeardNorAnswered(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		attacker := w.phone("10.6.6.6:4000")
		alice, bob := w.phone("10.0.1.1:4000"), w.phone("10.0.1.2:4000")
		a, b := w.endpoint(nil), w.endpoint(nil)
		a.Hear(b)
		b.Hear(a)
		attack := func() { spray(w, attacker, a, alice); spray(w, attacker, b, bob) }
		for range 3 { // before
			attack()
			time.Sleep(frame)
		}
		w.connect(a, alice.session())
		w.connect(b, bob.session())
		attack() // during set-up, before the phones' first packets
		attack()
		for range 200 { // in mid-call
			alice.say(a.Local(), 1)
			bob.say(b.Local(), 2)
			attack()
			time.Sleep(frame)
		}
		time.Sleep(20 * time.Second)
		attack() // while both are silent
		if n := len(attacker.packets()) + len(attacker.control()); n != 0 {
			t.Errorf("the attacker got %d packets", n)
		}
		for who, got := range map[string][]heard{"alice": alice.packets(), "bob": bob.packets()} {
			if len(got) != 200 {
				t.Errorf("%s heard %d of 200 packets", who, len(got))
			}
			continuous(t, got)
			for _, h := range got {
				if h.Payload[0] == 66 {
					t.Fatalf("%s heard the attacker", who)
				}
			}
		}
		if s := a.Stats(); s.Ignored < 200 || s.PacketsReceived != 200 || s.PacketsLost != 0 || s.RoundTrip != 0 {
			t.Errorf("stats: %+v", s)
		}
	})
}

// A party behind NAT sends from another address than it could name. It is
// learned from its first packets, heard and answered there.
func TestPartyBehindNATIsLearned(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		o := &observer{}
		a, phone := w.endpoint(o), w.phone("10.9.9.9:31000")
		s := phone.session()
		s.Remote, s.Signalling = addrPort("192.168.1.20:4000"), phone.addr.Addr()
		w.connect(a, s)
		a.Hear(a)
		phone.talk(a, 20)
		if n := len(phone.packets()); n != 16 {
			t.Errorf("%d packets came back, want all from the fifth on", n)
		}
		if len(o.first) != 1 || o.first[0] != phone.addr {
			t.Errorf("first packet reported: %v", o.first)
		}
		time.Sleep(10 * time.Second)
		if len(phone.control()) == 0 {
			t.Error("no report reached the party, whose RTCP is one port above")
		}
	})
}

// Sound may come from where signalling comes from, and from nowhere else.
func TestSourceElsewhereThanSignallingIsNotLearned(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice, stranger := w.endpoint(nil), w.phone("10.0.1.1:4000"), w.phone("10.6.6.6:4000")
		s := alice.session()
		s.Signalling = alice.addr.Addr()
		w.connect(a, s)
		a.Hear(a)
		stranger.talk(a, 50)
		if n := len(stranger.packets()); n != 0 {
			t.Errorf("the stranger got %d packets", n)
		}
		alice.talk(a, 10)
		if n := len(alice.packets()); n != 10 {
			t.Errorf("alice got %d of 10", n)
		}
	})
}

// A burst is not how a phone begins, and packets that do not belong together
// prove nothing.
func TestBurstsAndScatteredPacketsAreNotLearned(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice, stranger := w.endpoint(nil), w.phone("10.0.1.1:4000"), w.phone("10.6.6.6:4000")
		w.connect(a, alice.session())
		a.Hear(a)
		for range 20 {
			stranger.say(a.Local(), 66)
		}
		stranger.send.SSRC++
		for range 20 {
			stranger.send.SequenceNumber += 1000
			stranger.talk(a, 1)
		}
		if n := len(stranger.packets()); n != 0 {
			t.Errorf("the stranger got %d packets", n)
		}
	})
}

// The signalled address wins at once, also against a source that was learned.
func TestSignalledAddressWins(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice, other := w.endpoint(nil), w.phone("10.0.1.1:4000"), w.phone("10.0.1.1:5000")
		w.connect(a, alice.session())
		a.Hear(a)
		other.talk(a, 10)
		if n := len(other.packets()); n != 6 {
			t.Errorf("another port of the same host got %d packets, want 6", n)
		}
		alice.talk(a, 10)
		other.talk(a, 20)
		if n := len(alice.packets()); n != 10 {
			t.Errorf("alice got %d of 10", n)
		}
		if n := len(other.packets()); n != 6 {
			t.Errorf("the other port got %d packets more", n-6)
		}
	})
}

// A source is learned once; another one only after a renegotiation that named
// another address.
func TestRelearningNeedsARenegotiation(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice, mobile := w.endpoint(nil), w.phone("10.0.1.1:4000"), w.phone("10.0.2.2:4000")
		w.connect(a, alice.session())
		a.Hear(a)
		alice.talk(a, 10)
		w.connect(a, alice.session()) // a session refresh
		mobile.talk(a, 10)
		if n := len(mobile.packets()); n != 0 {
			t.Errorf("%d packets went to an address nobody named", n)
		}
		w.connect(a, mobile.session())
		mobile.talk(a, 10)
		if n := len(mobile.packets()); n != 10 {
			t.Errorf("%d of 10 packets came back to the new address", n)
		}
		alice.talk(a, 10)
		if n := len(alice.packets()); n != 10 {
			t.Errorf("the old address got %d packets more", n-10)
		}
		all := append(alice.packets(), mobile.packets()...)
		continuous(t, all)
	})
}

// Before the party is heard, sound goes to the signalled address: ringback and
// announcements reach phones that do not speak yet.
func TestSoundGoesToTheSignalledAddressFirst(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		a.Hear(b)
		bob.talk(b, 5)
		if n := len(alice.packets()); n != 5 {
			t.Errorf("%d of 5 packets arrived", n)
		}
	})
}

// A flood from the party itself costs no more than speech would.
func TestFloodIsBounded(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		for range 2000 {
			alice.say(a.Local(), 1)
			time.Sleep(time.Millisecond)
		}
		if n := len(bob.packets()); n > 1000 || n < 900 {
			t.Errorf("%d packets relayed in 2 s, want 500 a second", n)
		}
	})
}
