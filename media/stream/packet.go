package stream

import "encoding/binary"

// headerLength is the fixed RTP header (RFC 3550 §5.1).
const headerLength = 12

// Packet is one RTP packet as it arrived.
type Packet struct {
	PayloadType uint8
	Marker      bool
	Seq         uint16
	Timestamp   uint32
	SSRC        uint32
	Payload     []byte // without padding; part of the buffer that was parsed
}

// Parse reads an RTP packet (RFC 3550 §5.1, §5.3.1). It is our own because it
// must not allocate; contributing sources and extensions are stepped over.
func (p *Packet) Parse(b []byte) bool {
	if len(b) < headerLength || b[0]>>6 != 2 {
		return false
	}
	p.PayloadType, p.Marker = b[1]&0x7F, b[1]&0x80 != 0
	p.Seq = binary.BigEndian.Uint16(b[2:])
	p.Timestamp = binary.BigEndian.Uint32(b[4:])
	p.SSRC = binary.BigEndian.Uint32(b[8:])
	start, end := headerLength+4*int(b[0]&0x0F), len(b)
	if b[0]&0x10 != 0 {
		if end < start+4 {
			return false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	}
	if b[0]&0x20 != 0 {
		padding := int(b[end-1])
		if padding == 0 {
			return false
		}
		end -= padding
	}
	if end < start {
		return false
	}
	p.Payload = b[start:end]
	return true
}

// putHeader writes a fixed header to b.
func putHeader(b []byte, payloadType uint8, marker bool, seq uint16, timestamp, ssrc uint32) {
	b[0], b[1] = 2<<6, payloadType&0x7F
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}
