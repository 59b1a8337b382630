package rtp

import (
	"net/netip"
	"time"

	"klapka.dev/klapka/media/stream"
)

// Learning: a source other than the signalled one is believed once it sent this
// many packets of one stream, in order, over at least this time. A phone behind
// NAT does so within its first 100 ms; a spray over all ports does not.
const (
	learnPackets = 5
	learnTime    = 60 * time.Millisecond
	learnGap     = 20 // sequence numbers that may be missing between two of them
)

// latch decides whose packets are believed (the attacks known as RTP Bleed and
// RTP injection). The address named by signalling is believed at once and for
// good. While it is silent another address may take its place, for parties
// behind NAT; from then on only that one and the signalled one are believed,
// until a renegotiation names another address or comes from one.
type latch struct {
	signalled netip.AddrPort // as the session description says; invalid: not known yet
	peer      netip.Addr     // where signalling comes from; invalid: unknown
	source    netip.AddrPort // believed; invalid while learning

	candidates [4]candidate
}

// candidate is a source that is being learned.
type candidate struct {
	addr    netip.AddrPort
	ssrc    uint32
	seq     uint16
	packets int
	since   time.Time
}

// renegotiate takes the addresses of a new session description. A remote that
// can't be sent to (0.0.0.0 is how old phones hold) leaves the latch as it was:
// the party comes back from where it was. One that is signalled as before, but
// from another host, has moved with all that is behind its router: it is learned
// anew.
func (l *latch) renegotiate(remote netip.AddrPort, peer netip.Addr) {
	moved := peer.IsValid() && l.peer.IsValid() && peer != l.peer
	l.peer = peer
	if !reachable(remote) || remote == l.signalled && !moved {
		return
	}
	l.signalled = remote
	l.candidates = [4]candidate{}
	if l.source != remote {
		l.source = netip.AddrPort{}
	}
}

// reachable reports whether packets can be sent to a.
func reachable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified()
}

// believes reports whether a packet from this address counts, and learns from it.
func (l *latch) believes(p *stream.Packet, from netip.AddrPort, now time.Time) bool {
	switch {
	case from == l.source:
		return true
	case !l.signalled.IsValid():
		return false
	case from == l.signalled:
		l.source = from
		return true
	case l.source.IsValid() || !l.plausible(from.Addr()):
		return false
	}
	c := l.candidate(from)
	if !c.continues(p, from) {
		*c = candidate{addr: from, ssrc: p.SSRC, since: now}
	}
	c.seq = p.Seq
	c.packets++
	if c.packets < learnPackets || now.Sub(c.since) < learnTime {
		return false
	}
	l.source = from
	return true
}

// plausible: behind NAT, sound comes from where signalling comes from. Where
// that is not known any address may prove itself.
func (l *latch) plausible(from netip.Addr) bool {
	return !l.peer.IsValid() || from == l.peer || from == l.signalled.Addr()
}

// candidate finds the place of from, or that of the least proven other one.
func (l *latch) candidate(from netip.AddrPort) *candidate {
	least := &l.candidates[0]
	for i := range l.candidates {
		c := &l.candidates[i]
		if c.addr == from {
			return c
		}
		if c.packets < least.packets {
			least = c
		}
	}
	return least
}

func (c *candidate) continues(p *stream.Packet, from netip.AddrPort) bool {
	step := p.Seq - c.seq
	return c.addr == from && c.ssrc == p.SSRC && step >= 1 && step <= learnGap
}

// destination is where to send: the source, else what signalling named.
func (l *latch) destination() netip.AddrPort {
	if l.source.IsValid() {
		return l.source
	}
	return l.signalled
}

// controlLatch does the same for RTCP. Reports are seconds apart, so that there
// is nothing to count; a report is believed for where it comes from, or because
// it comes from the party's host and knows the SSRC that its sound has.
type controlLatch struct {
	signalled netip.AddrPort // by a=rtcp (RFC 3605), else one above RTP
	source    netip.AddrPort // believed; invalid while learning
}

// renegotiate takes the RTCP address of a new session description.
func (l *controlLatch) renegotiate(remote, rtcp netip.AddrPort) {
	if !reachable(remote) {
		return
	}
	if !reachable(rtcp) {
		rtcp = above(remote)
	}
	if rtcp != l.signalled {
		*l = controlLatch{signalled: rtcp}
	}
}

// above is the port after a, where RTCP is unless said otherwise.
func above(a netip.AddrPort) netip.AddrPort {
	if a.Port() == 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr(), a.Port()+1)
}

// believes reports whether a report counts that comes from this address and was
// made by ssrc, the party's sound being believed by rtp and followed by r.
func (l *controlLatch) believes(from netip.AddrPort, ssrc uint32, rtp *latch, r *stream.Receiver) bool {
	if !l.signalled.IsValid() {
		return false
	}
	known := from == l.source || from == l.signalled || from == l.expected(rtp)
	proven := from.Addr() == rtp.source.Addr() && r.Follows(ssrc)
	if known || proven {
		l.source = from
	}
	return known || proven
}

// expected is where reports should come from: a party whose sound comes from
// behind NAT has its RTCP there too.
func (l *controlLatch) expected(rtp *latch) netip.AddrPort {
	if rtp.source.IsValid() && rtp.source != rtp.signalled {
		return above(rtp.source)
	}
	return l.signalled
}

// destination is where our reports go.
func (l *controlLatch) destination(rtp *latch) netip.AddrPort {
	if l.source.IsValid() {
		return l.source
	}
	return l.expected(rtp)
}
