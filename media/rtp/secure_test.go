package rtp_test

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
)

// suites are those of RFC 4568, 6188 and 7714 with the library's names.
var suites = map[string]srtp.ProtectionProfile{
	sdp.AES128CM80: srtp.ProtectionProfileAes128CmHmacSha1_80, sdp.AES128CM32: srtp.ProtectionProfileAes128CmHmacSha1_32,
	sdp.AES256CM80: srtp.ProtectionProfileAes256CmHmacSha1_80, sdp.AES256CM32: srtp.ProtectionProfileAes256CmHmacSha1_32,
	sdp.AES128GCM: srtp.ProtectionProfileAeadAes128Gcm, sdp.AES256GCM: srtp.ProtectionProfileAeadAes256Gcm,
}

// crypto is a key of a suite.
func crypto(t testing.TB, suite string, fill byte) sdp.Crypto {
	t.Helper()
	for _, c := range sdp.NewCrypto() {
		if c.Suite == suite {
			c.Key = bytes.Repeat([]byte{fill}, len(c.Key))
			return c
		}
	}
	t.Fatalf("no suite %q", suite)
	return sdp.Crypto{}
}

func context(t testing.TB, c sdp.Crypto) *srtp.Context {
	t.Helper()
	n, err := suites[c.Suite].KeyLen()
	if err != nil {
		t.Fatal(err)
	}
	options := []srtp.ContextOption{}
	if c.MKI != nil {
		options = append(options, srtp.MasterKeyIndicator(c.MKI))
	}
	ctx, err := srtp.CreateContext(c.Key[:n], c.Key[n:], suites[c.Suite], options...)
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// securePhone is a phone that encrypts what it sends.
type securePhone struct {
	*phone
	key sdp.Crypto // of what it sends
	ctx *srtp.Context
}

// secure makes a phone that encrypts with a key.
func (w *world) secure(addr string, key sdp.Crypto) *securePhone {
	w.Helper()
	p := &securePhone{phone: w.phone(addr), key: key, ctx: context(w.T, key)}
	p.sealed.Store(true)
	return p
}

// secureParty is an endpoint with such a phone; ours is the exchange's key.
func (w *world) secureParty(addr string, ours, theirs sdp.Crypto) (media.Endpoint, *securePhone) {
	w.Helper()
	e, p := w.endpoint(nil), w.secure(addr, theirs)
	s := p.session()
	s.Encrypt, s.Decrypt = ours, theirs
	w.connect(e, s)
	return e, p
}

// talk says packets of 20 ms, encrypted.
func (p *securePhone) talk(to media.Endpoint, packets int) {
	for range packets {
		p.sayTo(to.Local(), p.ctx)
		time.Sleep(frame)
	}
}

func (p *securePhone) sayTo(to netip.AddrPort, ctx *srtp.Context) []byte {
	p.send.Payload = slices.Repeat([]byte{byte(p.send.SequenceNumber)}, 160)
	b, err := p.send.Marshal()
	if err != nil {
		p.Fatal(err)
	}
	sealed, err := ctx.EncryptRTP(nil, b, nil)
	if err != nil {
		p.Fatal(err)
	}
	p.raw(to, sealed)
	p.send.SequenceNumber++
	p.send.Timestamp += 160
	return sealed
}

// opened is what the phone understood, with the exchange's key.
func (p *securePhone) opened(ours sdp.Crypto) (out []heard) {
	p.Helper()
	ctx := context(p.T, ours)
	for i, h := range p.packets() {
		b, err := h.Marshal()
		if err != nil {
			p.Fatal(err)
		}
		plain, err := ctx.DecryptRTP(nil, b, nil)
		if err != nil {
			p.Errorf("packet %d: %v", i, err)
			continue
		}
		if err := h.Unmarshal(plain); err != nil {
			p.Fatal(err)
		}
		out = append(out, h)
	}
	return out
}

// Each suite both ways in one call with a phone that has no encryption: each
// hears the other, and nothing readable reaches the first one's wire.
func TestSecureToPlain(t *testing.T) {
	for suite := range suites {
		t.Run(suite, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				ours := crypto(t, suite, 1)
				a, alice := w.secureParty("10.0.1.1:4000", ours, crypto(t, suite, 2))
				b, bob := w.party("10.0.1.2:4000")
				a.Hear(b)
				b.Hear(a)
				for range 20 {
					alice.talk(a, 1)
					bob.say(b.Local(), 7)
				}
				got := bob.packets()
				if len(got) != 20 || len(got[0].Payload) != 160 || got[1].Payload[0] != got[0].Payload[0]+1 {
					t.Fatalf("the plain phone heard %d packets: %v", len(got), got)
				}
				continuous(t, got)
				for _, h := range alice.packets() {
					if bytes.Contains(h.Payload, bytes.Repeat([]byte{7}, 16)) {
						t.Fatal("sound is readable on the wire")
					}
				}
				back := alice.opened(ours)
				if len(back) != 20 || !bytes.Equal(back[19].Payload, bytes.Repeat([]byte{7}, 160)) {
					t.Fatalf("the secure phone understood %d packets", len(back))
				}
				continuous(t, back)
			})
		})
	}
}

