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
