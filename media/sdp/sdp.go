// Package sdp reads and writes session descriptions (RFC 8866) the way phones
// really send them, and answers offers (RFC 3264). Parsing is tolerant: what can
// be understood is, what cannot is left alone; only a description without any
// usable audio is an error.
package sdp

import (
	"net/netip"
	"time"
)

// Codec is one RTP payload format as negotiated.
type Codec struct {
	Name      string // upper case: PCMU, PCMA, G722, OPUS; "TELEPHONE-EVENT" for digits
	PT        uint8  // payload type on the wire
	ClockRate int    // Hz as signalled (G722: 8000)
	Channels  int    // 1 when absent
	Fmtp      string // format parameters as received, may be empty
}

// Same reports whether two codecs carry the same payloads, whatever their
// payload types.
func (c Codec) Same(o Codec) bool {
	return c.Name == o.Name && c.ClockRate == o.ClockRate && max(c.Channels, 1) == max(o.Channels, 1)
}

// Direction is the flow of sound from the describing party's view (RFC 3264 §5.1).
type Direction string

// The directions.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

// Reverse is the direction as the other side sees it.
func (d Direction) Reverse() Direction {
	switch d {
	case SendOnly:
		return RecvOnly
	case RecvOnly:
		return SendOnly
	}
	return d
}

// Session is what an offer and its answer agreed on, from our endpoint's view.
type Session struct {
	Remote     netip.AddrPort // where the party receives RTP; invalid: not known (host name, old-style hold)
	RemoteRTCP netip.AddrPort // where it receives RTCP; invalid: one port above
	Signalling netip.Addr     // where its signalling comes from; sound from elsewhere than there and Remote is never believed; invalid: unknown
	Codec      Codec          // what we send; PT as the party wants it
	Receive    []Codec        // what the party may send, PTs as we announced them
	Event      Codec          // telephone-event towards the party; zero Name: none
	PTime      time.Duration  // packet time the party wants, default 20 ms
	Direction  Direction      // ours: SendRecv, SendOnly, RecvOnly, Inactive
	Encrypt    Crypto         // key of what we send; empty Suite: plain RTP
	Decrypt    Crypto         // key of what the party sends; of the same suite
	Held       bool           // the party asked for hold (sendonly, inactive or 0.0.0.0)
}
