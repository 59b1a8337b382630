package convert

import (
	"math/rand/v2"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// longestHole is what may be made up of lost sound; more is left out.
const longestHole = 120 * time.Millisecond

// Transcoder converts a stream as it arrives. It has no clock and adds no delay:
// the listener's own jitter buffer is the only one on the way, and what was lost
// on the way here is missing there too wherever the listener can tell. Only a
// packet that comes before its turn waits, for one more at most.
type Transcoder struct {
	tools     *Tools
	from, to  sdp.Codec
	clock     int // of from
	ptime     time.Duration
	units     uint32 // a packet's length on the clock of to
	bytes     bool   // payloads are only cut anew
	decoder   codec.Codec
	own       codec.Concealer // of the decoder; nil: it has none
	hidden    *concealer      // then
	encoder   codec.Codec
	resampler *Resampler

	begun  bool
	stream uint32 // of the source
	seq    uint16 // expected next
	stamp  uint32 // expected next
	length uint32 // of the last packet, in its units
	paused bool   // time that passes now is no loss
	held   heldPacket

	decoded []int16
	pcm     []int16 // not encoded yet
	raw     []byte  // or, when payloads are only cut
	out     media.Frame
	frames  []media.Frame
	room    [][]byte // for their payloads
}

// heldPacket came before its turn.
type heldPacket struct {
	full    bool
	frame   media.Frame
	payload []byte
}

// Convert takes a packet of the source and returns what follows from it, in
// order: nothing, one packet, or several. The frames are numbered without regard
// to the source, and valid until the next call.
func (x *Transcoder) Convert(f *media.Frame) []media.Frame {
	x.frames = x.frames[:0]
	if !x.begun || f.Stream != x.stream {
		x.begin(f)
	}
	switch ahead := int16(f.Seq - x.seq); {
	case ahead == 0:
		x.take(f)
	case ahead < 0 || x.held.full && x.held.frame.Seq == f.Seq:
		return nil
	case !x.held.full:
		x.hold(f)
		return nil
	default:
		x.giveUp(f)
	}
	if h := &x.held; h.full && int16(h.frame.Seq-x.seq) <= 0 {
		h.full = false
		if h.frame.Seq == x.seq {
			x.take(&h.frame)
		}
	}
	return x.frames
}

// Skip takes note of a packet of the source that is no sound (a telephone event):
// it is not missing.
func (x *Transcoder) Skip(f *media.Frame) {
	if x.begun && f.Stream == x.stream && int16(f.Seq-x.seq) >= 0 {
		x.seq, x.paused, x.held.full = f.Seq+1, true, false
	}
}

// Break has the next packet begin anew.
func (x *Transcoder) Break() { x.begun = false }

// begin starts with a packet of a new stream.
func (x *Transcoder) begin(f *media.Frame) {
	x.begun, x.stream, x.seq, x.stamp, x.length, x.paused = true, f.Stream, f.Seq, f.Timestamp, f.Samples, false
	x.held.full, x.pcm, x.raw = false, x.pcm[:0], x.raw[:0]
	x.out.Stream, x.out.Marker = rand.Uint32(), true
}

func (x *Transcoder) hold(f *media.Frame) {
	x.held.payload = append(x.held.payload[:0], f.Payload...)
	x.held.full, x.held.frame = true, *f
	x.held.frame.Payload = x.held.payload
}

// giveUp stops to wait: of the packet held and the one at hand the first has its
// turn, and what is missing before it is lost.
func (x *Transcoder) giveUp(f *media.Frame) {
	first, second := &x.held.frame, f
	if int16(second.Seq-first.Seq) < 0 {
		first, second = second, first
	}
	x.lose(first)
	x.take(first)
	switch {
	case second.Seq == x.seq:
		x.take(second)
		x.held.full = false
	case second == f:
		x.hold(f)
	}
}

// lose makes up for what is missing before f, or leaves the listener to do so.
func (x *Transcoder) lose(f *media.Frame) {
	missing, hole := int(f.Seq-x.seq), f.Timestamp-x.stamp
	x.seq = f.Seq
	if x.paused || int32(hole) <= 0 || int(hole) > samples(x.clock, longestHole) {
		return // it shows as time that passed
	}
	x.stamp = f.Timestamp
	if x.own == nil && !packetised(x.to) {
		x.flush()
		gap := x.outUnits(hole)
		x.out.Seq += uint16(max(1, (gap+x.units/2)/x.units))
		x.out.Timestamp += gap
		return
	}
	one := min(samples(x.decoder.Rate(), longestPacket), int(hole)/missing*x.decoder.Rate()/x.clock)
	for i := range missing {
		pcm := x.decoded[:one]
		switch {
		case x.own == nil:
			x.hidden.conceal(pcm)
		case i == missing-1:
			if x.own.Recover(pcm, f.Payload) != nil {
				clear(pcm)
			}
		case x.own.Conceal(pcm) != nil:
			clear(pcm)
		}
		x.feed(pcm)
	}
}

// take converts the packet whose turn it is.
func (x *Transcoder) take(f *media.Frame) {
	if passed := f.Timestamp - x.stamp; passed != 0 {
		x.pause(passed)
	}
	x.out.Marker = x.out.Marker || f.Marker
	x.seq, x.stamp, x.length, x.paused = f.Seq+1, f.Timestamp+f.Samples, f.Samples, false
	if x.bytes {
		x.raw = append(x.raw, f.Payload...)
		for n := int(x.units); len(x.raw) >= n; x.raw = x.raw[:copy(x.raw, x.raw[n:])] {
			x.emit(x.raw[:n], x.units)
		}
		return
	}
	n, err := x.decoder.Decode(x.decoded, f.Payload)
	if err != nil {
		n = min(samples(x.decoder.Rate(), longestPacket), int(f.Samples)*x.decoder.Rate()/x.clock)
		clear(x.decoded[:n]) // what is no sound is silence of that length
	} else if x.hidden != nil {
		x.hidden.good(x.decoded[:n])
	}
	x.feed(x.decoded[:n])
}

// pause is time without sound: the source was silent, or set its clock anew.
func (x *Transcoder) pause(passed uint32) {
	x.flush()
	x.out.Marker = true
	if int32(passed) < 0 || int(passed) > samples(x.clock, time.Hour) {
		x.out.Stream++
		return
	}
	x.out.Timestamp += x.outUnits(passed)
}

// outUnits is a length on the source's clock as one on ours.
func (x *Transcoder) outUnits(in uint32) uint32 {
	return uint32(uint64(in) * uint64(x.to.ClockRate) / uint64(x.clock))
}

// feed encodes sound as far as it makes whole packets.
func (x *Transcoder) feed(pcm []int16) {
	x.pcm = x.resampler.Resample(x.pcm, pcm)
	n := samples(x.encoder.Rate(), x.ptime)
	done := 0
	for ; len(x.pcm)-done >= n; done += n {
		x.encode(x.pcm[done:done+n], x.units)
	}
	x.pcm = x.pcm[:copy(x.pcm, x.pcm[done:])]
}

// encode makes a packet of the sound, which is so many units long.
func (x *Transcoder) encode(pcm []int16, units uint32) {
	room := x.space()
	n, err := x.encoder.Encode(room, pcm)
	if err != nil || packetised(x.to) && n <= 2 {
		// Silence that need not be sent shows by its time alone.
		x.out.Timestamp += units
		x.out.Marker = true
		return
	}
	x.add(room[:n], units)
}

// flush sends what is not a whole packet yet as a shorter one, or filled up with
// silence where there are none.
func (x *Transcoder) flush() {
	switch {
	case len(x.raw) > 0:
		x.emit(x.raw, uint32(len(x.raw)))
		x.raw = x.raw[:0]
	case len(x.pcm) > 0:
		units := x.units
		if packetised(x.to) {
			for n := samples(x.encoder.Rate(), x.ptime); len(x.pcm) < n; {
				x.pcm = append(x.pcm, 0)
			}
		} else {
			units = uint32(len(x.pcm) * x.to.ClockRate / x.encoder.Rate())
			x.pcm = x.pcm[:int(units)*x.encoder.Rate()/x.to.ClockRate] // whole units
		}
		if units > 0 {
			x.encode(x.pcm, units)
		}
		x.pcm = x.pcm[:0]
	}
}

// emit adds a packet with a copy of the payload.
func (x *Transcoder) emit(payload []byte, units uint32) {
	x.add(x.space()[:copy(x.space(), payload)], units)
}

// space is room for the payload of the next packet.
func (x *Transcoder) space() []byte {
	if len(x.room) == len(x.frames) {
		x.room = append(x.room, make([]byte, maxPayload))
	}
	return x.room[len(x.frames)]
}

// maxPayload is the longest payload made.
const maxPayload = 1400

func (x *Transcoder) add(payload []byte, units uint32) {
	f := x.out
	f.Codec, f.Payload, f.Samples = x.to, payload, units
	x.frames = append(x.frames, f)
	x.out.Seq++
	x.out.Timestamp += units
	x.out.Marker = false
}
