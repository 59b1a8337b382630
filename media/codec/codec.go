package codec

import (
	"errors"
	"fmt"
	"time"

	"klapka.dev/klapka/media/sdp"
)

// FrameTime is the length of sound that players, tones and mixes make at a time.
const FrameTime = 20 * time.Millisecond

// ErrShortBuffer is returned when the destination cannot hold the result.
var ErrShortBuffer = errors.New("codec: destination is too short")

// ErrUnknown is returned for a payload format that cannot be converted.
var ErrUnknown = errors.New("codec: unknown payload format")

// Codec converts one stream. It is not safe for concurrent use unless it keeps
// no state (G.711), and it does not allocate once it runs.
type Codec interface {
	// Format is the payload format as negotiated.
	Format() sdp.Codec
	// Rate is the PCM sampling rate in Hz, which RTP's clock rate need not be
	// (RFC 3551 §4.5.2: G.722 signals 8000 and samples at 16000).
	Rate() int
	// Encode writes the payload of pcm to dst and returns its length in bytes.
	// The error is ErrShortBuffer.
	Encode(dst []byte, pcm []int16) (int, error)
	// Decode writes the sound of payload to dst and returns its length in
	// samples. The error is ErrShortBuffer, or one that wraps ErrUnknown when the
	// payload is not of this format.
	Decode(dst []int16, payload []byte) (int, error)
}

// New makes the codec of a negotiated format. The error wraps ErrUnknown.
func New(format sdp.Codec) (Codec, error) { return NewAt(format, 0) }

// NewAt is New for sound at a rate in Hz of the caller's choice, which Opus has
// (8000, 12000, 16000, 24000 or 48000; 0: 16000); the others have only their own,
// and disregard the wish. The error wraps ErrUnknown.
func NewAt(format sdp.Codec, rate int) (Codec, error) {
	switch {
	case format.Same(sdp.Codec{Name: sdp.PCMA, ClockRate: 8000}):
		return companding{format: format, encode: &aLaw, decode: &fromALaw}, nil
	case format.Same(sdp.Codec{Name: sdp.PCMU, ClockRate: 8000}):
		return companding{format: format, encode: &muLaw, decode: &fromMuLaw}, nil
	case format.Same(sdp.Codec{Name: sdp.G722, ClockRate: 8000}):
		return newG722(format), nil
	case format.Name == sdp.Opus && format.ClockRate == opusClock:
		return newOpus(format, rate)
	}
	return nil, fmt.Errorf("%w: %s/%d", ErrUnknown, format.Name, format.ClockRate)
}

// Samples is the number of samples that d lasts at rate Hz.
func Samples(rate int, d time.Duration) int {
	return int(int64(rate) * int64(d) / int64(time.Second))
}
