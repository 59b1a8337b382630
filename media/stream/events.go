package stream

import (
	"time"

	"klapka.dev/klapka/media"
)

// relayedTone is how long a relayed key sounds to a party without telephone
// events. How long it is held is not known when it begins.
const relayedTone = 120 * time.Millisecond

// relayedEvent is the event of the source that is being passed on.
type relayedEvent struct {
	known  bool
	stream uint32
	in     uint32    // its timestamp at the source
	out    uint32    // and as we send it, the same for all its packets
	at     time.Time // when it began
}

// is reports whether a frame belongs to it.
func (r *relayedEvent) is(f *media.Frame) bool {
	return r.known && r.stream == f.Stream && r.in == f.Timestamp
}

// relayEvent passes a telephone event on with the party's payload type and
// clock; a party that has none hears the tones.
func (o *Sender) relayEvent(f *media.Frame, now time.Time) {
	var v event
	if !v.parse(f.Payload) {
		return
	}
	fresh := !o.relayed.is(f)
	if o.event.Name == "" {
		if fresh {
			o.relayed = relayedEvent{known: true, stream: f.Stream, in: f.Timestamp}
			o.press(press{code: v.code, each: relayedTone}, now)
		}
		return
	}
	newest, ok := o.place(f, now)
	if !ok || fresh && !newest {
		return // overtaken by the next event
	}
	sameClock := f.Codec.ClockRate == o.codec.ClockRate
	if fresh {
		out := f.Timestamp + o.source.timestamp
		if !sameClock {
			out = o.next(now)
		}
		o.relayed = relayedEvent{known: true, stream: f.Stream, in: f.Timestamp, out: out, at: now}
	}
	seq := f.Seq + o.source.seq
	v.duration = uint16(min(65535, uint64(v.duration)*uint64(o.event.ClockRate)/uint64(max(f.Codec.ClockRate, 1))))
	if newest {
		o.advance(seq, o.relayed.out, uint32(v.duration), o.relayed.at)
	}
	// Timestamps of another clock say nothing about the sound that follows.
	o.source.valid = sameClock
	v.put(o.buf[headerLength:])
	o.send(o.event.PT, fresh || f.Marker, seq, o.relayed.out, eventLength)
}
