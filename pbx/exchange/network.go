package exchange

import (
	"context"
	"net"
	"net/netip"
	"strconv"
)

// machine is the Network of the machine itself.
type machine struct{}

// ListenPacket implements Network.
func (machine) ListenPacket(at netip.AddrPort) (net.PacketConn, error) {
	network, address := family("udp", at)
	return new(net.ListenConfig).ListenPacket(context.Background(), network, address)
}

// Listen implements Network.
func (machine) Listen(at netip.AddrPort) (net.Listener, error) {
	network, address := family("tcp", at)
	return new(net.ListenConfig).Listen(context.Background(), network, address)
}

// Dial connects from the address of one of our listeners: on a machine with
// several networks a phone knows us by that one only.
func (machine) Dial(ctx context.Context, from, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	if from.Addr().IsValid() && !from.Addr().IsUnspecified() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from.Addr(), 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// connector is a Network that also opens connections; without, phones are waited
// for.
type connector interface {
	Dial(ctx context.Context, from, to netip.AddrPort) (net.Conn, error)
}

// family names network and address for package net. The unspecified IPv6 address
// stands for both families, and for IPv4 alone where there is no IPv6, which is
// what an empty host means to package net.
func family(network string, at netip.AddrPort) (string, string) {
	switch a := at.Addr(); {
	case a.Is4():
		return network + "4", at.String()
	case a == netip.IPv6Unspecified():
		return network, ":" + strconv.Itoa(int(at.Port()))
	default:
		return network + "6", at.String()
	}
}

// Machine is the network of this machine, as Options.Network nil means it.
func Machine() Network { return machine{} }
