package turn

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/turn/v5"
)

var (
	errFull   = errors.New("turn: no more relays")
	errNotOur = errors.New("turn: not an address of ours")
	errNoTCP  = errors.New("turn: no relays over TCP")
)

// generator makes the relays of one listener for the library.
type generator struct{ server *Server }

// Validate implements turn.RelayAddressGenerator.
func (generator) Validate() error { return nil }

// AllocatePacketConn implements turn.RelayAddressGenerator. A port cannot be
// chosen: pairs of ports are of no use with one port for all media (RFC 8656
// §7.2 allows to refuse).
func (g generator) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	s := g.server
	if c.UserID == "" || c.RequestedPort != 0 {
		return nil, nil, errFull
	}
	for _, w := range s.o.Ways() {
		if w.Told.Addr().Is4() == (c.Network == "udp4") {
			return s.relay(c.UserID, w)
		}
	}
	return nil, nil, errNotOur
}

// AllocateListener implements turn.RelayAddressGenerator.
func (generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}

// AllocateConn implements turn.RelayAddressGenerator.
func (generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errNoTCP }

// relay is the exchange's side of one allocation: a socket that can reach, and
// be reached by, our own port for browsers and nothing else.
type relay struct {
	net.PacketConn
	server *Server
	user   string
	once   sync.Once
}

func (s *Server) relay(user string, w Way) (net.PacketConn, net.Addr, error) {
	c, err := s.o.Listen(netip.AddrPortFrom(w.Real.Addr(), 0))
	if err != nil {
		return nil, nil, err
	}
	r := &relay{PacketConn: c, server: s, user: user}
	s.mu.Lock()
	full := s.users[user] >= perUser || len(s.relays) >= inAll
	if !full {
		s.users[user]++
		s.relays[r] = struct{}{}
	}
	s.mu.Unlock()
	if full {
		return nil, nil, errors.Join(errFull, c.Close())
	}
	port := uint16(0)
	if at, ok := c.LocalAddr().(*net.UDPAddr); ok {
		port = at.AddrPort().Port()
	}
	return r, net.UDPAddrFromAddrPort(netip.AddrPortFrom(w.Told.Addr(), port)), nil
}

// WriteTo sends to the port behind one of our own addresses.
func (r *relay) WriteTo(b []byte, to net.Addr) (int, error) {
	told := plain(to)
	for _, w := range r.server.o.Ways() {
		if w.Told == told {
			return r.PacketConn.WriteTo(b, net.UDPAddrFromAddrPort(w.Real))
		}
	}
	return 0, errNotOur
}

// ReadFrom drops what comes from anywhere else.
func (r *relay) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		is := plain(from)
		for _, w := range r.server.o.Ways() {
			if w.Real == is {
				return n, net.UDPAddrFromAddrPort(w.Told), nil
			}
		}
	}
}

// Close implements net.PacketConn. It is idempotent.
func (r *relay) Close() (err error) {
	r.once.Do(func() {
		s := r.server
		s.mu.Lock()
		delete(s.relays, r)
		if s.users[r.user]--; s.users[r.user] <= 0 {
			delete(s.users, r.user)
		}
		s.mu.Unlock()
		err = r.PacketConn.Close()
	})
	return err
}

// plain is an address in the one form they are compared in.
func plain(a net.Addr) netip.AddrPort {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := u.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
