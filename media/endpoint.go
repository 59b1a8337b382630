// Package media is the sound of the exchange: endpoints that exchange RTP with
// phones and browsers, sources that can be heard, and what lies between. It
// knows nothing of calls.
package media

import (
	"net/netip"
	"time"

	"klapka.dev/klapka/media/sdp"
)

// Endpoint is the one place where a leg's party sends and receives sound. It
// outlives re-INVITEs, moves and changes of bridge; SSRC, sequence numbers and
// timestamps of what it sends go on across all of them.
//
// An Endpoint is itself a Source: what its party says. So a relayed call is
// a.Hear(b) and b.Hear(a), and the echo test is a.Hear(a). All methods may be
// called from any goroutine; none waits for the network.
type Endpoint interface {
	Source

	// Local is the address to advertise for RTP (RTCP is one port above).
	Local() netip.AddrPort
	// Connect installs what offer and answer agreed on. It may be called again
	// after each renegotiation; packets of the previous payload types are still
	// understood for 2 s.
	Connect(s sdp.Session) error
	// Hear decides what the party hears from now on; nil is silence (nothing is
	// sent). Switching takes effect with the next packet.
	Hear(src Source)
	// SendDigits queues RFC 4733 digits [0-9*#A-D] to the party.
	SendDigits(digits string, each time.Duration)
	// Stats is a snapshot of what was measured so far.
	Stats() Stats
	// Close stops sending, detaches everything and releases the ports after they
	// were drained. It is idempotent.
	Close()
}

// Source is sound somebody may hear: the party of an endpoint, or something
// played. The implementations live in this room's sub-rooms; the sink they feed
// decides whether a frame is relayed, converted or mixed.
type Source interface {
	// Attach starts delivery of frames to k; a source may have many sinks.
	Attach(k Sink)
	// Detach ends it; after it returns no further frame is delivered to k.
	Detach(k Sink)
}

// Sink takes frames. WriteFrame is called by one source at a time and must
// neither block nor keep the payload.
type Sink interface {
	WriteFrame(f *Frame)
}

// CodecWanter is implemented by sinks that say what they would like to be fed.
// A source that can choose, such as a player, asks before each frame, so the
// answer may change with a renegotiation and must cost nothing; a source that
// cannot make that codec delivers PCMA. The zero Codec is "no wish".
type CodecWanter interface {
	WantCodec() sdp.Codec
}

// Frame is one packet's worth of sound, or one telephone event.
type Frame struct {
	Codec     sdp.Codec // what Payload is encoded with; telephone-event for digits
	Payload   []byte    // valid during WriteFrame only
	Timestamp uint32    // in Codec.ClockRate units, continuous within one source
	Samples   uint32    // duration in the same units
	Marker    bool      // first frame after silence, or first of an event
	Stream    uint32    // changes when Timestamp restarts (new SSRC, new source)
	Seq       uint16    // of the arriving packet, so that gaps can be relayed as gaps
}

// Digit is a key the party pressed, reported once per press when it ends or, at
// the latest, when the first packet of the next one arrives.
type Digit struct {
	Key      byte // 0-9 * # A-D
	Duration time.Duration
}

// Stats is what an endpoint measured over its life.
type Stats struct {
	Codec           string
	PacketsSent     uint64
	PacketsReceived uint64
	PacketsLost     uint64        // RFC 3550 A.3
	Jitter          time.Duration // RFC 3550 A.8
	RemoteLost      uint64        // from the party's RTCP reports
	RemoteJitter    time.Duration
	RoundTrip       time.Duration // 0: unknown
	Ignored         uint64        // packets from sources that were not believed
	LastPacket      time.Time     // when the party was last heard; zero: never
	LastReport      time.Time     // when its RTCP last came; zero: never
	MaxInterarrival time.Duration // longest gap between two accepted packets
}

// Observer is told what happens at an endpoint. Its methods are called from the
// packet path: they must not block and should only post.
type Observer interface {
	// OnDigit reports a key press of the party.
	OnDigit(d Digit)
	// OnFirstPacket reports that sound of the party arrived from addr, once.
	OnFirstPacket(addr netip.AddrPort)
}

// Options shape a new endpoint.
type Options struct {
	Peer     netip.Addr // where its signalling comes from, to be reached at an address of that kind; may be invalid
	Observer Observer   // may be nil
}

// Factory makes endpoints; the RTP engine is one, the WebRTC gateway another.
type Factory interface {
	// NewEndpoint returns a silent endpoint, of a phone with an even port pair. The
	// error is pbx-neutral: ErrNoPorts when the range is used up.
	NewEndpoint(o Options) (Endpoint, error)
}
