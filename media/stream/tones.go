package stream

import (
	"math"
	"time"

	"klapka.dev/klapka/media/codec"
)

// maxTonePacket is the longest packet of tones that is made.
const maxTonePacket = 100 * time.Millisecond

// Levels of the two tones as amplitudes of 16-bit samples: -11 and -9 dBm0, as
// ETSI ES 201 235-2 has them, where a full-scale sine is +3.14 dBm0.
const (
	lowLevel  = 6433
	highLevel = 8099
)

// frequencies are the low and the high tone of each event code (ITU-T Q.23).
var frequencies = [len(keys)][2]float64{
	{941, 1336}, {697, 1209}, {697, 1336}, {697, 1477}, {770, 1209}, {770, 1336}, {770, 1477},
	{852, 1209}, {852, 1336}, {852, 1477}, {941, 1209}, {941, 1477},
	{697, 1633}, {770, 1633}, {852, 1633}, {941, 1633},
}

// tones makes one digit audible for a party that has no telephone events.
type tones struct {
	codec codec.Codec
	freq  [2]float64
	n     int // samples made so far
	pcm   []int16
}

func newTones(c codec.Codec, code uint8) *tones {
	return &tones{codec: c, freq: frequencies[code], pcm: make([]int16, codec.Samples(c.Rate(), maxTonePacket))}
}

// fill encodes the next stretch of sound, or of silence, and returns its size.
func (t *tones) fill(dst []byte, length time.Duration, sounding bool) int {
	pcm := t.pcm[:min(codec.Samples(t.codec.Rate(), length), len(t.pcm))]
	for i := range pcm {
		pcm[i] = 0
		if sounding {
			x := 2 * math.Pi * float64(t.n+i) / float64(t.codec.Rate())
			pcm[i] = int16(lowLevel*math.Sin(t.freq[0]*x) + highLevel*math.Sin(t.freq[1]*x))
		}
	}
	t.n += len(pcm)
	size, err := t.codec.Encode(dst, pcm)
	if err != nil {
		return 0
	}
	return size
}
