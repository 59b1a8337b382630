package stream

import "time"

// Limits of RFC 3550 A.1: a larger jump of the sequence number is a restart of
// the sender if the next packet continues it, else a stray packet.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// maxClockJump is how far timestamps may be off our clock between two packets.
const maxClockJump = 5 * time.Second

// verdict on a packet's place in its stream.
type verdict int

const (
	stray verdict = iota
	inOrder
	late      // older than one that came before
	duplicate // the newest one again
	restarted // first of a stream: new SSRC, or the sender starts again
)

// source is one SSRC of the party as RFC 3550 A.1, A.3 and A.8 follow it.
type source struct {
	valid    bool
	ssrc     uint32
	base     uint32 // extended sequence number of the first packet
	cycles   uint32 // wraps of the sequence number, times 65536
	maxSeq   uint16
	suspect  bool // expected is what would make a jump a restart
	expected uint16
	received uint32

	timed   bool // transit is set
	transit uint32
	jitter  uint32 // in timestamp units, times 16

	// As of the last report of ours.
	expectedPrior uint32
	receivedPrior uint32
	// The party's last sender report: middle of its NTP time, and our clock.
	senderReport   uint32
	senderReportAt time.Time
}

// place finds a packet's place (RFC 3550 A.1).
func (s *source) place(p *Packet) verdict {
	if !s.valid || p.SSRC != s.ssrc {
		s.begin(p)
		return restarted
	}
	switch step := p.Seq - s.maxSeq; {
	case step == 0:
		s.received++
		return duplicate
	case step < maxDropout:
		if p.Seq < s.maxSeq {
			s.cycles += 1 << 16
		}
		s.maxSeq = p.Seq
	case step > 65535-maxMisorder:
		s.received++
		return late
	case s.suspect && p.Seq == s.expected:
		s.begin(p)
		return restarted
	default:
		s.suspect, s.expected = true, p.Seq+1
		return stray
	}
	s.suspect = false
	s.received++
	return inOrder
}

func (s *source) begin(p *Packet) {
	*s = source{valid: true, ssrc: p.SSRC, base: uint32(p.Seq), maxSeq: p.Seq, received: 1}
}

// time feeds the jitter estimate (RFC 3550 A.8). arrival is our clock in the
// packet's timestamp units. A jump by more than limit is the party's clock set
// anew, as some phones do when they come back from hold; it is no jitter.
func (s *source) time(timestamp, arrival, limit uint32) (jumped bool) {
	transit := arrival - timestamp
	if s.timed {
		d := transit - s.transit
		if int32(d) < 0 {
			d = -d
		}
		if jumped = d > limit; !jumped {
			s.jitter += d - (s.jitter+8)>>4
		}
	}
	s.timed, s.transit = true, transit
	return jumped
}

// highest is the extended highest sequence number received.
func (s *source) highest() uint32 { return s.cycles + uint32(s.maxSeq) }

// lost is the number of packets missing so far (RFC 3550 A.3), which late
// duplicates can make negative.
func (s *source) lost() int64 {
	if !s.valid {
		return 0
	}
	return int64(s.highest()-s.base+1) - int64(s.received)
}

// fractionLost is the share missing since it was last asked, in 1/256 (A.3).
func (s *source) fractionLost() uint8 {
	expected := s.highest() - s.base + 1
	interval, received := expected-s.expectedPrior, s.received-s.receivedPrior
	s.expectedPrior, s.receivedPrior = expected, s.received
	if interval == 0 || received >= interval {
		return 0
	}
	return uint8(min(255, uint64(interval-received)<<8/uint64(interval)))
}
