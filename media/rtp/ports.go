package rtp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"klapka.dev/klapka/media"
)

// pair is two neighbouring sockets, RTP on the even port.
type pair struct {
	port      uint16
	rtp, rtcp conn
	advertise netip.Addr
}

// ports are the pairs of the range that are not in use, the longest unused
// first: whoever still sends to a port of a call that ended has the longest time
// to notice. The order begins at a random place, for after a restart of the
// program the phones of its last calls are still sending.
type ports struct {
	mu     sync.Mutex
	free   []uint16
	listen func(netip.AddrPort) (net.PacketConn, error)
	loops  *loops
}

func newPorts(o Options, l *loops) (*ports, error) {
	first, last := (o.PortMin+1)&^1, o.PortMax-1
	if o.PortMin < 1 || o.PortMax > 65535 || first > last {
		return nil, fmt.Errorf("rtp: no even port pair in %d-%d", o.PortMin, o.PortMax)
	}
	count := (last-first)/2 + 1
	p := &ports{listen: o.Listen, loops: l, free: make([]uint16, count)}
	start := rand.IntN(count)
	for i := range p.free {
		p.free[i] = uint16(first + (start+i)%count*2)
	}
	return p, nil
}

// take binds the next pair that can be bound. Ports that another program holds
// are tried again when all others had their turn.
func (p *ports) take(bind netip.Addr) (pair, error) {
	err := media.ErrNoPorts
	for range p.count() {
		port, ok := p.next()
		if !ok {
			break
		}
		taken, failure := p.open(bind, port)
		if failure == nil {
			return taken, nil
		}
		p.put(port)
		if err = fmt.Errorf("%w: %w", media.ErrNoPorts, failure); !errors.Is(failure, syscall.EADDRINUSE) {
			break // no other pair will do better
		}
	}
	return pair{}, err
}

func (p *ports) open(bind netip.Addr, port uint16) (pair, error) {
	rtp, err := p.bound(netip.AddrPortFrom(bind, port))
	if err != nil {
		return pair{}, err
	}
	rtcp, err := p.bound(netip.AddrPortFrom(bind, port+1))
	if err != nil {
		_ = rtp.Close()
		return pair{}, err
	}
	return pair{port: port, rtp: rtp, rtcp: rtcp}, nil
}

// bound binds one port, for a loop to read if it is a real socket.
func (p *ports) bound(at netip.AddrPort) (conn, error) {
	c, err := p.listen(at)
	if err != nil {
		return nil, err
	}
	fast, ok, err := p.loops.adopt(c)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	if ok {
		return fast, nil
	}
	return adapt(c), nil
}

func (p *ports) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.free)
}

func (p *ports) next() (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return 0, false
	}
	port := p.free[0]
	p.free = p.free[1:]
	return port, true
}

// put makes a pair the last to be used again.
func (p *ports) put(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, port)
}
