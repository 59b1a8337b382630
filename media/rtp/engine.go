package rtp

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/convert"
)

// Options shape an engine. The zero value of a duration or limit is its default.
type Options struct {
	Advertise netip.Addr // what Local says; invalid: Bind
	Bind      netip.Addr // where sockets are bound; invalid: Advertise
	// AddrFor decides both for a peer, whose address is invalid when unknown; nil:
	// Bind and Advertise, whoever it is.
	AddrFor func(peer netip.Addr) (bind, advertise netip.Addr)
	PortMin int // first port of the range, 1–65535
	PortMax int // last port of the range
	// Listen binds a UDP address; nil is a real socket. Connections that have
	// ReadFromUDPAddrPort and WriteToUDPAddrPort, as *net.UDPConn has, are used
	// without allocation.
	Listen func(addr netip.AddrPort) (net.PacketConn, error)
	Log    *slog.Logger // nil: none

	DrainQuiet time.Duration // a closed pair is free after this long without a packet; 2 s
	DrainMax   time.Duration // and after this long at the latest; 30 s
	DrainPairs int           // how many pairs may drain at a time; 1000

	Conversions int // how many conversions to or from Opus may run at a time; 400
}

// Engine makes endpoints on port pairs. It implements media.Factory.
type Engine struct {
	bind       netip.Addr
	advertise  netip.Addr
	addrFor    func(netip.Addr) (bind, advertise netip.Addr)
	ports      *ports
	loops      *loops
	log        *slog.Logger
	drainQuiet time.Duration
	drainMax   time.Duration
	drainPairs int
	tools      *convert.Tools

	mu      sync.Mutex
	open    map[*endpoint]struct{} // whose ports are not free
	drained []*endpoint            // those of them that are closed, oldest first
	closed  bool
}

var _ media.Factory = (*Engine)(nil)

// New makes an engine. It binds nothing yet; the error says what is wrong with
// the options.
func New(o Options) (*Engine, error) {
	if !o.Bind.IsValid() {
		o.Bind = o.Advertise
	}
	if !o.Advertise.IsValid() {
		o.Advertise = o.Bind
	}
	if o.AddrFor == nil && (!o.Advertise.IsValid() || o.Advertise.IsUnspecified()) {
		return nil, fmt.Errorf("rtp: %q cannot be advertised to phones", o.Advertise)
	}
	if o.Listen == nil {
		o.Listen = listenUDP
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := new(loops)
	p, err := newPorts(o, l)
	if err != nil {
		return nil, err
	}
	return &Engine{
		bind:       o.Bind,
		advertise:  o.Advertise,
		addrFor:    o.AddrFor,
		ports:      p,
		loops:      l,
		log:        o.Log,
		drainQuiet: or(o.DrainQuiet, 2*time.Second),
		drainMax:   or(o.DrainMax, 30*time.Second),
		drainPairs: or(o.DrainPairs, 1000),
		tools:      convert.NewTools(o.Conversions),
		open:       make(map[*endpoint]struct{}),
	}, nil
}

func or[T int | time.Duration](v, usual T) T {
	if v <= 0 {
		return usual
	}
	return v
}

// NewEndpoint implements media.Factory. When every other pair is taken, the one
// that drained longest is used again. After Close the error is media.ErrClosed.
func (g *Engine) NewEndpoint(o media.Options) (media.Endpoint, error) {
	bind, advertise := g.bind, g.advertise
	if g.addrFor != nil {
		bind, advertise = g.addrFor(o.Peer)
	}
	for {
		p, err := g.ports.take(bind)
		if err == nil {
			p.advertise = advertise
			return g.begin(p, o)
		}
		if !g.hurry() {
			return nil, err
		}
	}
}

// begin starts an endpoint on a bound pair.
func (g *Engine) begin(p pair, o media.Options) (media.Endpoint, error) {
	e := newEndpoint(g, p, o)
	g.mu.Lock()
	defer g.mu.Unlock()
	err := media.ErrClosed
	if !g.closed {
		err = e.run()
	}
	if err != nil {
		e.abort()
		g.ports.put(p.port)
		return nil, err
	}
	g.open[e] = struct{}{}
	return e, nil
}

// hurry frees the pair that drained longest; false when none is draining.
func (g *Engine) hurry() bool {
	g.mu.Lock()
	var oldest *endpoint
	if len(g.drained) > 0 {
		oldest = g.drained[0]
	}
	g.mu.Unlock()
	if oldest == nil {
		return false
	}
	oldest.abort()
	<-oldest.done
	return true
}

// draining takes note of a closed endpoint.
func (g *Engine) draining(e *endpoint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, open := g.open[e]; !open {
		return // its port was quiet already
	}
	g.drained = append(g.drained, e)
	if len(g.drained) > g.drainPairs {
		g.drained[0].abort()
		g.drained = slices.Delete(g.drained, 0, 1)
	}
}

// released takes the ports of an endpoint back.
func (g *Engine) released(e *endpoint) {
	g.ports.put(e.port)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, e)
	if i := slices.Index(g.drained, e); i >= 0 {
		g.drained = slices.Delete(g.drained, i, i+1)
	}
}

// Close closes all endpoints and returns when every port is free. It doesn't
// wait for draining: there is no next call.
func (g *Engine) Close() error {
	g.mu.Lock()
	g.closed = true
	var open []*endpoint
	for e := range g.open {
		open = append(open, e)
	}
	g.mu.Unlock()
	for _, e := range open {
		e.Close()
		e.abort()
	}
	for _, e := range open {
		<-e.done
	}
	g.loops.close()
	return nil
}
