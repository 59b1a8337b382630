package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"

	"klapka.dev/klapka/media/crowd"
	"klapka.dev/klapka/media/pionlog"
)

// Bounds of TCP connections. A browser opens one for each way it tries.
const (
	maxConnections      = 4000
	connectionsPerPlace = 100
	firstCheck          = 10 * time.Second // until a connection says whose it is
	unknownCheck        = 5 * time.Second  // until somebody is who it says
	readAhead           = 64               // packets
	writeAhead          = 64 << 10         // bytes; what a browser does not read in time is dropped, not waited for
)

// passive are the TCP ports for browsers whose network lets no UDP through
// (RFC 6544): they connect, we wait.
type passive struct {
	muxes []*ice.TCPMuxDefault
	doors []*crowd.Listener
}

var _ ice.AllConnsGetter = (*passive)(nil)

// openTCP binds the addresses.
func openTCP(o Options, logs pionlog.Factory) (*passive, error) {
	p := &passive{}
	for _, at := range o.TCP {
		l, err := o.ListenTCP(at)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("WebRTC on TCP %v: %w", at, err), p.Close())
		}
		door := crowd.Limit(l, maxConnections, connectionsPerPlace)
		p.doors = append(p.doors, door)
		p.muxes = append(p.muxes, ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: door, Logger: logs.NewLogger("tcp"), ReadBufferSize: readAhead, WriteBufferSize: writeAhead,
			FirstStunBindTimeout: firstCheck, AliveDurationForConnFromStun: unknownCheck,
		}))
	}
	return p, nil
}

func listenTCP(at netip.AddrPort) (net.Listener, error) {
	return net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
}

// addresses are where the ports really are.
func (p *passive) addresses() []netip.AddrPort {
	var out []netip.AddrPort
	for _, m := range p.muxes {
		if at, ok := m.LocalAddr().(*net.TCPAddr); ok {
			out = append(out, at.AddrPort())
		}
	}
	return out
}

// GetAllConns implements ice.AllConnsGetter: a connection on each port that is
// bound to the address.
func (p *passive) GetAllConns(ufrag string, v6 bool, local net.IP) ([]net.PacketConn, error) {
	var out []net.PacketConn
	for _, m := range p.muxes {
		at, ok := m.LocalAddr().(*net.TCPAddr)
		if !ok || !at.IP.IsUnspecified() && !at.IP.Equal(local) {
			continue
		}
		c, err := m.GetConnByUfrag(ufrag, v6, local)
		if err != nil {
			return out, err
		}
		out = append(out, c)
	}
	return out, nil
}

// GetConnByUfrag implements ice.TCPMux.
func (p *passive) GetConnByUfrag(ufrag string, v6 bool, local net.IP) (net.PacketConn, error) {
	all, err := p.GetAllConns(ufrag, v6, local)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, net.ErrClosed
	}
	for _, c := range all[1:] {
		_ = c.Close()
	}
	return all[0], nil
}

// RemoveConnByUfrag implements ice.TCPMux.
func (p *passive) RemoveConnByUfrag(ufrag string) {
	for _, m := range p.muxes {
		m.RemoveConnByUfrag(ufrag)
	}
}

// Close implements ice.TCPMux.
func (p *passive) Close() error {
	var err error
	for i, m := range p.muxes {
		err = errors.Join(err, p.doors[i].Close())
		_ = m.Close() // all it could say is that the door is closed
	}
	return err
}
