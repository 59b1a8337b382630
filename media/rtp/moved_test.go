package rtp

import (
	"net/netip"
	"testing"
	"time"

	"klapka.dev/klapka/media/stream"
)

// A phone behind a router that gets another address describes the same private
// address again, from the new one: its sound is learned from there, and no longer
// believed from where it was. A description that comes from where the party was
// changes nothing.
func TestPartyThatMovesIsLearnedAnew(t *testing.T) {
	private := netip.MustParseAddrPort("192.168.1.2:4000")
	before, after := netip.MustParseAddrPort("192.0.2.1:5000"), netip.MustParseAddrPort("192.0.2.9:6000")
	now := time.Now()
	var l latch
	seq := uint16(0)
	send := func(from netip.AddrPort) (believed bool) {
		for range learnPackets + 1 {
			seq++
			now = now.Add(20 * time.Millisecond)
			believed = l.believes(&stream.Packet{SSRC: 7, Seq: seq}, from, now)
		}
		return believed
	}
	l.renegotiate(private, before.Addr())
	if !send(before) {
		t.Fatal("a phone behind NAT is not learned")
	}
	l.renegotiate(private, before.Addr())
	if send(after) || l.destination() != before {
		t.Fatal("another source is believed although nobody moved")
	}
	l.renegotiate(private, after.Addr())
	if !send(after) || l.destination() != after {
		t.Error("the phone is not heard from where it is now")
	}
	if send(before) {
		t.Error("the phone is still believed from where it was")
	}
}
