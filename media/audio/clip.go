package audio

import (
	"sync"
	"time"

	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// Clip is a piece of sound that can be played. Its frames are encoded once per
// codec and shared by everybody who hears it.
type Clip struct {
	pcm    PCM // mono
	frames int // of codec.FrameTime; the last one is filled up with silence

	mu      sync.Mutex
	encoded map[clipKey][][]byte // nil value: cannot be encoded
}

// clipKey is what makes encoded frames differ; payload types do not.
type clipKey struct {
	name            string
	clock, channels int
}

// NewClip makes a clip of p, which the caller must not change afterwards.
func NewClip(p PCM) *Clip {
	p = p.Mono()
	c := &Clip{pcm: p, encoded: make(map[clipKey][][]byte)}
	if per := codec.Samples(p.Rate, codec.FrameTime); per > 0 {
		c.frames = (len(p.Samples) + per - 1) / per
	}
	return c
}

// Duration is how long playing the clip takes, in whole frames.
func (c *Clip) Duration() time.Duration { return time.Duration(c.frames) * codec.FrameTime }

// Frames is the clip as payloads of 20 ms each. They are shared: nobody may
// change them. ok is false when the format cannot be encoded.
func (c *Clip) Frames(format sdp.Codec) (payloads [][]byte, ok bool) {
	key := clipKey{format.Name, format.ClockRate, max(format.Channels, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	payloads, known := c.encoded[key]
	if !known {
		payloads = c.encode(format)
		c.encoded[key] = payloads
	}
	return payloads, payloads != nil
}

// encode makes exactly c.frames payloads, or none.
func (c *Clip) encode(format sdp.Codec) [][]byte {
	enc, err := codec.New(format)
	if err != nil {
		return nil
	}
	sound := c.pcm.Resample(enc.Rate()).Samples
	frame := make([]int16, codec.Samples(enc.Rate(), codec.FrameTime))
	scratch := make([]byte, 2*len(frame))
	payloads := make([][]byte, c.frames)
	for i := range payloads {
		clear(frame)
		if from := i * len(frame); from < len(sound) {
			copy(frame, sound[from:])
		}
		n, err := enc.Encode(scratch, frame)
		if err != nil {
			return nil
		}
		payloads[i] = append([]byte(nil), scratch[:n]...)
	}
	return payloads
}
