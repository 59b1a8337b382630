package rtp

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

// longestTrip bounds what is believed of a round trip; more is a report that
// echoes somebody else's clock.
const longestTrip = 30 * time.Second

// acceptReport takes an RTCP packet of the party (RFC 3550 §6.4). ours is the
// SSRC whose reception it may report on, clock that stream's.
func (in *ingress) acceptReport(b []byte, from netip.AddrPort, now time.Time, ours uint32, clock int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !compound(b) || !in.control.believes(from, binary.BigEndian.Uint32(b[4:]), &in.latch, &in.stream) ||
		!in.reports.allow(now, maxReports) {
		in.ignored++
		return
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		in.ignored++
		return
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			if in.stream.valid && p.SSRC == in.stream.ssrc {
				in.stream.senderReport, in.stream.senderReportAt = uint32(p.NTPTime>>16), now
			}
			in.believeReports(p.Reports, now, ours, clock)
		case *rtcp.ReceiverReport:
			in.believeReports(p.Reports, now, ours, clock)
		}
	}
}

// compound checks what every RTCP packet begins with (RFC 3550 A.2): a sender
// or receiver report of version 2 without padding that fits. It comes before
// the parser, so that garbage costs nothing.
func compound(b []byte) bool {
	return len(b) >= 8 && len(b) <= maxDatagram && b[0]>>5 == 2<<1 && (b[1] == 200 || b[1] == 201) &&
		4+4*int(binary.BigEndian.Uint16(b[2:])) <= len(b)
}

// believeReports takes what the party says of our stream. Callers hold in.mu.
func (in *ingress) believeReports(reports []rtcp.ReceptionReport, now time.Time, ours uint32, clock int) {
	for _, r := range reports {
		if r.SSRC != ours {
			continue
		}
		in.remoteLost = 0
		if r.TotalLost < 1<<23 { // 24 bits, signed: duplicates make it negative
			in.remoteLost = uint64(r.TotalLost)
		}
		in.remoteJitter = clockTime(r.Jitter, clock)
		if r.LastSenderReport == 0 {
			continue
		}
		trip := uint32(ntp(now)>>16) - r.LastSenderReport - r.Delay
		if d := time.Duration(uint64(trip) * uint64(time.Second) >> 16); d < longestTrip {
			in.roundTrip = d
		}
	}
}

// reception is our report on the party's stream, if there is one.
func (in *ingress) reception(now time.Time) (list []rtcp.ReceptionReport, to netip.AddrPort) {
	in.mu.Lock()
	defer in.mu.Unlock()
	to = in.control.destination(&in.latch)
	s := &in.stream
	if !s.valid {
		return nil, to
	}
	r := rtcp.ReceptionReport{
		SSRC:               s.ssrc,
		FractionLost:       s.fractionLost(),
		TotalLost:          uint32(min(max(s.lost(), 0), 1<<23-1)),
		LastSequenceNumber: s.highest(),
		Jitter:             s.jitter >> 4,
		LastSenderReport:   s.senderReport,
	}
	if s.senderReport != 0 {
		r.Delay = uint32(now.Sub(s.senderReportAt) * 65536 / time.Second)
	}
	return []rtcp.ReceptionReport{r}, to
}

// report makes our sender report, or a receiver report when nothing was sent
// since the last one.
func (o *egress) report(reception []rtcp.ReceptionReport, now time.Time) rtcp.Packet {
	o.mu.Lock()
	defer o.mu.Unlock()
	sent := o.packets != o.reported
	o.reported = o.packets
	if !sent {
		return &rtcp.ReceiverReport{SSRC: o.ssrc, Reports: reception}
	}
	return &rtcp.SenderReport{
		SSRC:        o.ssrc,
		NTPTime:     ntp(now),
		RTPTime:     o.timestamp + units(now.Sub(o.at), o.codec.ClockRate),
		PacketCount: uint32(o.packets),
		OctetCount:  uint32(o.octets),
		Reports:     reception,
	}
}

// ntp is a time as RTCP has it (RFC 3550 §4): seconds since 1900 and their
// fraction, 32 bits each.
func ntp(t time.Time) uint64 {
	const between1900And1970 = 2208988800
	return uint64(t.Unix()+between1900And1970)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
