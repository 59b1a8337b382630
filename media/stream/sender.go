package stream

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/convert"
	"klapka.dev/klapka/media/sdp"
)

// MaxDatagram is the largest packet taken or sent: what fits Ethernet.
const MaxDatagram = 1500

// Wire is what carries packets to the party. Send is called for one packet at a
// time and must neither block nor keep b.
type Wire interface {
	Send(b []byte, to netip.AddrPort) error
}

// Agreement is what a Sender needs of a session.
type Agreement struct {
	Codec sdp.Codec      // what sound is converted to
	Also  []sdp.Codec    // what else the party takes, as it is
	Event sdp.Codec      // for digits; zero Name: they are made audible
	PTime time.Duration  // what the party wants a packet to last; 0: no wish
	To    netip.AddrPort // handed to the wire
	Open  bool           // the party may be sent anything at all
}

// Sender is the one stream to the party. Whoever is heard, its SSRC stays, its
// sequence numbers have no gap that the source did not have, and its timestamps
// follow the clock. It may be used from any goroutine.
type Sender struct {
	mu     sync.Mutex
	wire   Wire
	to     netip.AddrPort
	open   bool // the session lets us send
	closed bool
	codec  sdp.Codec
	also   []sdp.Codec
	event  sdp.Codec
	ptime  time.Duration // of what is made here
	wish   time.Duration // of the party; 0: none

	tools     *convert.Tools      // nil: nothing is converted but by table
	converter *convert.Transcoder // nil: nothing needs to be

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
	buf         [MaxDatagram]byte
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

// NewSender starts all other numbers at random (RFC 3550 §5.1).
func NewSender(w Wire, ssrc uint32) Sender {
	return Sender{wire: w, ssrc: ssrc, seq: uint16(rand.Uint32N(1 << 15)), timestamp: rand.Uint32()}
}

// SSRC is the stream's name.
func (o *Sender) SSRC() uint32 { return o.ssrc }

// Connect installs a session.
func (o *Sender) Connect(a Agreement) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.codec != a.Codec || o.event != a.Event {
		o.keypad.stop() // its next packet would have a payload type of the past
	}
	o.codec, o.also, o.event, o.wish = a.Codec, a.Also, a.Event, a.PTime
	if o.ptime = a.PTime; o.ptime <= 0 {
		o.ptime = 20 * time.Millisecond
	}
	o.to = a.To
	o.open = a.Open && a.Codec.Name != ""
}

// Follow sends to where the party turned out to be.
func (o *Sender) Follow(to netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = to
}

// Turn makes the next frame the first of a new source.
func (o *Sender) Turn() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.source.valid, o.relayed.known = false, false
	o.release()
}

// Write takes a frame of the source.
func (o *Sender) Write(f *media.Frame, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed || !o.open || o.keypad.busy:
		// What we withhold is no loss: the next frame follows on without a gap.
		o.source.valid = false
		if o.converter != nil {
			o.converter.Break()
		}
	case f.Codec.Name == sdp.TelephoneEvent:
		if o.converter != nil {
			o.converter.Skip(f)
		}
		o.relayEvent(f, now)
	default:
		o.sound(f, now)
	}
}

// sound sends a frame of sound the cheapest way there is.
func (o *Sender) sound(f *media.Frame, now time.Time) {
	payloadType, table, ok := o.convert(f.Codec)
	if o.converts(f, ok) && o.transcode(f, now) {
		return
	}
	if !ok || len(f.Payload) > MaxDatagram-headerLength {
		o.unsupported++
		o.source.valid = false
		return
	}
	o.release()
	o.relay(f, payloadType, table, now)
}

// relay sends a frame in a payload type of the party, as it is or by table.
func (o *Sender) relay(f *media.Frame, payloadType uint8, table *[256]byte, now time.Time) {
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
	o.send(payloadType, marker, seq, timestamp, len(payload))
}

// place maps the frame's numbers; newest is false for a packet that was
// overtaken, ok for one from before the present source began.
func (o *Sender) place(f *media.Frame, now time.Time) (newest, ok bool) {
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
func (o *Sender) next(now time.Time) uint32 {
	if !o.started {
		return o.timestamp
	}
	return o.timestamp + max(o.span, units(now.Sub(o.at), o.codec.ClockRate))
}

// advance takes note of the newest packet.
func (o *Sender) advance(seq uint16, timestamp, span uint32, now time.Time) {
	o.started, o.seq, o.timestamp, o.span, o.at = true, seq, timestamp, span, now
}

// send sends size bytes of payload that stand in buf.
func (o *Sender) send(payloadType uint8, marker bool, seq uint16, timestamp uint32, size int) {
	putHeader(o.buf[:], payloadType, marker, seq, timestamp, o.ssrc)
	// A failure is the network's, and shows as loss in the party's reports.
	if err := o.wire.Send(o.buf[:headerLength+size], o.to); err == nil {
		o.packets++
		o.octets += uint64(size)
	}
}

// End stops sending for good.
func (o *Sender) End() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.keypad.stop()
	o.release()
}

// Format is what we send; its name is empty before the first session.
func (o *Sender) Format() sdp.Codec {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.codec
}

// Stats fills in what was counted here.
func (o *Sender) Stats(s *media.Stats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Codec, s.PacketsSent = o.codec.Name, o.packets
}
