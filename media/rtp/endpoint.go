package rtp

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

// endpoint is a party's place on one port pair.
type endpoint struct {
	engine    *Engine
	port      uint16
	advertise netip.Addr
	rtp       conn
	rtcp      conn
	observer  media.Observer // may be nil

	in       ingress
	wire     *wire
	sinks    stream.Sinks
	hearing  stream.Hearing
	out      stream.Sender
	reporter stream.Reporter
	name     string  // CNAME of our reports
	arrival  arrival // of the goroutine that reads RTP

	close    sync.Once
	closing  atomic.Pointer[time.Time] // when Close was called
	watched  atomic.Int32              // ports that a loop reads
	rtcpDone chan struct{}             // closed when a goroutine has read RTCP to its end
	done     chan struct{}             // closed when the ports are free
}

func newEndpoint(g *Engine, p pair, o media.Options) *endpoint {
	e := &endpoint{
		engine: g,
		port:   p.port,

		advertise: p.advertise,
		rtp:       p.rtp,
		rtcp:      p.rtcp,
		observer:  o.Observer,
		in:        ingress{receiver: stream.NewReceiver()},
		wire:      &wire{conn: p.rtp},
		name:      stream.NewName(),
		rtcpDone:  make(chan struct{}),
		done:      make(chan struct{}),
	}
	e.out = stream.NewSender(e.wire, rand.Uint32())
	e.out.Equip(g.tools)
	return e
}

// Local implements media.Endpoint.
func (e *endpoint) Local() netip.AddrPort {
	return netip.AddrPortFrom(e.advertise, e.port)
}

// Connect implements media.Endpoint.
func (e *endpoint) Connect(s sdp.Session) error {
	if e.closing.Load() != nil {
		return media.ErrClosed
	}
	if err := e.in.connect(&s, time.Now(), e.wire, &e.out); err != nil {
		return err
	}
	e.reporter.Start(e.report)
	return nil
}

// Hear implements media.Endpoint.
func (e *endpoint) Hear(src media.Source) { e.hearing.Change(src, e, e.out.Turn) }

// Attach implements media.Source.
func (e *endpoint) Attach(k media.Sink) { e.sinks.Attach(k) }

// Detach implements media.Source. It must not be called from within WriteFrame.
func (e *endpoint) Detach(k media.Sink) { e.sinks.Detach(k) }

// WriteFrame implements media.Sink: what the party is to hear.
func (e *endpoint) WriteFrame(f *media.Frame) { e.out.Write(f, time.Now()) }

// WantCodec implements media.CodecWanter: what reaches the party at least cost.
func (e *endpoint) WantCodec() sdp.Codec { return e.out.Wish() }

// SendDigits implements media.Endpoint.
func (e *endpoint) SendDigits(digits string, each time.Duration) { e.out.Dial(digits, each) }

// Stats implements media.Endpoint.
func (e *endpoint) Stats() (s media.Stats) {
	e.in.stats(&s)
	e.out.Stats(&s)
	return s
}

// Close implements media.Endpoint. The ports stay bound until the party has
// stopped sending, so that the next call doesn't hear it.
func (e *endpoint) Close() {
	e.close.Do(func() {
		now := time.Now()
		e.closing.Store(&now)
		e.hearing.Close(e)
		e.sinks.Close()
		e.out.End()
		if e.reporter.Close() {
			e.bye()
		}
		_ = e.rtp.SetReadDeadline(now.Add(e.engine.drainQuiet))
		e.engine.draining(e)
	})
}

// onRTP takes a packet from the even port. It is called by one goroutine.
func (e *endpoint) onRTP(b []byte, from netip.AddrPort) {
	a := &e.arrival
	e.in.accept(b, from, time.Now(), a)
	if a.learned {
		e.in.lead(&e.out)
	}
	if e.observer != nil {
		if a.First {
			e.observer.OnFirstPacket(from)
		}
		for _, d := range a.Digits() {
			e.observer.OnDigit(d)
		}
	}
	if a.Deliver {
		e.sinks.Deliver(&a.Frame)
	}
}

// onRTCP takes a packet from the odd port.
func (e *endpoint) onRTCP(b []byte, from netip.AddrPort) {
	e.in.acceptReport(b, from, time.Now(), e.out.SSRC(), e.out.Format().ClockRate)
}
