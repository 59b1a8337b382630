package convert

import (
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// Tools is what all conversations share. It may be used from any goroutine.
type Tools struct {
	Codecs  *codec.Pool
	filters Filters
}

// NewTools makes tools of which limit conversions may have a costly codec at
// either end; 0 is the usual number.
func NewTools(limit int) *Tools { return &Tools{Codecs: codec.NewPool(limit)} }

// Transcoder converts packets of one codec into packets of another one, or of
// another length, of about ptime each. The error wraps codec.ErrUnknown or is
// codec.ErrBusy. Close gives back what it holds.
func (t *Tools) Transcoder(from, to sdp.Codec, ptime time.Duration) (*Transcoder, error) {
	x := &Transcoder{tools: t, from: from, to: to, clock: from.ClockRate}
	x.bytes = from.Same(to) && !packetised(to)
	x.ptime = packetTime(to, ptime)
	x.units = uint32(samples(to.ClockRate, x.ptime))
	if x.bytes {
		return x, nil
	}
	if err := x.open(); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

// packetised reports whether a payload is a whole that can't be cut or added to.
func packetised(c sdp.Codec) bool { return c.Name == sdp.Opus }

// packetTime is the length of packets nearest below what is wished for that the
// codec has.
func packetTime(to sdp.Codec, wish time.Duration) time.Duration {
	ms := min(max(wish.Milliseconds()/10*10, 10), 120)
	if packetised(to) {
		switch {
		case ms >= 60:
			ms = 60
		case ms >= 40:
			ms = 40
		case ms >= 20:
			ms = 20
		}
	}
	return time.Duration(ms) * time.Millisecond
}

// open takes the codecs. Opus works at the other side's rate, so that nothing
// needs to be resampled.
func (x *Transcoder) open() (err error) {
	rate := 0
	for _, c := range []sdp.Codec{x.from, x.to} {
		switch c.Name {
		case sdp.PCMA, sdp.PCMU:
			rate = 8000
		case sdp.G722:
			rate = max(rate, 16000)
		}
		if rate == 8000 {
			break
		}
	}
	if x.decoder, err = x.tools.Codecs.Decoder(x.from, rate); err != nil {
		return err
	}
	if x.encoder, err = x.tools.Codecs.Encoder(x.to, rate); err != nil {
		return err
	}
	if x.resampler, err = x.tools.filters.Resampler(x.decoder.Rate(), x.encoder.Rate()); err != nil {
		return err
	}
	if x.own, _ = x.decoder.(codec.Concealer); x.own == nil {
		x.hidden = newConcealer(x.decoder.Rate())
	}
	longest := samples(x.decoder.Rate(), longestPacket)
	x.decoded = make([]int16, longest)
	x.pcm = make([]int16, 0, 2*x.resampler.Longest(longest)+samples(x.encoder.Rate(), longestPacket))
	return nil
}

// Fits reports whether the transcoder is the one for these.
func (x *Transcoder) Fits(from, to sdp.Codec, ptime time.Duration) bool {
	return x.from.Same(from) && x.to == to && x.ptime == packetTime(to, ptime)
}

// Pending reports whether sound waits for more to make a packet of.
func (x *Transcoder) Pending() bool { return len(x.raw) > 0 || len(x.pcm) > 0 }

// From is what is converted.
func (x *Transcoder) From() sdp.Codec { return x.from }

// Close gives the codecs back; the transcoder must not be used any more.
func (x *Transcoder) Close() {
	x.tools.Codecs.Put(x.decoder)
	x.tools.Codecs.Put(x.encoder)
	x.decoder, x.encoder = nil, nil
}

// Packed reports whether a packet of so many timestamp units has to be packed
// anew for somebody who wants ptime. Wholes are passed on as they are.
func Packed(f *media.Frame, ptime time.Duration) bool {
	return ptime > 0 && f.Codec.IsSpeech() && !packetised(f.Codec) && f.Samples > 0 &&
		f.Samples != uint32(samples(f.Codec.ClockRate, packetTime(f.Codec, ptime)))
}
