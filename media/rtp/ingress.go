package rtp

import (
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
)

// Packets accepted per endpoint and second. Speech is 50, in packets of 10 ms
// 100; what is more is an accident or an attack.
const (
	maxPackets = 500
	maxReports = 50
)

// ingress is what comes from the party.
type ingress struct {
	mu      sync.Mutex
	start   time.Time // origin of arrival times
	formats formats
	ptime   time.Duration
	open    bool // the session lets the party send
	latch   latch
	control controlLatch
	rate    limiter
	reports limiter
	stream  stream
	clock   int    // timestamp units per second of stream
	id      uint32 // media.Frame.Stream; begins at random, as sinks move between sources
	pressed pressed
	heard   bool // the observer knows of the first packet

	received     uint64
	lostBefore   uint64 // in streams that ended
	ignored      uint64
	lastPacket   time.Time
	flowing      bool // the time since lastPacket is a gap, not a hold
	maxGap       time.Duration
	remoteLost   uint64
	remoteJitter time.Duration
	roundTrip    time.Duration
}

// arrival is what one packet leads to.
type arrival struct {
	frame   media.Frame
	deliver bool
	first   bool // of the party, ever
	digits  digits
	learned bool // where the party is
}

// connect installs a session here and there at once, so that what is learned
// meanwhile is not undone.
func (in *ingress) connect(s *sdp.Session, now time.Time, there *egress) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.formats.replace(s.Receive, now); err != nil {
		return err
	}
	remote := netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
	rtcp := netip.AddrPortFrom(s.RemoteRTCP.Addr().Unmap(), s.RemoteRTCP.Port())
	in.ptime = packetTime(s)
	in.open = s.Direction != sdp.SendOnly && s.Direction != sdp.Inactive
	in.flowing = in.flowing && in.open
	in.latch.renegotiate(remote, s.Signalling.Unmap())
	in.control.renegotiate(remote, rtcp)
	there.connect(s, in.latch.destination())
	return nil
}

// lead has our stream go to where the party turned out to be.
func (in *ingress) lead(there *egress) {
	in.mu.Lock()
	defer in.mu.Unlock()
	there.follow(in.latch.destination())
}

// packetTime is how long the sound of one packet lasts.
func packetTime(s *sdp.Session) time.Duration {
	if s.PTime <= 0 {
		return 20 * time.Millisecond
	}
	return s.PTime
}

// accept judges one packet from the socket and fills in what follows from it.
func (in *ingress) accept(b []byte, from netip.AddrPort, now time.Time, out *arrival) {
	in.mu.Lock()
	defer in.mu.Unlock()
	*out = arrival{}
	var p packet
	f := in.known(b, &p, now)
	if f == nil || !in.latched(&p, from, now, out) || !in.open || !in.rate.allow(now, maxPackets) {
		in.ignored++
		return
	}
	switch in.follow(&p, f, now, &out.digits) {
	case duplicate, stray:
		return
	}
	if !in.heard {
		in.heard, out.first = true, true
	}
	out.frame = media.Frame{
		Codec: f.codec, Payload: p.payload, Timestamp: p.timestamp, Marker: p.marker, Stream: in.id, Seq: p.seq,
	}
	if f.event {
		in.event(&p, f, now, out)
		return
	}
	in.pressed.speech(now, &out.digits)
	out.frame.Samples = f.samples(p.payload, in.ptime)
	out.deliver = len(p.payload) > 0
}

// known parses a packet of a payload type the party may send.
func (in *ingress) known(b []byte, p *packet, now time.Time) *format {
	if len(b) > maxDatagram || !p.parse(b) {
		return nil
	}
	return in.formats.find(p.payloadType, now)
}

// latched asks the latch, and has the answers follow the source.
func (in *ingress) latched(p *packet, from netip.AddrPort, now time.Time, out *arrival) bool {
	before := in.latch.source
	if !in.latch.believes(p, from, now) {
		return false
	}
	out.learned = in.latch.source != before
	return true
}

// follow keeps count of the stream the packet is part of.
func (in *ingress) follow(p *packet, f *format, now time.Time, out *digits) verdict {
	lost := in.stream.lost()
	v := in.stream.place(p)
	if v == restarted {
		in.lostBefore += uint64(max(lost, 0))
		in.pressed.restart(out)
		in.id++
	}
	in.received++
	if in.flowing {
		in.maxGap = max(in.maxGap, now.Sub(in.lastPacket))
	}
	in.flowing, in.lastPacket = true, now
	// The packets of an event share one timestamp, so they say nothing of jitter.
	if !f.event && v != duplicate && v != stray {
		if in.clock != f.codec.ClockRate {
			in.clock, in.stream.timed = f.codec.ClockRate, false
		}
		if in.stream.time(p.timestamp, units(now.Sub(in.start), in.clock), units(maxClockJump, in.clock)) {
			in.id++
		}
	}
	return v
}

// event takes a telephone event, which is delivered as it is.
func (in *ingress) event(p *packet, f *format, now time.Time, out *arrival) {
	var v event
	if !v.parse(p.payload) {
		return
	}
	in.pressed.event(v, p.timestamp, f.codec.ClockRate, now, &out.digits)
	out.frame.Samples = uint32(v.duration)
	out.deliver = true
}

// stats fills in what was measured here.
func (in *ingress) stats(s *media.Stats) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s.PacketsReceived = in.received
	s.PacketsLost = in.lostBefore + uint64(max(in.stream.lost(), 0))
	s.Jitter = clockTime(in.stream.jitter>>4, in.clock)
	s.RemoteLost, s.RemoteJitter, s.RoundTrip = in.remoteLost, in.remoteJitter, in.roundTrip
	s.Ignored = in.ignored
	s.LastPacket = in.lastPacket
	s.MaxInterarrival = in.maxGap
}

// clockTime is a number of timestamp units as a duration.
func clockTime(u uint32, clock int) time.Duration {
	if clock <= 0 {
		return 0
	}
	return time.Duration(u) * time.Second / time.Duration(clock)
}