// Who has no key is not heard, and the endpoint learns nothing of him, not where
// the party is, not that it speaks: neither with plain packets nor with wrong
// tags nor with the party's own packets again.
func TestWrongTagsHaveNoEffect(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		o := &observer{}
		a := w.endpoint(o)
		alice := w.secure("10.0.1.1:4000", crypto(t, sdp.AES128CM80, 2))
		s := alice.session()
		s.Encrypt, s.Decrypt = crypto(t, sdp.AES128CM80, 1), crypto(t, sdp.AES128CM80, 2)
		w.connect(a, s)
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		a.Hear(b)
		mallory := w.secure("10.0.1.9:4000", crypto(t, sdp.AES128CM80, 3))
		for range 10 {
			mallory.talk(a, 1)
			mallory.say(a.Local(), 9)
			time.Sleep(frame)
		}
		alice.say(a.Local(), 9) // without encryption, from the right address
		if n := len(bob.packets()); n != 0 || len(o.first) != 0 || a.Stats().PacketsReceived != 0 {
			t.Fatalf("%d packets of a stranger passed, %v", n, o.first)
		}
		first := alice.sayTo(a.Local(), alice.ctx)
		time.Sleep(frame)
		mallory.raw(a.Local(), first) // replayed
		alice.talk(a, 5)
		bob.talk(b, 3)
		if got := bob.packets(); len(got) != 6 {
			t.Errorf("%d packets heard, want 6", len(got))
		}
		if len(mallory.packets()) != 0 || len(alice.packets()) != 3 {
			t.Errorf("the stranger hears %d packets, the party %d", len(mallory.packets()), len(alice.packets()))
		}
		if got := a.Stats().Ignored; got != 22 {
			t.Errorf("%d ignored, want 22", got)
		}
	})
}

// A party behind NAT is learned by packets that have a valid tag.
func TestSecureLatch(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		ours, theirs := crypto(t, sdp.AES128GCM, 1), crypto(t, sdp.AES128GCM, 2)
		a := w.endpoint(nil)
		alice := w.secure("203.0.113.5:6000", theirs)
		s := alice.session()
		s.Remote, s.Encrypt, s.Decrypt = netip.MustParseAddrPort("192.168.1.5:4000"), ours, theirs
		w.connect(a, s)
		a.Hear(a)
		alice.talk(a, 20)
		if got := alice.opened(ours); len(got) < 15 {
			t.Errorf("%d of about 16 packets came back", len(got))
		}
	})
}

// A re-INVITE with the same keys goes on where it was; with a new key of theirs
// the old one is understood for 2 s more, and no longer.
func TestKeysOverRenegotiations(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		ours, old, next := crypto(t, sdp.AES256CM80, 1), crypto(t, sdp.AES256CM80, 2), crypto(t, sdp.AES256CM80, 3)
		a, alice := w.secureParty("10.0.1.1:4000", ours, old)
		b, bob := w.party("10.0.1.2:4000")
		a.Hear(b)
		b.Hear(a)
		alice.send.SequenceNumber = 65500
		reconnect := func(theirs sdp.Crypto) {
			s := alice.session()
			s.Encrypt, s.Decrypt = ours, theirs
			w.connect(a, s)
		}
		alice.talk(a, 80) // beyond the wrap of sequence numbers, which both sides count
		reconnect(old)
		alice.talk(a, 10)
		bob.talk(b, 10)
		reconnect(next)
		alice.talk(a, 10) // not told yet, or under way
		fresh := context(t, next)
		for range 5 {
			alice.sayTo(a.Local(), fresh)
			time.Sleep(frame)
		}
		if got := bob.packets(); len(got) != 105 {
			t.Errorf("%d packets heard, want 105", len(got))
		}
		time.Sleep(2 * time.Second)
		alice.talk(a, 5)
		if got := bob.packets(); len(got) != 105 {
			t.Errorf("%d packets of a key of the past", len(got)-105)
		}
		bob.talk(b, 10)
		if got := alice.opened(ours); len(got) != 20 {
			t.Errorf("%d packets understood with our key, want 20", len(got))
		}
		continuous(t, bob.packets())
	})
}

