// Package pbxtest is what tests of the exchange need: a network in memory, and
// the scripts that play phones on it.
package pbxtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// MaxQueued is how many packets wait at a PacketConn before further ones are
// dropped, as a full socket buffer would.
const MaxQueued = 512

// maxPacket is the largest UDP payload.
const maxPacket = 65507

// holdBack is how much later a reordered packet arrives: more than a packet
// time of 20 ms, so that its successor overtakes it.
const holdBack = 30 * time.Millisecond

// Link is what happens to packets on their way. The zero Link is perfect:
// packets are there before WriteTo returns.
type Link struct {
	Delay     time.Duration // one way
	Jitter    time.Duration // added to Delay, uniform in [0, Jitter); order is kept
	Loss      float64       // share of packets that never arrive, 0–1
	Duplicate float64       // share of packets that arrive twice
	Reorder   float64       // share of packets that are overtaken by later ones
}

// Packet is what a capture sees.
type Packet struct {
	From, To netip.AddrPort
	Data     []byte // valid during the call only
	Sent     time.Time
	Lost     bool // by the link, a full queue or because nobody listens at To, where known when sent
}

// Net is a network in memory: any address exists as soon as somebody listens on
// it. It starts no goroutine of its own, runs in virtual time inside a
// testing/synctest bubble (make it inside), and what it does by chance is
// decided by its seed. All methods may be called from any goroutine.
type Net struct {
	mu       sync.Mutex
	rand     *rand.Rand
	link     Link
	links    map[[2]netip.Addr]Link
	conns    map[netip.AddrPort]*packetConn
	listen   map[netip.AddrPort]*listener
	streams  map[*stream]struct{}
	transit  transit
	nextPort uint16
	capture  func(Packet)
	closed   bool
	buffers  sync.Pool
}

// NewNet makes an empty, perfect network.
func NewNet(seed uint64) *Net {
	n := &Net{
		rand:     rand.New(rand.NewPCG(seed, 0x6b6c61706b61)),
		links:    make(map[[2]netip.Addr]Link),
		conns:    make(map[netip.AddrPort]*packetConn),
		listen:   make(map[netip.AddrPort]*listener),
		streams:  make(map[*stream]struct{}),
		nextPort: 32768,
	}
	n.buffers.New = func() any { return &packet{data: make([]byte, 0, 2048)} }
	n.transit.last = make(map[[2]netip.AddrPort]time.Time)
	return n
}

// SetLink makes l the way between all addresses that have no link of their own.
func (n *Net) SetLink(l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link = l
}

// SetLinkBetween makes l the way of packets from one address to another; the
// way back is a link of its own.
func (n *Net) SetLinkBetween(from, to netip.Addr, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[[2]netip.Addr{from, to}] = l
}

// Capture has fn see every packet when it is sent, in the sender's goroutine. A
// later Capture replaces it; nil ends it.
func (n *Net) Capture(fn func(Packet)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.capture = fn
}

// ListenPacket binds a UDP address. Port 0 takes a free port. The error of an
// address in use matches syscall.EADDRINUSE. The connection also has
// ReadFromUDPAddrPort and WriteToUDPAddrPort, as *net.UDPConn has.
func (n *Net) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr, err := n.bindable(addr, func(a netip.AddrPort) bool { return n.conns[a] != nil })
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(addr), Err: err}
	}
	c := &packetConn{
		net:    n,
		addr:   addr,
		queue:  make(chan *packet, MaxQueued),
		closed: make(chan struct{}),
	}
	c.read.init()
	n.conns[addr] = c
	return c, nil
}

// bindable checks an address and fills in port 0. Callers hold n.mu.
func (n *Net) bindable(addr netip.AddrPort, used func(netip.AddrPort) bool) (netip.AddrPort, error) {
	switch {
	case n.closed:
		return addr, net.ErrClosed
	case !addr.Addr().IsValid() || addr.Addr().IsUnspecified():
		return addr, fmt.Errorf("%w: bind one address", syscall.EADDRNOTAVAIL)
	case addr.Port() != 0 && used(addr):
		return addr, syscall.EADDRINUSE
	case addr.Port() != 0:
		return addr, nil
	}
	for range 32768 {
		addr = netip.AddrPortFrom(addr.Addr(), n.nextPort)
		if n.nextPort++; n.nextPort == 0 {
			n.nextPort = 32768
		}
		if !used(addr) {
			return addr, nil
		}
	}
	return addr, errors.New("no free port")
}

// Bound counts the UDP addresses in use at an address, from port first to last.
func (n *Net) Bound(at netip.Addr, first, last uint16) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for a := range n.conns {
		if a.Addr() == at && a.Port() >= first && a.Port() <= last {
			count++
		}
	}
	return count
}

// Close closes everything that is open on the network.
func (n *Net) Close() error {
	n.mu.Lock()
	n.closed = true
	n.transit.drop()
	var open []interface{ Close() error }
	for _, c := range n.conns {
		open = append(open, c)
	}
	for _, l := range n.listen {
		open = append(open, l)
	}
	for s := range n.streams {
		open = append(open, s)
	}
	n.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	return nil
}

// send takes a packet onto the network.
func (n *Net) send(data []byte, from, to netip.AddrPort) {
	n.mu.Lock()
	lost := n.forward(data, from, to)
	capture := n.capture
	n.mu.Unlock()
	if capture != nil {
		capture(Packet{From: from, To: to, Data: data, Sent: time.Now(), Lost: lost})
	}
}

// forward decides a packet's fate. Callers hold n.mu.
func (n *Net) forward(data []byte, from, to netip.AddrPort) (lost bool) {
	l, own := n.links[[2]netip.Addr{from.Addr(), to.Addr()}]
	if !own {
		l = n.link
	}
	if n.chance(l.Loss) {
		return true
	}
	copies := 1
	if n.chance(l.Duplicate) {
		copies = 2
	}
	for range copies {
		p := n.buffers.Get().(*packet)
		p.data, p.from, p.to = append(p.data[:0], data...), from, to
		overtaken := n.chance(l.Reorder)
		if l.Delay == 0 && l.Jitter == 0 && !overtaken {
			lost = !n.arrive(p)
			continue
		}
		n.travel(p, l, overtaken)
	}
	return lost
}

// chance throws the dice only where there is something to decide, so that a
// perfect link leaves the sequence of random numbers alone. Callers hold n.mu.
func (n *Net) chance(share float64) bool {
	return share > 0 && n.rand.Float64() < share
}

// arrive puts a packet into the queue of its receiver. Callers hold n.mu.
func (n *Net) arrive(p *packet) bool {
	if c := n.conns[p.to]; c != nil {
		select {
		case c.queue <- p:
			return true
		default:
		}
	}
	n.buffers.Put(p)
	return false
}
