package stream

import (
	"math/rand/v2"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
)

// Receiver is what comes from the party. Whose packets to believe, and how many
// of them, is its owner's affair. It is not safe for concurrent use.
type Receiver struct {
	start   time.Time // origin of arrival times
	formats formats
	ptime   time.Duration
	open    bool // the session lets the party send
	source  source
	clock   int    // timestamp units per second of source
	id      uint32 // media.Frame.Stream; begins at random, as sinks move between sources
	pressed pressed
	heard   bool // the observer knows of the first packet

	received     uint64
	lostBefore   uint64 // in streams that ended
	lastPacket   time.Time
	lastReport   time.Time
	flowing      bool // the time since lastPacket is a gap, not a hold
	maxGap       time.Duration
	remoteLost   uint64
	remoteJitter time.Duration
	roundTrip    time.Duration
}

// Arrival is what one packet leads to.
type Arrival struct {
	Frame   media.Frame
	Deliver bool // Frame is for those who hear the party
	First   bool // of the party, ever
	digits  digits
}

// Digits are the keys that the packet completes.
func (a *Arrival) Digits() []media.Digit { return a.digits.list[:a.digits.count] }

// NewReceiver is a Receiver that accepts nothing before the first Connect.
func NewReceiver() Receiver { return Receiver{start: time.Now(), id: rand.Uint32()} }

// Connect installs a session; the payload types of the one before are still
// understood for 2 s. The error says which payload type cannot be received.
func (r *Receiver) Connect(s *sdp.Session, now time.Time) error {
	if err := r.formats.replace(s.Receive, now); err != nil {
		return err
	}
	r.ptime = packetTime(s)
	r.open = s.Direction != sdp.SendOnly && s.Direction != sdp.Inactive
	r.flowing = r.flowing && r.open
	return nil
}

// packetTime is how long the sound of one packet lasts.
func packetTime(s *sdp.Session) time.Duration {
	if s.PTime <= 0 {
		return 20 * time.Millisecond
	}
	return s.PTime
}

// Open reports whether the session lets the party send.
func (r *Receiver) Open() bool { return r.open }

// Parse reads a packet; false for what is none, or has a payload type that the
// party may not send now.
func (r *Receiver) Parse(b []byte, p *Packet, now time.Time) bool {
	return len(b) <= MaxDatagram && p.Parse(b) && r.formats.find(p.PayloadType, now) != nil
}

// Follows reports whether ssrc is the party's sound.
func (r *Receiver) Follows(ssrc uint32) bool { return r.source.valid && r.source.ssrc == ssrc }

// Accept takes a packet that Parse has read and that is believed, and fills in
// what follows from it.
func (r *Receiver) Accept(p *Packet, now time.Time, out *Arrival) {
	*out = Arrival{}
	f := r.formats.find(p.PayloadType, now)
	if f == nil {
		return
	}
	switch r.follow(p, f, now, &out.digits) {
	case duplicate, stray:
		return
	}
	if !r.heard {
		r.heard, out.First = true, true
	}
	out.Frame = media.Frame{
		Codec: f.codec, Payload: p.Payload, Timestamp: p.Timestamp, Marker: p.Marker, Stream: r.id, Seq: p.Seq,
	}
	if f.event {
		r.event(p, f, now, out)
		return
	}
	r.pressed.speech(now, &out.digits)
	out.Frame.Samples = f.samples(p.Payload, r.ptime)
	out.Deliver = len(p.Payload) > 0
}

// follow keeps count of the stream the packet is part of.
func (r *Receiver) follow(p *Packet, f *format, now time.Time, out *digits) verdict {
	lost := r.source.lost()
	v := r.source.place(p)
	if v == restarted {
		r.lostBefore += uint64(max(lost, 0))
		r.pressed.restart(out)
		r.id++
	}
	r.received++
	if r.flowing {
		r.maxGap = max(r.maxGap, now.Sub(r.lastPacket))
	}
	r.flowing, r.lastPacket = true, now
	// The packets of an event share one timestamp, so they say nothing of jitter.
	if !f.event && v != duplicate && v != stray {
		if r.clock != f.codec.ClockRate {
			r.clock, r.source.timed = f.codec.ClockRate, false
		}
		if r.source.time(p.Timestamp, units(now.Sub(r.start), r.clock), units(maxClockJump, r.clock)) {
			r.id++
		}
	}
	return v
}

// event takes a telephone event, which is delivered as it is.
func (r *Receiver) event(p *Packet, f *format, now time.Time, out *Arrival) {
	var v event
	if !v.parse(p.Payload) {
		return
	}
	r.pressed.event(v, p.Timestamp, f.codec.ClockRate, now, &out.digits)
	out.Frame.Samples = uint32(v.duration)
	out.Deliver = true
}

// Stats fills in what was measured here.
func (r *Receiver) Stats(s *media.Stats) {
	s.PacketsReceived = r.received
	s.PacketsLost = r.lostBefore + uint64(max(r.source.lost(), 0))
	s.Jitter = clockTime(r.source.jitter>>4, r.clock)
	s.RemoteLost, s.RemoteJitter, s.RoundTrip = r.remoteLost, r.remoteJitter, r.roundTrip
	s.LastPacket, s.LastReport = r.lastPacket, r.lastReport
	s.MaxInterarrival = r.maxGap
}

// clockTime is a number of timestamp units as a duration.
func clockTime(u uint32, clock int) time.Duration {
	if clock <= 0 {
		return 0
	}
	return time.Duration(u) * time.Second / time.Duration(clock)
}