// Encryption begins and ends with a renegotiation; nothing plain is taken while
// it lasts. Reports are encrypted as well, and those of strangers disregarded.
func TestSecureReports(t *testing.T) {
	for suite := range suites {
		run(t, func(t *testing.T, w *world) {
			ours, theirs := crypto(t, suite, 1), crypto(t, suite, 2)
			a := w.endpoint(nil)
			conns := [2]net.PacketConn{w.bind(netip.MustParseAddrPort("10.0.1.1:4000")), w.bind(netip.MustParseAddrPort("10.0.1.1:4001"))}
			s := sdp.Session{Remote: netip.MustParseAddrPort("10.0.1.1:4000"), Codec: pcma, Receive: []sdp.Codec{pcma}, Direction: sdp.SendRecv, Encrypt: ours, Decrypt: theirs}
			w.connect(a, s)
			b := make([]byte, 1500)
			n, _, err := conns[1].ReadFrom(b)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := context(t, ours).DecryptRTCP(nil, b[:n], nil)
			if err != nil {
				t.Fatal(err)
			}
			packets, err := rtcp.Unmarshal(plain)
			if err != nil || len(packets) != 2 {
				t.Fatalf("%d packets, %v", len(packets), err)
			}
			ssrc := packets[0].(*rtcp.ReceiverReport).SSRC
			report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{SSRC: ssrc, TotalLost: 7}}}})
			if err != nil {
				t.Fatal(err)
			}
			to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.Local().Addr(), a.Local().Port()+1))
			send := func(b []byte) uint64 {
				if _, err := conns[1].WriteTo(b, to); err != nil {
					t.Fatal(err)
				}
				time.Sleep(frame)
				return a.Stats().RemoteLost
			}
			if lost := send(report); lost != 0 {
				t.Errorf("a plain report counts: %d", lost)
			}
			sealed, err := context(t, theirs).EncryptRTCP(nil, report, nil)
			if err != nil {
				t.Fatal(err)
			}
			if lost := send(sealed); lost != 7 {
				t.Errorf("%s: an encrypted report says %d lost, want 7", suite, lost)
			}
			s.Encrypt, s.Decrypt = sdp.Crypto{}, sdp.Crypto{}
			w.connect(a, s)
			report[len(report)-17] = 9 // the count's last byte
			if lost := send(report); lost != 9 {
				t.Errorf("after encryption ended a plain report says %d lost", lost)
			}
		})
	}
}

// A key identifier (MKI), as some phones have it, is asked for and understood;
// keys that are none are refused.
func TestKeyIdentifierAndBadKeys(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		theirs := crypto(t, sdp.AES128CM80, 2)
		theirs.MKI = []byte{0, 0, 0, 1}
		a, alice := w.secureParty("10.0.1.1:4000", crypto(t, sdp.AES128CM80, 1), theirs)
		b, bob := w.party("10.0.1.2:4000")
		b.Hear(a)
		alice.talk(a, 5)
		if got := bob.packets(); len(got) != 5 || len(got[4].Payload) != 160 {
			t.Errorf("%d packets heard", len(got))
		}
		for _, bad := range []sdp.Crypto{{Suite: "F8_128_HMAC_SHA1_80"}, {Suite: sdp.AES128CM80, Key: []byte("short")}} {
			s := alice.session()
			s.Decrypt = bad
			if a.Connect(s) == nil {
				t.Errorf("%q is taken", bad.Suite)
			}
			s.Decrypt, s.Encrypt = sdp.Crypto{}, bad
			if a.Connect(s) == nil {
				t.Errorf("%q is taken", bad.Suite)
			}
		}
	})
}
