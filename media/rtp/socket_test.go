package rtp_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/rtp"
	"klapka.dev/klapka/media/sdp"
)

// wrapped is a socket that has nothing but the methods of net.PacketConn.
type wrapped struct{ net.PacketConn }

// The engine on real sockets, on one address, on all of them, and on somebody
// else's kind of socket: a phone's echo comes back from the port it was told.
func TestRealSockets(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	for name, o := range map[string]rtp.Options{
		"one address": {Bind: local},
		"wildcard":    {Bind: netip.IPv4Unspecified(), Advertise: local},
		"IPv6 too":    {Bind: netip.IPv6Unspecified(), Advertise: local},
		"wrapped": {Bind: local, Listen: func(a netip.AddrPort) (net.PacketConn, error) {
			c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(a))
			return wrapped{c}, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o.PortMin, o.PortMax = 43000, 43999
			g, err := rtp.New(o)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			e, err := g.NewEndpoint(media.Options{})
			if err != nil {
				t.Fatal(err)
			}
			phone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer phone.Close()
			remote := phone.LocalAddr().(*net.UDPAddr).AddrPort()
			if err := e.Connect(sdp.Session{Remote: remote, Codec: pcma, Receive: []sdp.Codec{pcma}}); err != nil {
				t.Fatal(err)
			}
			e.Hear(e)
			packet := append([]byte{0x80, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, make([]byte, 160)...)
			if _, err := phone.WriteToUDPAddrPort(packet, e.Local()); err != nil {
				t.Fatal(err)
			}
			_ = phone.SetReadDeadline(time.Now().Add(10 * time.Second))
			b := make([]byte, 2000)
			n, from, err := phone.ReadFromUDPAddrPort(b)
			if err != nil || n != len(packet) || from != e.Local() {
				t.Errorf("%d bytes from %v, %v; want an echo from %v", n, from, err, e.Local())
			}
		})
	}
}
