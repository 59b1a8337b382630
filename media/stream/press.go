package stream

import (
	"encoding/binary"
	"time"

	"klapka.dev/klapka/media"
)

// keys are the telephone events 0–15 (RFC 4733 §3.2).
const keys = "0123456789*#ABCD"

// eventLength is the payload of a telephone event (RFC 4733 §2.3).
const eventLength = 4

// lostEnd is how long after the last packet of an event the party's return to
// speech means that all packets with the end bit were lost.
const lostEnd = 200 * time.Millisecond

// overtaken is how late a packet may be; older timestamps after that are a new
// beginning.
const overtaken = time.Second

// event is the payload of a telephone-event packet.
type event struct {
	code     uint8
	end      bool
	volume   uint8  // -dBm0, 0–63
	duration uint16 // timestamp units
}

func (v *event) parse(b []byte) bool {
	if len(b) < eventLength {
		return false
	}
	*v = event{code: b[0], end: b[1]&0x80 != 0, volume: b[1] & 0x3F, duration: binary.BigEndian.Uint16(b[2:])}
	return true
}

func (v *event) put(b []byte) {
	b[0], b[1] = v.code, v.volume&0x3F
	if v.end {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], v.duration)
}

// pressed follows the party's keys: every packet of one press has the same
// timestamp, the last one is sent three times, and any of them may be lost.
type pressed struct {
	known     bool // timestamp is set
	timestamp uint32
	open      bool // not reported yet
	code      uint8
	duration  uint16
	clock     int
	last      time.Time
}

// digits are the key presses that one packet completes: at most the one whose
// end was lost, and its own.
type digits struct {
	list  [2]media.Digit
	count int
}

func (d *digits) add(v media.Digit) {
	d.list[d.count] = v
	d.count++
}

// event takes a telephone event of the party.
func (k *pressed) event(v event, timestamp uint32, clock int, now time.Time, out *digits) {
	if k.known && int32(timestamp-k.timestamp) < 0 && now.Sub(k.last) < overtaken {
		return // a packet of the press before
	}
	if !k.known || timestamp != k.timestamp {
		k.close(out)
		*k = pressed{known: true, timestamp: timestamp, open: int(v.code) < len(keys), code: v.code, clock: clock}
	}
	k.duration, k.last = max(k.duration, v.duration), now
	if v.end {
		k.close(out)
	}
}

// speech takes note that the party sent sound, not events.
func (k *pressed) speech(now time.Time, out *digits) {
	if k.open && now.Sub(k.last) > lostEnd {
		k.close(out)
	}
}

// close reports the press once.
func (k *pressed) close(out *digits) {
	if !k.open {
		return
	}
	k.open = false
	out.add(media.Digit{
		Key:      keys[k.code],
		Duration: time.Duration(k.duration) * time.Second / time.Duration(max(k.clock, 1)),
	})
}

// restart forgets the timestamps of a stream that ended.
func (k *pressed) restart(out *digits) {
	k.close(out)
	*k = pressed{}
}
