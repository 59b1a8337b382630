package exchange

import (
	"net/netip"

	"klapka.dev/klapka/pbx"
)

// demoIsSafe refuses to show a store with known passwords to other machines.
func (o Options) demoIsSafe() error {
	if o.DemoAnywhere {
		return nil
	}
	for _, group := range [][]netip.AddrPort{o.HTTP, o.HTTPS, o.SIPUDP, o.SIPTCP, o.SIPTLS, o.WebRTCUDP, o.WebRTCTCP, o.TURNUDP, o.TURNTCP, o.TURNTLS} {
		for _, at := range group {
			if !at.Addr().IsLoopback() {
				return pbx.Errorf(pbx.Forbidden,
					"this is a demo store, whose passwords everybody knows, and %s can be reached from other machines; listen on 127.0.0.1, or say --demo-anywhere if you mean it", at)
			}
		}
	}
	return nil
}
