package stream

import (
	"time"

	"github.com/pion/rtcp"
)

// longestTrip bounds what is believed of a round trip; more is a report that
// echoes somebody else's clock.
const longestTrip = 30 * time.Second

// TakeReports takes what the party reports (RFC 3550 §6.4). ours is the SSRC
// whose reception it may report on, clock that stream's.
func (r *Receiver) TakeReports(packets []rtcp.Packet, now time.Time, ours uint32, clock int) {
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			r.lastReport = now
			if r.Follows(p.SSRC) {
				r.source.senderReport, r.source.senderReportAt = uint32(p.NTPTime>>16), now
			}
			r.believe(p.Reports, now, ours, clock)
		case *rtcp.ReceiverReport:
			r.lastReport = now
			r.believe(p.Reports, now, ours, clock)
		}
	}
}

// believe takes what the party says of our stream.
func (r *Receiver) believe(reports []rtcp.ReceptionReport, now time.Time, ours uint32, clock int) {
	for _, b := range reports {
		if b.SSRC != ours {
			continue
		}
		r.remoteLost = 0
		if b.TotalLost < 1<<23 { // 24 bits, signed: duplicates make it negative
			r.remoteLost = uint64(b.TotalLost)
		}
		r.remoteJitter = clockTime(b.Jitter, clock)
		if b.LastSenderReport == 0 {
			continue
		}
		trip := uint32(ntp(now)>>16) - b.LastSenderReport - b.Delay
		if d := time.Duration(uint64(trip) * uint64(time.Second) >> 16); d < longestTrip {
			r.roundTrip = d
		}
	}
}

// Reception is our report on the party's stream, if there is one.
func (r *Receiver) Reception(now time.Time) []rtcp.ReceptionReport {
	s := &r.source
	if !s.valid {
		return nil
	}
	b := rtcp.ReceptionReport{
		SSRC:               s.ssrc,
		FractionLost:       s.fractionLost(),
		TotalLost:          uint32(min(max(s.lost(), 0), 1<<23-1)),
		LastSequenceNumber: s.highest(),
		Jitter:             s.jitter >> 4,
		LastSenderReport:   s.senderReport,
	}
	if s.senderReport != 0 {
		b.Delay = uint32(now.Sub(s.senderReportAt) * 65536 / time.Second)
	}
	return []rtcp.ReceptionReport{b}
}

// Report makes our sender report, or a receiver report when nothing was sent
// since the last one.
func (o *Sender) Report(reception []rtcp.ReceptionReport, now time.Time) rtcp.Packet {
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
