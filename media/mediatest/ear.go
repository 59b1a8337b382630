package mediatest

import (
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// earRate is the only rate an Ear hears.
const earRate = 8000

// earAhead is how far a timestamp may run ahead of the clock before it is taken
// for a new beginning.
const earAhead = 10 * earRate

// Ear is a sink that remembers what it heard and when: sound of one stream lies
// where its timestamps say, a new stream where it arrived. What was not sent is
// silence.
type Ear struct {
	mu      sync.Mutex
	began   time.Time
	samples []int16
	stream  uint32
	base    uint32 // timestamp that lies at origin
	origin  int
	any     bool
	foreign int
	buf     []int16
}

// NewEar is an Ear whose time begins now.
func NewEar() *Ear { return &Ear{began: time.Now()} }

// WantCodec implements media.CodecWanter.
func (e *Ear) WantCodec() sdp.Codec {
	return sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: earRate, Channels: 1}
}

// WriteFrame implements media.Sink.
func (e *Ear) WriteFrame(f *media.Frame) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := codec.New(f.Codec)
	if err != nil || c.Rate() != earRate {
		e.foreign++
		return
	}
	if len(e.buf) < len(f.Payload) {
		e.buf = make([]int16, len(f.Payload))
	}
	n, err := c.Decode(e.buf, f.Payload)
	if err != nil {
		e.foreign++
		return
	}
	at := e.place(f)
	if missing := at + n - len(e.samples); missing > 0 {
		e.samples = append(e.samples, make([]int16, missing)...)
	}
	copy(e.samples[at:], e.buf[:n])
}

// place is where in time a frame belongs.
func (e *Ear) place(f *media.Frame) int {
	now := int(int64(time.Since(e.began)) * earRate / int64(time.Second))
	at := e.origin + int(int32(f.Timestamp-e.base))
	if !e.any || f.Stream != e.stream || at < 0 || at > now+earAhead {
		e.any, e.stream, e.base, e.origin = true, f.Stream, f.Timestamp, now
		at = now
	}
	return at
}

// Heard is everything so far, from the Ear's beginning to now.
func (e *Ear) Heard() audio.PCM {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := int(int64(time.Since(e.began)) * earRate / int64(time.Second))
	samples := append([]int16(nil), e.samples...)
	if missing := now - len(samples); missing > 0 {
		samples = append(samples, make([]int16, missing)...)
	}
	return audio.PCM{Rate: earRate, Channels: 1, Samples: samples}
}

// Foreign is how many frames were not G.711: digits, or codecs an Ear cannot hear.
func (e *Ear) Foreign() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.foreign
}
