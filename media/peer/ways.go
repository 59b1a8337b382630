package peer

import (
	"net"
	"net/netip"
	"time"
)

// Way is one address of the gateway's port: what browsers are told, and what it
// really is. They differ where an address is advertised.
type Way struct{ Told, Real netip.AddrPort }

// waysAge is how long a list of the machine's addresses is believed.
const waysAge = 5 * time.Second

// waysThen is such a list.
type waysThen struct {
	all []Way
	at  time.Time
}

// Ways are the UDP addresses of the gateway as they are now: on a port bound to
// every address, the machine's own. The result must not be changed.
func (g *Gateway) Ways() []Way {
	then := g.ways.Load()
	if then == nil || time.Since(then.at) > waysAge {
		then = &waysThen{g.findWays(), time.Now()}
		g.ways.Store(then)
	}
	return then.all
}

func (g *Gateway) findWays() []Way {
	var out []Way
	for _, a := range g.mux.GetListenAddresses() {
		u, ok := a.(*net.UDPAddr)
		if !ok {
			continue
		}
		at := netip.AddrPortFrom(u.AddrPort().Addr().Unmap(), u.AddrPort().Port())
		w := Way{Told: at, Real: at}
		for _, instead := range g.advertise {
			if instead = instead.Unmap(); instead.Is4() == at.Addr().Is4() {
				w.Told = netip.AddrPortFrom(instead, at.Port())
			}
		}
		out = append(out, w)
	}
	return out
}
