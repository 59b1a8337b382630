package codec

import "klapka.dev/klapka/media/sdp"

// g722Rate is what G.722 samples at; RTP counts half of it (RFC 3551 §4.5.2).
const g722Rate = 16000

// The quadrature mirror filters look at 24 samples; sound is filtered in chunks,
// so that the history is moved once a chunk and not once a sample.
const (
	qmfTaps  = 24
	qmfChunk = 80 // pairs of samples: 10 ms
)

// g722 is ITU-T G.722 at 64 kbit/s, the only mode RTP knows: a byte is a pair of
// samples, split into two bands that are predicted and quantised by themselves.
// Arithmetic is that of the Recommendation in 32 bits, saturated to 16 where it
// says so.
type g722 struct {
	format   sdp.Codec
	encoding g722State
	decoding g722State
}

// g722State is one direction.
type g722State struct {
	low, high subband
	history   [qmfTaps + 2*qmfChunk]int32 // what came before, then the chunk
}

func newG722(format sdp.Codec) *g722 {
	c := &g722{format: format}
	c.reset()
	return c
}

func (c *g722) reset() {
	start := g722State{low: subband{scale: 32}, high: subband{scale: 8}}
	c.encoding, c.decoding = start, start
}

// Format implements Codec.
func (c *g722) Format() sdp.Codec { return c.format }

// Rate implements Codec.
func (c *g722) Rate() int { return g722Rate }

// Encode implements Codec. Of an odd number of samples the last one is left out.
func (c *g722) Encode(dst []byte, pcm []int16) (int, error) {
	pairs := len(pcm) / 2
	if len(dst) < pairs {
		return 0, ErrShortBuffer
	}
	for at := 0; at < pairs; at += qmfChunk {
		n := min(qmfChunk, pairs-at)
		c.encoding.encode(dst[at:at+n], pcm[2*at:2*(at+n)])
	}
	return pairs, nil
}

// Decode implements Codec; every byte means something.
func (c *g722) Decode(dst []int16, payload []byte) (int, error) {
	if len(dst) < 2*len(payload) {
		return 0, ErrShortBuffer
	}
	for at := 0; at < len(payload); at += qmfChunk {
		n := min(qmfChunk, len(payload)-at)
		c.decoding.decode(dst[2*at:2*(at+n)], payload[at:at+n])
	}
	return 2 * len(payload), nil
}

// encode splits a chunk into its bands and quantises them.
func (s *g722State) encode(dst []byte, pcm []int16) {
	x := s.history[:qmfTaps-2+len(pcm)]
	for i, v := range pcm {
		x[qmfTaps-2+i] = int32(v)
	}
	for i := range dst {
		odd, even := mirror((*[qmfTaps]int32)(x[2*i:]))
		dst[i] = s.low.quantiseLow((even+odd)>>14) | s.high.quantiseHigh((even-odd)>>14)<<6
	}
	copy(x, x[len(pcm):])
}

// decode rebuilds the bands of a chunk and puts them together.
func (s *g722State) decode(dst []int16, payload []byte) {
	x := s.history[:qmfTaps-2+len(dst)]
	for i, b := range payload {
		low, high := s.low.restoreLow(b&63), s.high.restoreHigh(b>>6)
		x[qmfTaps-2+2*i], x[qmfTaps-1+2*i] = low+high, low-high
	}
	for i := range payload {
		second, first := mirror((*[qmfTaps]int32)(x[2*i:]))
		dst[2*i], dst[2*i+1] = int16(saturate(first>>11)), int16(saturate(second>>11))
	}
	copy(x, x[len(dst):])
}

// mirror is both halves of the filter (G.722 table 11), which is symmetric.
func mirror(x *[qmfTaps]int32) (a, b int32) {
	a = 3*x[0] - 11*x[2] + 12*x[4] + 32*x[6] - 210*x[8] + 951*x[10] +
		3876*x[12] - 805*x[14] + 362*x[16] - 156*x[18] + 53*x[20] - 11*x[22]
	b = -11*x[1] + 53*x[3] - 156*x[5] + 362*x[7] - 805*x[9] + 3876*x[11] +
		951*x[13] - 210*x[15] + 32*x[17] + 12*x[19] - 11*x[21] + 3*x[23]
	return a, b
}
