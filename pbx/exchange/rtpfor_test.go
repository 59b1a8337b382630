package exchange

import (
	"net/netip"
	"testing"
)

// Where a party is told to send its sound: an address of its own family, the
// public one when there is one, loopback on this very machine.
func TestWhereSoundGoes(t *testing.T) {
	ip := netip.MustParseAddr
	public := []netip.Addr{ip("203.0.113.9"), ip("2001:db8::9")}
	for _, tt := range []struct {
		name            string
		o               Options
		peer            netip.Addr
		bind, advertise netip.Addr // invalid advertise: the machine's, whatever that is
	}{
		{"one address", Options{RTPListen: ip("192.0.2.1")}, ip("192.0.2.7"), ip("192.0.2.1"), ip("192.0.2.1")},
		{"one address with a public one", Options{RTPListen: ip("192.0.2.1"), RTPAdvertise: public}, ip("192.0.2.7"), ip("192.0.2.1"), public[0]},
		{"all addresses", Options{RTPListen: ip("0.0.0.0"), RTPAdvertise: public}, ip("192.0.2.7"), ip("0.0.0.0"), public[0]},
		{"all addresses, IPv6", Options{RTPListen: ip("0.0.0.0"), RTPAdvertise: public}, ip("2001:db8::7"), ip("::"), public[1]},
		{"all addresses, IPv4 in IPv6 clothes", Options{RTPListen: ip("::"), RTPAdvertise: public}, ip("::ffff:192.0.2.7"), ip("0.0.0.0"), public[0]},
		{"this machine", Options{RTPListen: ip("0.0.0.0"), RTPAdvertise: public}, ip("127.0.0.5"), ip("0.0.0.0"), ip("127.0.0.5")},
		{"this machine, IPv6", Options{RTPListen: ip("0.0.0.0")}, ip("::1"), ip("::"), ip("::1")},
		{"nobody knows", Options{RTPListen: ip("0.0.0.0"), RTPAdvertise: public}, netip.Addr{}, ip("0.0.0.0"), public[0]},
		{"nothing advertised", Options{RTPListen: ip("0.0.0.0")}, ip("192.0.2.7"), ip("0.0.0.0"), netip.Addr{}},
	} {
		bind, advertise := tt.o.rtpFor(tt.peer)
		if bind != tt.bind || tt.advertise.IsValid() && advertise != tt.advertise || !advertise.IsValid() || advertise.IsUnspecified() {
			t.Errorf("%s: received on %v, told %v; want %v, %v", tt.name, bind, advertise, tt.bind, tt.advertise)
		}
	}
}
