package peer

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// retryRead is how long to wait after a failed read, so that a socket that keeps
// failing costs nothing.
const retryRead = 10 * time.Millisecond

func listenUDP(addr netip.AddrPort) (net.PacketConn, error) {
	network := "udp"
	if addr.Addr().Is4() {
		network = "udp4"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
}

// The guards stand before the one port of all browsers. They drop what cannot be
// of any use before it costs anything, and live on when a read fails: the library
// would close the port for everybody.
type (
	// guard is that of a real socket, read and written without allocation.
	guard struct {
		net.PacketConn
		socket *net.UDPConn
	}
	// plainGuard is that of any other.
	plainGuard struct{ net.PacketConn }
)

func newGuard(c net.PacketConn) net.PacketConn {
	if socket, ok := c.(*net.UDPConn); ok {
		return guard{c, socket}
	}
	return plainGuard{c}
}

// useful tells STUN, DTLS and RTP by the first byte (RFC 7983 §7).
func useful(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	return b[0] < 4 || b[0] >= 20 && b[0] < 64 || b[0] >= 128 && b[0] < 192
}

// guarded repeats read until it gives something useful or the end.
func guarded[Addr any](b []byte, read func([]byte) (int, Addr, error)) (int, Addr, error) {
	for {
		n, from, err := read(b)
		if err == nil && useful(b[:n]) || errors.Is(err, net.ErrClosed) {
			return n, from, err
		}
		if err != nil {
			time.Sleep(retryRead)
		}
	}
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (g guard) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return guarded(b, g.socket.ReadFromUDPAddrPort)
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (g guard) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return g.socket.WriteToUDPAddrPort(b, to)
}

// ReadFrom implements net.PacketConn.
func (g plainGuard) ReadFrom(b []byte) (int, net.Addr, error) {
	return guarded(b, g.PacketConn.ReadFrom)
}
