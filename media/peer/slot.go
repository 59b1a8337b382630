package peer

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// Slot is the endpoint of one call of a browser. It may be made before anybody
// knows which page will answer, wait on a session, and move to another.
type Slot struct {
	observer media.Observer // may be nil
	sinks    stream.Sinks
	hearing  stream.Hearing
	session  atomic.Pointer[Session] // nil: on none
	closed   atomic.Bool
	open     atomic.Bool   // the leg lets sound flow
	era      atomic.Uint32 // added to media.Frame.Stream, as numbers leap while others speak
	keys     atomic.Pointer[keys]
	count    counter

	moving sync.Mutex // between sessions
}

var _ media.Endpoint = (*Slot)(nil)

// NewSlot makes a slot without a session.
func NewSlot(o media.Options) *Slot { return &Slot{observer: o.Observer} }

// NewSlot makes a slot that waits on the session.
func (s *Session) NewSlot(o media.Options) *Slot {
	k := NewSlot(o)
	s.Add(k)
	return k
}

// Local implements media.Endpoint. A slot has no address of its own; what it
// says is the discard port of this host, fit for descriptions that never leave
// the exchange.
func (k *Slot) Local() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 9)
}

// Connect implements media.Endpoint. Of the description only the direction
// counts: the rest was agreed with the browser by its session.
func (k *Slot) Connect(s sdp.Session) error {
	if k.closed.Load() {
		return media.ErrClosed
	}
	k.open.Store(s.Direction != sdp.Inactive)
	return nil
}

// Hear implements media.Endpoint.
func (k *Slot) Hear(src media.Source) {
	k.hearing.Change(src, k, func() {
		if s := k.session.Load(); s != nil {
			s.turned(k)
		}
	})
}

// Attach implements media.Source.
func (k *Slot) Attach(sink media.Sink) { k.sinks.Attach(sink) }

// Detach implements media.Source. It must not be called from within WriteFrame.
func (k *Slot) Detach(sink media.Sink) { k.sinks.Detach(sink) }

// WriteFrame implements media.Sink: what the user is to hear.
func (k *Slot) WriteFrame(f *media.Frame) {
	if s := k.session.Load(); s != nil && k.open.Load() {
		s.write(k, f)
	}
}

// WantCodec implements media.CodecWanter.
func (k *Slot) WantCodec() sdp.Codec {
	if s := k.session.Load(); s != nil {
		if c := s.out.Format(); c.Name != "" {
			return c
		}
	}
	return Codecs()[0]
}

// SendDigits implements media.Endpoint; a slot that waits is sent none.
func (k *Slot) SendDigits(digits string, each time.Duration) {
	if s := k.session.Load(); s != nil && k.open.Load() {
		s.dial(k, digits, each)
	}
}

// Stats implements media.Endpoint. What is counted per connection is that of the
// times in which the slot was active.
func (k *Slot) Stats() media.Stats {
	var now media.Stats
	if s := k.session.Load(); s != nil {
		now = s.measure()
	}
	return k.count.stats(now)
}

// Close implements media.Endpoint.
func (k *Slot) Close() {
	if k.closed.Swap(true) {
		return
	}
	k.moving.Lock()
	if s := k.session.Load(); s != nil {
		s.remove(k)
	}
	k.moving.Unlock()
	if p := k.keys.Load(); p != nil {
		p.sender.End()
	}
	k.hearing.Close(k)
	k.sinks.Close()
}

// speaks begins a time in which the slot is active. The session is locked.
func (k *Slot) speaks(now media.Stats) {
	k.era.Store(rand.Uint32() | 1) // never keysEra
	k.count.begin(now)
}

// waits ends it.
func (k *Slot) waits(now media.Stats) { k.count.end(now) }

// arrived takes a packet of the user.
func (k *Slot) arrived(a *stream.Arrival) {
	if a.Frame.Codec.Name != "" && k.count.packet(time.Now()) && k.observer != nil {
		if s := k.session.Load(); s != nil {
			k.observer.OnFirstPacket(s.remote())
		}
	}
	k.deliver(a, k.era.Load())
}

// deliver hands on what a packet leads to; era tells the numbers of one source
// from those of another.
func (k *Slot) deliver(a *stream.Arrival, era uint32) {
	if k.observer != nil {
		for _, d := range a.Digits() {
			k.observer.OnDigit(d)
		}
	}
	if !a.Deliver || !k.open.Load() {
		return
	}
	if p := k.keys.Load(); p != nil && era != keysEra && p.sender.Busy() {
		return // keys pressed in the page take the microphone's place
	}
	a.Frame.Stream += era
	k.sinks.Deliver(&a.Frame)
}
