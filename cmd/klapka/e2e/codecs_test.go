package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// Each pair of codecs once, with phones that have one codec each: both hear the
// other's tone in every second without a gap, and each is sent its own codec.
// TestCall has the pairs of PCMA and PCMU.
func TestCodecs(t *testing.T) {
	w := newWorld(t)
	const talk = 3 * time.Second
	a, u := w.phone(t, "101", 440, codecs("pcma")), w.phone(t, "102", 620, codecs("pcmu"))
	g, g2 := w.phone(t, "103", 800, codecs("g722/16000/1")), w.phone(t, "105", 520, codecs("g722/16000/1"))
	o, o2 := w.phone(t, "104", 1000, codecs("opus/48000/2")), w.phone(t, "106", 720, codecs("opus/48000/2"))
	speaks := map[string]string{"101": "PCMA", "102": "PCMU", "103": "G722", "105": "G722", "104": "OPUS", "106": "OPUS"}
	type pair struct{ from, to *phone }
	calls := 0
	for _, round := range [][]pair{{{g, g2}, {o, a}}, {{o, o2}, {u, g}}, {{g2, o}, {o2, u}}, {{a, g}}} {
		for _, c := range round {
			c.from.calls(c.to)
			calls++
		}
		time.Sleep(talk)
		for _, c := range round {
			c.from.Hangup()
			c.from.Expect("CALL_CLOSED", patience)
			c.to.Expect("CALL_CLOSED", patience)
			c.from.hears(c.to, talk)
			c.to.hears(c.from, talk)
		}
	}
	for _, r := range w.records(calls) {
		for _, l := range r.Legs {
			if want := speaks[l.Party.Extension]; !strings.HasPrefix(strings.ToUpper(l.Quality.Codec), want) {
				t.Errorf("%s→%s: the leg of %s says %q, want %s", r.From.Extension, r.Dialled, l.Party.Extension, l.Quality.Codec, want)
			}
		}
	}
}

// A phone that insists on SRTP and one that knows none talk to each other, in
// either direction, and the SRTP phone is never sent anything in the clear.
func TestEncryptedAndPlain(t *testing.T) {
	w := newWorld(t)
	w.encrypt("101", pbx.EncryptionRequire)
	a := w.phone(t, "101", 440, func(o *pbxtest.BaresipOptions) { o.Secure = "srtp-mand" })
	b := w.phone(t, "102", 620)
	const talk = 3 * time.Second
	for _, c := range []struct{ from, to *phone }{{a, b}, {b, a}} {
		c.from.calls(c.to)
		time.Sleep(talk)
		c.to.Hangup()
		c.from.Expect("CALL_CLOSED", patience)
		c.to.Expect("CALL_CLOSED", patience)
		c.from.hears(c.to, talk)
		c.to.hears(c.from, talk)
	}
	if !strings.Contains(a.Trace(), "a=crypto:") || strings.Contains(b.Trace(), "a=crypto:") {
		t.Error("the wrong phone was offered encryption")
	}
	w.records(2)
}

// encrypt sets how the sound of a person's phones is encrypted, by a restart.
func (w *world) encrypt(number string, how pbx.Encryption) {
	w.t.Helper()
	s, ctx := w.store(), context.Background()
	list, err := s.Devices(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range list {
		if d.Extension == number {
			if d.Encryption = how; s.UpdateDevice(ctx, &d) != nil {
				w.t.Fatalf("device %s cannot be changed", d.Username)
			}
		}
	}
	if err := s.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.Stop()
	w.Start()
	w.rest()
}

// Phones on IPv6 call each other: all of SIP and sound goes over it.
func TestIPv6(t *testing.T) {
	at := "[::1]:0"
	w := startWorld(t, nil, "KLAPKA_SIP_UDP", at, "KLAPKA_SIP_TCP", at, "KLAPKA_SIP_TLS", at, "KLAPKA_RTP_LISTEN", "::1",
		"KLAPKA_RTP_PORTS", fmt.Sprintf("%d-%d", 30000, 30999))
	on6 := func(o *pbxtest.BaresipOptions) { o.At = netip.AddrPortFrom(netip.IPv6Loopback(), o.At.Port()) }
	a, b := w.phone(t, "101", 440, on6), w.phone(t, "102", 620, on6)
	const talk = 3 * time.Second
	a.calls(b)
	time.Sleep(talk)
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	a.hears(b, talk)
	b.hears(a, talk)
	for _, l := range w.records(1)[0].Legs {
		if !strings.HasPrefix(l.Remote, "[::1]:") {
			t.Errorf("the leg of %s came from %s", l.Party.Extension, l.Remote)
		}
	}
}
