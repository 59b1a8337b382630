package stream

import (
	"fmt"
	"time"

	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// formatLife is how long a payload type is understood after a renegotiation
// dropped it: packets sent before the answer arrived are still under way.
const formatLife = 2 * time.Second

// maxFormats bounds how many payload types are understood at a time.
const maxFormats = 32

// format is a payload type the party may send.
type format struct {
	codec sdp.Codec
	event bool
	until time.Time // zero: as long as the session
}

// formats finds what a payload type means, for each packet anew.
type formats struct {
	index [128]uint8 // place in list plus one
	list  []format
}

// replace installs the payload types of a new session, beside the old ones.
func (f *formats) replace(codecs []sdp.Codec, now time.Time) error {
	next := formats{list: make([]format, 0, len(codecs)+len(f.list))}
	for _, c := range codecs {
		if c.PT > 127 || c.ClockRate <= 0 {
			return fmt.Errorf("rtp: payload type %d, %s/%d cannot be received", c.PT, c.Name, c.ClockRate)
		}
		next.add(format{codec: c, event: c.Name == sdp.TelephoneEvent})
	}
	for _, old := range f.list {
		if old.until.IsZero() {
			old.until = now.Add(formatLife)
		}
		if now.Before(old.until) {
			next.add(old)
		}
	}
	*f = next
	return nil
}

// add keeps the first meaning of a payload type.
func (f *formats) add(v format) {
	if f.index[v.codec.PT] != 0 || len(f.list) == maxFormats {
		return
	}
	f.list = append(f.list, v)
	f.index[v.codec.PT] = uint8(len(f.list))
}

// find returns nil for a payload type that has no meaning now.
func (f *formats) find(payloadType uint8, now time.Time) *format {
	i := f.index[payloadType&0x7F]
	if i == 0 {
		return nil
	}
	v := &f.list[i-1]
	if !v.until.IsZero() && now.After(v.until) {
		return nil
	}
	return v
}

// samples is how long a payload lasts in timestamp units. Payloads whose length
// does not tell are taken for one packet time.
func (f *format) samples(payload []byte, ptime time.Duration) uint32 {
	switch f.codec.Name {
	case sdp.PCMA, sdp.PCMU, sdp.G722: // one byte per unit (RFC 3551 §4.5)
		return uint32(len(payload) / max(f.codec.Channels, 1))
	case sdp.Opus:
		if d, ok := codec.OpusDuration(payload); ok {
			return units(d, f.codec.ClockRate)
		}
	case sdp.ComfortNoise: // it lasts until something else comes
		return 0
	}
	return units(ptime, f.codec.ClockRate)
}

// units is a duration in timestamp units of a clock; it wraps as timestamps do.
func units(d time.Duration, clock int) uint32 {
	return uint32(d.Microseconds() * int64(clock) / 1e6)
}
