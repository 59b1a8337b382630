package convert

import "time"

// ringSize is how many packets are held at most: more than a second.
const ringSize = 64

// How long sound may wait for stragglers.
const (
	leastDelay = 20 * time.Millisecond
	mostDelay  = 200 * time.Millisecond
	// giveUp is how long nothing may come before it is silence and not loss.
	giveUp = 200 * time.Millisecond
	// clockJump is how far transit times may move before it is another clock.
	clockJump = 5 * time.Second
)

// Kind says what is to be played.
type Kind int

// The kinds.
const (
	Quiet Kind = iota // nothing is said, or not yet
	Play              // a packet
	Lost              // a packet that did not come, or not yet
)

// Next is what is to be played next.
type Next struct {
	Kind    Kind
	Payload []byte // Play: of the packet, valid until the next call
	After   []byte // Lost: payload of the packet right after it, if that is here
	Samples uint32 // how long it lasts, in timestamp units
	Comfort bool   // Play: it describes noise (RFC 3389), it is no speech
}

// Jitter puts packets in order and holds them as long as the network makes it
// necessary, measured on the packets themselves. What plays asks it for one
// packet after the other at the pace of its own clock.
type Jitter struct {
	clock    uint32 // timestamp units a second
	start    time.Time
	spread   spread
	ring     [ringSize]slot
	held     int
	playing  bool // else waiting for the first packet after silence
	known    bool // nextSeq is
	next     uint32
	nextSeq  uint16
	frame    uint32 // length of the last packet
	expanded uint32 // made up since the last packet, not taken from the timeline
	counts   JitterCounts
}

// JitterCounts is what became of packets.
type JitterCounts struct {
	Late      uint64 // came after their time
	Duplicate uint64
	Lost      uint64 // were made up for
	Restarts  uint64 // of the stream, by its numbers
}

// slot is a place in the ring, which keeps its memory.
type slot struct {
	full      bool
	seq       uint16
	timestamp uint32
	samples   uint32
	comfort   bool
	payload   []byte
}

// NewJitter is a buffer for a stream of so many timestamp units a second.
func NewJitter(clock int, now time.Time) *Jitter {
	return &Jitter{clock: uint32(clock), start: now, frame: uint32(clock) / 50}
}

// Reset forgets everything but the counts; for a new stream.
func (j *Jitter) Reset() {
	for i := range j.ring {
		j.ring[i].full = false
	}
	j.spread, j.held, j.playing, j.known, j.expanded = spread{}, 0, false, false, 0
}

// Put takes a packet, which is copied. samples is its length in timestamp units.
func (j *Jitter) Put(seq uint16, timestamp, samples uint32, payload []byte, comfort bool, now time.Time) {
	transit := j.units(now) - timestamp
	if j.spread.known {
		least, _ := j.spread.bounds()
		if d := int32(transit-j.spread.origin) - least; d > j.duration(clockJump) || d < -j.duration(clockJump) {
			j.counts.Restarts++
			j.Reset()
		}
	}
	j.spread.add(transit)
	if j.known {
		switch ahead := int16(seq - j.nextSeq); {
		case ahead < 0 && ahead > -ringSize:
			j.counts.Late++
			return
		case ahead < 0 || ahead >= ringSize:
			j.counts.Restarts++
			j.Reset()
			j.spread.add(transit)
		}
	}
	s := &j.ring[seq%ringSize]
	if s.full && s.seq == seq {
		j.counts.Duplicate++
		return
	}
	if !s.full {
		j.held++
	}
	*s = slot{
		full: true, seq: seq, timestamp: timestamp, samples: samples, comfort: comfort,
		payload: append(s.payload[:0], payload...),
	}
}

// Get is what to play next. now is when it is going to be heard.
func (j *Jitter) Get(now time.Time) Next {
	for {
		if !j.playing && !j.begin(now) {
			return Next{Kind: Quiet, Samples: j.frame}
		}
		s := &j.ring[j.nextSeq%ringSize]
		if s.full && s.seq == j.nextSeq {
			if int32(s.timestamp-j.next) > int32(j.frame/2) {
				j.playing = false // time without packets: the sender was silent
				continue
			}
			return j.play(s)
		}
		if n, known := j.miss(); known {
			return n
		}
	}
}

