package rtp

import "encoding/binary"

// headerLength is the fixed RTP header (RFC 3550 §5.1).
const headerLength = 12

// packet is one RTP packet as it arrived.
type packet struct {
	payloadType uint8
	marker      bool
	seq         uint16
	timestamp   uint32
	ssrc        uint32
	payload     []byte // without padding; part of the buffer that was parsed
}

// parse reads an RTP packet (RFC 3550 §5.1, §5.3.1). It is our own because it
// must not allocate; contributing sources and extensions are stepped over.
func (p *packet) parse(b []byte) bool {
	if len(b) < headerLength || b[0]>>6 != 2 {
		return false
	}
	p.payloadType, p.marker = b[1]&0x7F, b[1]&0x80 != 0
	p.seq = binary.BigEndian.Uint16(b[2:])
	p.timestamp = binary.BigEndian.Uint32(b[4:])
	p.ssrc = binary.BigEndian.Uint32(b[8:])
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
	p.payload = b[start:end]
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
