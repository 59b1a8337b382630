package codec

import (
	"github.com/zaf/g711"

	"klapka.dev/klapka/media/sdp"
)

// The payload bytes of digital silence (ITU-T G.711).
const (
	SilenceALaw  = 0xD5
	SilenceMuLaw = 0xFF
)

// The direct conversions of ITU-T G.711 tables 3 and 4: payload byte in, payload
// byte out. They are arrays so that the packet path indexes them without a call
// or a bounds check. They are never written after start.
var (
	ALawToMuLaw = byteTable(g711.Alaw2UlawFrame)
	MuLawToALaw = byteTable(g711.Ulaw2AlawFrame)
)

// A table per law costs 64 KiB and encodes six times faster than the search for
// the segment. Samples are indexed by their bits.
var (
	aLaw      = encodeTable(g711.EncodeAlawFrame)
	muLaw     = encodeTable(g711.EncodeUlawFrame)
	fromALaw  = decodeTable(g711.DecodeAlawFrame)
	fromMuLaw = decodeTable(g711.DecodeUlawFrame)
)

func byteTable(f func(uint8) uint8) (t [256]byte) {
	for i := range t {
		t[i] = f(uint8(i))
	}
	return t
}

func encodeTable(f func(int16) uint8) (t [1 << 16]byte) {
	for i := range t {
		t[i] = f(int16(uint16(i)))
	}
	return t
}

func decodeTable(f func(uint8) int16) (t [256]int16) {
	for i := range t {
		t[i] = f(uint8(i))
	}
	return t
}

// Convert rewrites payload in place through one of the direct tables.
func Convert(payload []byte, table *[256]byte) {
	for i, b := range payload {
		payload[i] = table[b]
	}
}

// companding is either law of G.711, told apart by its tables.
type companding struct {
	format sdp.Codec
	encode *[1 << 16]byte
	decode *[256]int16
}

// Format implements Codec.
func (c companding) Format() sdp.Codec { return c.format }

// Rate implements Codec.
func (c companding) Rate() int { return 8000 }

// Encode implements Codec.
func (c companding) Encode(dst []byte, pcm []int16) (int, error) {
	if len(dst) < len(pcm) {
		return 0, ErrShortBuffer
	}
	dst = dst[:len(pcm)]
	for i, s := range pcm {
		dst[i] = c.encode[uint16(s)]
	}
	return len(pcm), nil
}

// Decode implements Codec.
func (c companding) Decode(dst []int16, payload []byte) (int, error) {
	if len(dst) < len(payload) {
		return 0, ErrShortBuffer
	}
	dst = dst[:len(payload)]
	for i, b := range payload {
		dst[i] = c.decode[b]
	}
	return len(payload), nil
}