// begin starts to play the first packet that is here, when it is time.
func (j *Jitter) begin(now time.Time) bool {
	s := j.earliest()
	if s == nil || j.delay(s.timestamp, now) < j.target() {
		return false
	}
	j.playing, j.known, j.next, j.nextSeq, j.expanded = true, true, s.timestamp, s.seq, 0
	return true
}

func (j *Jitter) play(s *slot) Next {
	s.full = false
	j.held--
	j.nextSeq++
	j.next = s.timestamp + s.samples
	j.expanded = 0
	if s.samples > 0 {
		j.frame = s.samples
	}
	if s.comfort {
		j.playing = false // what follows is due when it is said to be
	}
	return Next{Kind: Play, Payload: s.payload, Samples: s.samples, Comfort: s.comfort}
}

// miss is what to do for a packet that is not here; known is false when the
// question is to be asked again.
func (j *Jitter) miss() (n Next, known bool) {
	later := j.earliest()
	if later == nil {
		// It may still come: the sound is stretched, and the timeline waits.
		if j.expanded += j.frame; int32(j.expanded) > j.duration(giveUp) {
			j.playing = false
			return Next{}, false
		}
		return Next{Kind: Lost, Samples: j.frame}, true
	}
	missing := uint32(later.seq - j.nextSeq)
	hole := later.timestamp - j.next
	if int32(hole) <= 0 || hole <= j.expanded || int32(hole) > j.duration(giveUp) {
		// Made up already, or more than anybody can make up.
		j.counts.Lost += uint64(missing)
		j.nextSeq, j.next, j.expanded = later.seq, later.timestamp, 0
		return Next{}, false
	}
	n = Next{Kind: Lost, Samples: hole / missing}
	j.nextSeq++
	j.next += n.Samples
	if missing == 1 {
		n.After = later.payload
	}
	j.counts.Lost++
	return n, true
}

// earliest is the oldest packet held, nil when there is none.
func (j *Jitter) earliest() (first *slot) {
	if j.held == 0 {
		return nil
	}
	for i := range j.ring {
		s := &j.ring[i]
		if s.full && (first == nil || int16(s.seq-first.seq) < 0) {
			first = s
		}
	}
	return first
}

// Drift is how far the playing is off what the network makes necessary, in
// timestamp units: above zero there is time to be gained by making sound longer,
// below zero time to be made up by making it shorter. It follows a foreign clock
// as well as the jitter.
func (j *Jitter) Drift(now time.Time) int {
	if !j.playing {
		return 0
	}
	return int(j.target() - j.delay(j.next, now))
}

// Delay is how long packets are held at present.
func (j *Jitter) Delay() time.Duration {
	return time.Duration(j.target()) * time.Second / time.Duration(j.clock)
}

// Counts is what became of packets so far.
func (j *Jitter) Counts() JitterCounts { return j.counts }

// target is how much later than the fastest packet sound is to be played.
func (j *Jitter) target() int32 {
	if !j.spread.known {
		return j.duration(leastDelay)
	}
	least, most := j.spread.bounds()
	return min(max(most-least+int32(j.frame), j.duration(leastDelay)), j.duration(mostDelay))
}

// delay is how much later than the fastest packet this timestamp would be played.
func (j *Jitter) delay(timestamp uint32, now time.Time) int32 {
	least, _ := j.spread.bounds()
	return int32(j.units(now)-timestamp-j.spread.origin) - least
}

// units is a time on the clock of timestamps.
func (j *Jitter) units(now time.Time) uint32 {
	return uint32(int64(now.Sub(j.start)) / 1000 * int64(j.clock) / 1e6)
}

func (j *Jitter) duration(d time.Duration) int32 {
	return int32(int64(d) * int64(j.clock) / int64(time.Second))
}
