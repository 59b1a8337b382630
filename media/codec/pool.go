package codec

import (
	"errors"
	"sync"

	"klapka.dev/klapka/media/sdp"
)

// ErrBusy is returned when as many costly codecs are in use as may be.
var ErrBusy = errors.New("codec: too many conversations are being converted")

// idleCodecs bounds how many costly codecs are kept for the next call.
const idleCodecs = 32

// usualLimit is how many costly codecs may be in use; at 20 ms of sound in a
// tenth of a millisecond, two processors are busy with so many.
const usualLimit = 400

// Pool lends codecs, and bounds the memory and the time that the costly ones
// (Opus) take. It may be used from any goroutine; what it lends may not.
type Pool struct {
	mu    sync.Mutex
	limit int
	used  map[*opus]poolKey
	idle  map[poolKey][]*opus
	count int // in idle
}

// poolKey tells apart what can't stand in for one another.
type poolKey struct {
	rate     int
	encoding bool
}

// NewPool is a pool of at most limit costly codecs; 0 is the usual number.
func NewPool(limit int) *Pool {
	if limit <= 0 {
		limit = usualLimit
	}
	return &Pool{limit: limit, used: map[*opus]poolKey{}, idle: map[poolKey][]*opus{}}
}

// Encoder lends a codec that is used to encode only. rate is as in NewAt. The
// error wraps ErrUnknown or is ErrBusy.
func (p *Pool) Encoder(format sdp.Codec, rate int) (Codec, error) { return p.take(format, rate, true) }

// Decoder lends a codec that is used to decode only, as Encoder does.
func (p *Pool) Decoder(format sdp.Codec, rate int) (Codec, error) { return p.take(format, rate, false) }

func (p *Pool) take(format sdp.Codec, rate int, encoding bool) (Codec, error) {
	fresh, err := NewAt(format, rate)
	c, costly := fresh.(*opus)
	if err != nil || !costly {
		return fresh, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.used) >= p.limit {
		return nil, ErrBusy
	}
	key := poolKey{c.rate, encoding}
	if idle := p.idle[key]; len(idle) > 0 {
		c = idle[len(idle)-1]
		p.idle[key] = idle[:len(idle)-1]
		p.count--
		if err := c.adopt(format); err != nil {
			return nil, err
		}
	}
	p.used[c] = key
	return c, nil
}

// Put takes a codec back, which must not be used any more; nil and codecs of
// other origin are left alone.
func (p *Pool) Put(c Codec) {
	o, ok := c.(*opus)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key, lent := p.used[o]
	if !lent {
		return
	}
	delete(p.used, o)
	if p.count < idleCodecs {
		p.idle[key] = append(p.idle[key], o)
		p.count++
	}
}

// InUse is how many costly codecs are lent.
func (p *Pool) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.used)
}
