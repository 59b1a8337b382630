package stream

import (
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/convert"
	"klapka.dev/klapka/media/sdp"
)

// Paths of sound to the party, cheapest first: as it is, by table, cut anew, and
// decoded and encoded. Which one it is follows from each frame, so that it may
// change at any time; our numbers go on.

// Equip lets the sender convert what the party doesn't take as it is; without
// tools it is left out. It is for the beginning.
func (o *Sender) Equip(t *convert.Tools) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tools = t
}

// convert is how sound of a codec reaches the party: in a payload type it takes,
// as it is (nil) or by table.
func (o *Sender) convert(from sdp.Codec) (payloadType uint8, table *[256]byte, ok bool) {
	for i := range o.also {
		if from.Same(o.also[i]) {
			return o.also[i].PT, nil, true
		}
	}
	table, ok = conversion(from, o.codec)
	return o.codec.PT, table, ok
}

// conversion is how a payload becomes one the party takes: as it is (nil), by
// table, or not at all.
func conversion(from, to sdp.Codec) (*[256]byte, bool) {
	switch {
	case from.Same(to):
		return nil, true
	case from.ClockRate != to.ClockRate || max(from.Channels, 1) != max(to.Channels, 1):
		return nil, false
	case from.Name == sdp.PCMA && to.Name == sdp.PCMU:
		return &codec.ALawToMuLaw, true
	case from.Name == sdp.PCMU && to.Name == sdp.PCMA:
		return &codec.MuLawToALaw, true
	}
	return nil, false
}

// converts reports whether a frame goes by way of the converter: because the
// party doesn't take it as it is (direct), or wants other packet times, or has
// not got all of such a packet yet.
func (o *Sender) converts(f *media.Frame, direct bool) bool {
	switch {
	case o.tools == nil || !f.Codec.IsSpeech():
		return false
	case !direct || convert.Packed(f, o.wish):
		return true
	}
	return o.converter != nil && o.converter.Pending() && o.converter.Fits(f.Codec, o.wanted(f.Codec), o.ptime)
}

// transcode sends a frame by way of the converter; false when there can be none.
func (o *Sender) transcode(f *media.Frame, now time.Time) bool {
	to := o.wanted(f.Codec)
	if o.converter == nil || !o.converter.Fits(f.Codec, to, o.ptime) {
		o.release()
		x, err := o.tools.Transcoder(f.Codec, to, o.ptime)
		if err != nil {
			return false
		}
		o.converter = x
	}
	for _, made := range o.converter.Convert(f) {
		o.relay(&made, to.PT, nil, now)
	}
	return true
}

// wanted is what sound of a codec is converted to.
func (o *Sender) wanted(from sdp.Codec) sdp.Codec {
	for i := range o.also {
		if from.Same(o.also[i]) {
			return o.also[i]
		}
	}
	return o.codec
}

// Wish is what a source that can choose should make for the party: what it is
// sent, but for Opus what is as good and costs a twentieth to prepare; one
// conversation can be encoded as it goes, a whole clip takes a second.
func (o *Sender) Wish() sdp.Codec {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tools != nil && o.codec.Name == sdp.Opus {
		return sdp.Codec{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1}
	}
	return o.codec
}

// release gives the converter's codecs back.
func (o *Sender) release() {
	if o.converter != nil {
		o.converter.Close()
		o.converter = nil
	}
}

// Converting is what sound is converted from at present; its name is empty when
// it is passed on without being decoded.
func (o *Sender) Converting() sdp.Codec {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.converter == nil {
		return sdp.Codec{}
	}
	return o.converter.From()
}
