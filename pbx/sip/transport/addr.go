package transport

import (
	"net"
	"net/netip"
)

// readBuffer is the socket buffer of a UDP edge: the system's default drops the
// registrations of a building that got its power back.
const readBuffer = 4 << 20

// listenUDP binds a UDP address.
func listenUDP(bind netip.AddrPort) (net.PacketConn, error) {
	c, err := net.ListenUDP(family("udp", bind), net.UDPAddrFromAddrPort(bind))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// widen gives a socket the buffer it needs; one in memory has none.
func widen(c net.PacketConn) {
	if s, ok := c.(interface{ SetReadBuffer(bytes int) error }); ok {
		_ = s.SetReadBuffer(readBuffer) // the system may allow less: that is its owner's choice
	}
}

// family keeps an IPv4 address IPv4: Go would bind 0.0.0.0 as [::].
func family(network string, a netip.AddrPort) string {
	if a.Addr().Is4() {
		return network + "4"
	}
	return network
}

// addrPort is a socket address as a value, IPv4 never in IPv6 clothes.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return unmap(a.AddrPort())
	case *net.TCPAddr:
		return unmap(a.AddrPort())
	}
	p, _ := netip.ParseAddrPort(a.String())
	return unmap(p)
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// advertised decides what peers are told.
func advertised(want, local netip.AddrPort) netip.AddrPort {
	if want.IsValid() {
		if want.Port() == 0 {
			return netip.AddrPortFrom(want.Addr(), local.Port())
		}
		return want
	}
	if !local.Addr().IsUnspecified() {
		return local
	}
	at := MachineAddr(false)
	if at.IsLoopback() && local.Addr().Is6() {
		at = MachineAddr(true)
	}
	return netip.AddrPortFrom(at, local.Port())
}

// otherFamily decides what peers are told that have not the family of the
// advertised address; only [::] hears them.
func otherFamily(want, advertise, local netip.AddrPort) netip.AddrPort {
	if local.Addr() != netip.IPv6Unspecified() {
		return netip.AddrPort{}
	}
	if want.IsValid() {
		return advertised(want, local)
	}
	for _, ip := range machineAddrs() {
		if ip.Is4() != advertise.Addr().Is4() {
			return netip.AddrPortFrom(ip, local.Port())
		}
	}
	return netip.AddrPort{}
}

// MachineAddr is the machine's first address of a family that others can reach,
// else loopback.
func MachineAddr(only4 bool) netip.Addr {
	var found netip.Addr
	for _, ip := range machineAddrs() {
		if ip.Is4() {
			return ip
		}
		if !only4 && !found.IsValid() {
			found = ip
		}
	}
	if found.IsValid() {
		return found
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// machineAddrs are the machine's addresses that others can reach.
func machineAddrs() (out []netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if ip := p.Addr().Unmap(); err == nil && ip.IsGlobalUnicast() {
			out = append(out, ip)
		}
	}
	return out
}
