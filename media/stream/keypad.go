package stream

import (
	"strings"
	"time"

	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// How digits are sent (RFC 4733 §2.5).
const (
	updateEvery = 50 * time.Millisecond // between packets of one event
	firstUpdate = 20 * time.Millisecond // what the first one says it lasted
	endCount    = 3                     // last packets, in case some are lost
	endEvery    = 20 * time.Millisecond
	betweenKeys = 50 * time.Millisecond // ITU-T Q.24 asks for 40 at least
	shortestKey = 50 * time.Millisecond
	longestKey  = 5 * time.Second
	usualKey    = 100 * time.Millisecond
	keyVolume   = 10 // -dBm0
	maxQueued   = 64 // digits
)

// press is a digit to be sent.
type press struct {
	code uint8
	each time.Duration
}

// keypad sends digits to the party, one step of a timer after the other. Sound
// waits meanwhile.
type keypad struct {
	busy    bool
	queue   []press // the first is being sent
	started time.Time
	at      time.Duration // place of the present step after started
	ends    int
	stamp   uint32
	tones   *tones // nil: telephone events
	timer   *time.Timer
}

// stop forgets what was to be sent.
func (k *keypad) stop() {
	if k.timer != nil {
		k.timer.Stop()
	}
	*k = keypad{}
}

// Dial queues digits for the party; other characters are stepped over.
func (o *Sender) Dial(digits string, each time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if each <= 0 {
		each = usualKey
	}
	each = min(max(each, shortestKey), longestKey)
	for _, r := range strings.ToUpper(digits) {
		if code := strings.IndexRune(keys, r); code >= 0 {
			o.press(press{code: uint8(code), each: each}, time.Now())
		}
	}
}

// Busy reports whether digits are being sent, and sound waits.
func (o *Sender) Busy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.keypad.busy
}

// press queues one digit. Callers hold o.mu.
func (o *Sender) press(p press, now time.Time) {
	k := &o.keypad
	if o.closed || !o.open || int(p.code) >= len(keys) || len(k.queue) == maxQueued {
		return
	}
	k.queue = append(k.queue, p)
	if !k.busy {
		k.busy = true
		o.source.valid = false
		o.begin(now)
	}
}

// begin starts the first digit of the queue, or ends when there is none.
func (o *Sender) begin(now time.Time) {
	k := &o.keypad
	k.tones = nil
	for o.event.Name == "" && len(k.queue) > 0 {
		c, err := codec.New(o.codec)
		if err == nil {
			k.tones = newTones(c, k.queue[0].code)
			break
		}
		k.queue = k.queue[1:] // there is no way to tell this party
	}
	if len(k.queue) == 0 {
		k.stop()
		return
	}
	k.started, k.at, k.ends, k.stamp = now, 0, 0, o.next(now)
	o.step()
}

// tick is the timer's.
func (o *Sender) tick() {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.keypad.busy:
	case o.closed || !o.open:
		o.keypad.stop()
	default:
		o.step()
	}
}

// step sends one packet of the present digit and sets the timer to the next.
func (o *Sender) step() {
	k := &o.keypad
	var after time.Duration
	if k.tones != nil {
		after = o.stepTone()
	} else {
		after = o.stepEvent()
	}
	if after == 0 {
		k.queue = k.queue[1:]
		o.begin(time.Now())
		return
	}
	k.at += after
	k.timer = time.AfterFunc(time.Until(k.started.Add(k.at)), o.tick)
}

// stepEvent sends a packet of a telephone event: the first with the marker, all
// with the same timestamp, the end three times. It returns the time to the next
// step, zero when the digit is over.
func (o *Sender) stepEvent() time.Duration {
	k := &o.keypad
	p := k.queue[0]
	if k.ends == endCount {
		return 0
	}
	lasted := max(k.at, firstUpdate)
	after := min(updateEvery, p.each-k.at)
	if k.at >= p.each {
		k.ends++
		lasted, after = p.each, endEvery
		if k.ends == endCount {
			after = betweenKeys
		}
	}
	span := min(units(lasted, o.event.ClockRate), 65535)
	v := event{code: p.code, end: k.ends > 0, volume: keyVolume, duration: uint16(span)}
	v.put(o.buf[headerLength:])
	o.advance(o.seq+1, k.stamp, span, k.started)
	o.send(o.event.PT, k.at == 0, o.seq, k.stamp, eventLength)
	return after
}

// stepTone sends a packet of the tones, or of the silence after them.
func (o *Sender) stepTone() time.Duration {
	k := &o.keypad
	p := k.queue[0]
	if k.at >= p.each+betweenKeys {
		return 0
	}
	length := o.ptime
	if length > maxTonePacket || o.codec.Name == sdp.Opus { // which has not every length
		length = codec.FrameTime
	}
	size := k.tones.fill(o.buf[headerLength:], length, k.at < p.each)
	span := units(length, o.codec.ClockRate)
	o.advance(o.seq+1, k.stamp, span, time.Now())
	o.send(o.codec.PT, k.at == 0, o.seq, k.stamp, size)
	k.stamp += span
	return length
}
