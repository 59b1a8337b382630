package rtp

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/rtcp"

	"klapka.dev/klapka/media/stream"
)

// acceptReport takes an RTCP packet of the party (RFC 3550 §6.4). ours is the
// SSRC whose reception it may report on, clock that stream's.
func (in *ingress) acceptReport(b []byte, from netip.AddrPort, now time.Time, ours uint32, clock int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	b, ok := in.keys.openReport(b, now)
	if !ok || !compound(b) || !in.control.believes(from, binary.BigEndian.Uint32(b[4:]), &in.latch, &in.receiver) ||
		!in.reports.Allow(now, maxReports) {
		in.ignored++
		return
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		in.ignored++
		return
	}
	in.receiver.TakeReports(packets, now, ours, clock)
}

// compound checks what every RTCP packet begins with (RFC 3550 A.2): a sender
// or receiver report of version 2 without padding that fits. It comes before
// the parser, so that garbage costs nothing.
func compound(b []byte) bool {
	return len(b) >= 8 && len(b) <= stream.MaxDatagram && b[0]>>5 == 2<<1 && (b[1] == 200 || b[1] == 201) &&
		4+4*int(binary.BigEndian.Uint16(b[2:])) <= len(b)
}

// reception is our report on the party's stream, if there is one.
func (in *ingress) reception(now time.Time) (list []rtcp.ReceptionReport, to netip.AddrPort) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.receiver.Reception(now), in.control.destination(&in.latch)
}
