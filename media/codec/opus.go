package codec

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"klapka.dev/klapka/media/sdp"
)

// opusClock is Opus' RTP clock, whatever it samples at (RFC 7587 §4.1).
const opusClock = 48000

// opusRate is what Opus is coded at unless somebody asks for another rate: the
// wide band, at half the cost of the full one.
const opusRate = 16000

// longestOpus is the longest packet (RFC 6716 §2.1.4).
const longestOpus = 120 * time.Millisecond

// Concealer is implemented by codecs that know themselves how a lost packet may
// have sounded.
type Concealer interface {
	// Conceal fills dst with what was probably lost. dst is exactly as long as
	// the packet that is missing.
	Conceal(dst []int16) error
	// Recover fills dst with what was lost, from the redundancy that the packet
	// after it carries, or conceals it when that has none. The packet after it is
	// to be decoded next. dst is as for Conceal.
	Recover(dst []int16, next []byte) error
}

// opusEncoder and opusDecoder are what a library has to do for us. A slice of
// samples is always exactly one packet long, for libraries take its length for
// the length asked of them.
type opusEncoder interface {
	encode(dst []byte, pcm []int16) (int, error)
	reset(s opusSettings) error
}

type opusDecoder interface {
	decode(dst []int16, payload []byte) (int, error)
	conceal(dst []int16) error
	recover(dst []int16, next []byte) error
	reset() error
}

// opus codes mono at a rate of our choice. Either direction is made when it is
// first used, as each costs a quarter of a megabyte.
type opus struct {
	format  sdp.Codec
	rate    int
	encoder opusEncoder
	decoder opusDecoder
}

// opusSettings are what the party asked for (RFC 7587 §6.1).
type opusSettings struct {
	rate    int // Hz of our samples
	bitrate int // bit/s
	fec     bool
	dtx     bool
	cbr     bool
}

// expectedLoss is what redundancy is dosed for, in per cent.
const expectedLoss = 10

// newOpus checks the rate; 0 is the usual one.
func newOpus(format sdp.Codec, rate int) (*opus, error) {
	switch rate {
	case 0:
		rate = opusRate
	case 8000, 12000, 16000, 24000, 48000:
	default:
		return nil, fmt.Errorf("%w: Opus at %d Hz", ErrUnknown, rate)
	}
	return &opus{format: format, rate: rate}, nil
}

// settings reads the party's parameters.
func (c *opus) settings() opusSettings {
	s := opusSettings{rate: c.rate, bitrate: 24000}
	switch {
	case c.rate <= 8000:
		s.bitrate = 16000
	case c.rate > 16000:
		s.bitrate = 32000
	}
	for param := range strings.SplitSeq(c.format.Fmtp, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch strings.ToLower(name) {
		case "useinbandfec":
			s.fec = value == "1"
		case "usedtx":
			s.dtx = value == "1"
		case "cbr":
			s.cbr = value == "1"
		case "maxaveragebitrate":
			if n, err := strconv.Atoi(value); err == nil && n >= 6000 {
				s.bitrate = min(s.bitrate, n)
			}
		}
	}
	return s
}

// adopt makes a used one fit for another stream.
func (c *opus) adopt(format sdp.Codec) error {
	c.format = format
	if c.encoder != nil {
		if err := c.encoder.reset(c.settings()); err != nil {
			return err
		}
	}
	if c.decoder != nil {
		return c.decoder.reset()
	}
	return nil
}

// Format implements Codec.
func (c *opus) Format() sdp.Codec { return c.format }

// Rate implements Codec.
func (c *opus) Rate() int { return c.rate }

// Encode implements Codec. pcm is 10, 20, 40 or 60 ms long. A payload of one or
// two bytes is silence that need not be sent (discontinuous transmission).
func (c *opus) Encode(dst []byte, pcm []int16) (int, error) {
	if !opusLength(len(pcm), c.rate) {
		return 0, fmt.Errorf("%w: Opus of %d samples at %d Hz", ErrUnknown, len(pcm), c.rate)
	}
	if c.encoder == nil {
		e, err := newOpusEncoder(c.settings())
		if err != nil {
			return 0, err
		}
		c.encoder = e
	}
	if len(dst) < 4 {
		return 0, ErrShortBuffer
	}
	return c.encoder.encode(dst, pcm)
}

// opusLength reports whether a packet may be that long.
func opusLength(samples, rate int) bool {
	for _, ms := range []int{10, 20, 40, 60} {
		if samples == rate/1000*ms {
			return true
		}
	}
	return false
}

// Decode implements Codec.
func (c *opus) Decode(dst []int16, payload []byte) (int, error) {
	d, ok := OpusDuration(payload)
	if !ok {
		return 0, fmt.Errorf("%w: no Opus packet", ErrUnknown)
	}
	n := Samples(c.rate, d)
	if len(dst) < n {
		return 0, ErrShortBuffer
	}
	if err := c.decoding(); err != nil {
		return 0, err
	}
	return c.decoder.decode(dst[:n], payload)
}

// Conceal implements Concealer.
func (c *opus) Conceal(dst []int16) error {
	if err := c.decoding(); err != nil {
		return err
	}
	return c.decoder.conceal(dst)
}

// Recover implements Concealer.
func (c *opus) Recover(dst []int16, next []byte) error {
	if err := c.decoding(); err != nil {
		return err
	}
	return c.decoder.recover(dst, next)
}

func (c *opus) decoding() error {
	if c.decoder != nil {
		return nil
	}
	d, err := newOpusDecoder(c.rate)
	if err != nil {
		return err
	}
	c.decoder = d
	return nil
}

// OpusDuration is how long the sound of an Opus packet lasts, read from its first
// bytes (RFC 6716 §3.1, §3.2); ok is false for what is no such packet.
func OpusDuration(payload []byte) (d time.Duration, ok bool) {
	if len(payload) == 0 {
		return 0, false
	}
	config, frames := payload[0]>>3, 1
	switch payload[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(payload) < 2 {
			return 0, false
		}
		frames = int(payload[1] & 63)
	}
	var frame time.Duration
	switch {
	case config < 12:
		frame = [4]time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16:
		frame = time.Duration(10+10*(config&1)) * time.Millisecond
	default:
		frame = 2500 * time.Microsecond << (config & 3)
	}
	d = time.Duration(frames) * frame
	return d, d > 0 && d <= longestOpus
}
