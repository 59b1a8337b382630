package rtp

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// maxDatagram is the largest packet taken or sent: what fits Ethernet.
const maxDatagram = 1500

// egress is the one stream to the party. Whoever is heard, its SSRC stays, its
// sequence numbers have no gap that the source did not have, and its timestamps
// follow the clock.
type egress struct {
	mu     sync.Mutex
	conn   conn
	to     netip.AddrPort
	open   bool // the session lets us send
	closed bool
	codec  sdp.Codec
	event  sdp.Codec
	ptime  time.Duration

	ssrc      uint32
	started   bool      // a packet was sent
	seq       uint16    // highest sent
	timestamp uint32    // of the packet with it
	span      uint32    // how long its sound lasts
	at        time.Time // when it was sent

	source  mapping
	relayed relayedEvent
	keypad  keypad

	packets     uint64
	reported    uint64 // packets as of the last report
	octets      uint64
	unsupported uint64 // frames in a codec the party doesn't take
	buf         [maxDatagram]byte
}

// mapping is how the numbers of the present source become ours.
type mapping struct {
	valid     bool
	stream    uint32 // media.Frame.Stream it holds for
	seq       uint16 // added to sequence numbers
	timestamp uint32 // added to timestamps
	newest    uint16 // the source's highest sequence number
	behind    uint16 // how far below newest the numbers are still its own
}

// newEgress starts all numbers at random (RFC 3550 §5.1).
func newEgress(c conn) egress {
	return egress{
		conn: c, ssrc: rand.Uint32(), seq: uint16(rand.Uint32N(1 << 15)), timestamp: rand.Uint32(),
	}
}

// connect installs a session.
func (o *egress) connect(s *sdp.Session, to netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.codec != s.Codec || o.event != s.Event {
		o.keypad.stop() // its next packet would have a payload type of the past
	}
	o.codec, o.event, o.ptime = s.Codec, s.Event, packetTime(s)
	o.to = to
	sends := s.Direction != sdp.RecvOnly && s.Direction != sdp.Inactive
	o.open = sends && reachable(s.Remote) && s.Codec.Name != "" && to.IsValid()
}

// follow sends to where the party turned out to be.
func (o *egress) follow(to netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = to
}

// turn makes the next frame the first of a new source.
func (o *egress) turn() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.source.valid, o.relayed.known = false, false
}

// write takes a frame of the source.
func (o *egress) write(f *media.Frame, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed || !o.open || o.keypad.busy:
		// What we withhold is no loss: the next frame follows on without a gap.
		o.source.valid = false
	case f.Codec.Name == sdp.TelephoneEvent:
		o.relayEvent(f, now)
	default:
		o.relay(f, now)
	}
}

// relay sends a frame of sound.
func (o *egress) relay(f *media.Frame, now time.Time) {
	table, ok := conversion(f.Codec, o.codec)
	if !ok || len(f.Payload) > maxDatagram-headerLength {
		o.unsupported++
		o.source.valid = false
		return
	}
	marker := f.Marker || !o.source.valid || f.Stream != o.source.stream
	newest, ok := o.place(f, now)
	if !ok {
		return
	}
	payload := o.buf[headerLength : headerLength+len(f.Payload)]
	if table == nil {
		copy(payload, f.Payload)
	} else {
		for i, b := range f.Payload {
			payload[i] = table[b]
		}
	}
	seq, timestamp := f.Seq+o.source.seq, f.Timestamp+o.source.timestamp
	if newest {
		o.advance(seq, timestamp, f.Samples, now)
	}
	o.send(o.codec.PT, marker, seq, timestamp, len(payload))
}

// conversion is how a payload becomes one the party takes: as it is (nil), by
// table, or not at all.
func conversion(from, to sdp.Codec) (*[256]byte, bool) {
	switch {
	case from.Same(to):
		return nil, true
	case from.ClockRate != to.ClockRate || max(from.Channels, 1) != max(to.Channels, 1):
		return nil, false
	case from.Name == sdp.PCMA && to.Name == sdp.PCMU:
		return &codec.ALawToMuLaw, true
	case from.Name == sdp.PCMU && to.Name == sdp.PCMA:
		return &codec.MuLawToALaw, true
	}
	return nil, false
}

// place maps the frame's numbers; newest is false for a packet that was
// overtaken, ok for one from before the present source began.
func (o *egress) place(f *media.Frame, now time.Time) (newest, ok bool) {
	m := &o.source
	if !m.valid || f.Stream != m.stream {
		*m = mapping{
			valid: true, stream: f.Stream, newest: f.Seq,
			seq:       o.seq + 1 - f.Seq,
			timestamp: o.next(now) - f.Timestamp,
		}
		return true, true
	}
	if back := m.newest - f.Seq; back < 1<<15 {
		return false, back > 0 && back <= m.behind
	}
	m.behind = uint16(min(uint32(m.behind)+uint32(f.Seq-m.newest), 1<<14))
	m.newest = f.Seq
	return true, true
}

// next is the timestamp of sound that begins now.
func (o *egress) next(now time.Time) uint32 {
	if !o.started {
		return o.timestamp
	}
	return o.timestamp + max(o.span, units(now.Sub(o.at), o.codec.ClockRate))
}

// advance takes note of the newest packet.
func (o *egress) advance(seq uint16, timestamp, span uint32, now time.Time) {
	o.started, o.seq, o.timestamp, o.span, o.at = true, seq, timestamp, span, now
}

// send sends size bytes of payload that stand in buf.
func (o *egress) send(payloadType uint8, marker bool, seq uint16, timestamp uint32, size int) {
	putHeader(o.buf[:], payloadType, marker, seq, timestamp, o.ssrc)
	// A failure is the network's, and shows as loss in the party's reports.
	if _, err := o.conn.WriteToUDPAddrPort(o.buf[:headerLength+size], o.to); err == nil {
		o.packets++
		o.octets += uint64(size)
	}
}

// end stops sending for good.
func (o *egress) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.keypad.stop()
}

// format is what we send; its name is empty before the first session.
func (o *egress) format() sdp.Codec {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.codec
}

// stats fills in what was counted here.
func (o *egress) stats(s *media.Stats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Codec, s.PacketsSent = o.codec.Name, o.packets
}
