package rtp

import (
	"fmt"
	"net"
	"net/netip"
	"time"
)

// conn is a UDP socket that reads and writes without allocation.
type conn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// listenUDP binds a real socket. An IPv6 wildcard also takes IPv4.
func listenUDP(addr netip.AddrPort) (net.PacketConn, error) {
	network := "udp"
	if addr.Addr().Is4() {
		network = "udp4"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
}

// plain is any net.PacketConn as a conn, at the price of an allocation each way.
type plain struct{ net.PacketConn }

func adapt(c net.PacketConn) conn {
	if fast, ok := c.(conn); ok {
		return fast
	}
	return plain{c}
}

// ReadFromUDPAddrPort implements conn.
func (p plain) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := p.ReadFrom(b)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	if a, ok := from.(*net.UDPAddr); ok {
		return n, a.AddrPort(), nil
	}
	addr, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return n, addr, fmt.Errorf("rtp: source address: %w", err)
	}
	return n, addr, nil
}

// WriteToUDPAddrPort implements conn.
func (p plain) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return p.WriteTo(b, net.UDPAddrFromAddrPort(to))
}
