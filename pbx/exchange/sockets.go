package exchange

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"klapka.dev/klapka/pbx/sip/transport"
	"klapka.dev/klapka/pbx/web"
)

// openSockets has the web server take in SIP over WebSocket, for softphones that
// are pages. It must be registered before the server listens; what comes before
// the edge is there waits a moment.
func (x *Exchange) openSockets() {
	x.sockets = transport.NewSockets(transport.SocketOptions{Origins: x.opts.SIPPages, Log: x.opts.Log})
	x.web.Handle(web.Open(), http.MethodGet, "/ws", func(w http.ResponseWriter, r *http.Request) error {
		x.sockets.ServeHTTP(w, r)
		return nil
	})
}

// openSocketEdge adds the edge of these sockets, where there is a web server.
func (x *Exchange) openSocketEdge(edges transport.Edges) (transport.Edges, error) {
	at := slices.Concat(x.addresses.HTTPS, x.addresses.HTTP)
	if len(at) == 0 {
		return edges, nil
	}
	o := transport.Options{
		Name: transport.WS, Net: transport.WS, Bind: at[0], Listener: x.sockets, Guard: x.guard, Log: x.opts.Log, Tap: x.tap,
	}
	o.Advertise, o.AdvertiseOther = x.advertised(at[0])
	e, err := transport.Open(o)
	if err != nil {
		return edges, fmt.Errorf("SIP over WebSocket: %w", err)
	}
	return append(edges, e), nil
}

// advertised are the configured addresses of the family of a listener and of the
// other one; zero: there is none.
func (x *Exchange) advertised(at netip.AddrPort) (same, other netip.AddrPort) {
	if own := x.opts.SIPAdvertiseFor[at]; own.IsValid() {
		return own, netip.AddrPort{}
	}
	for _, a := range x.opts.SIPAdvertise {
		if a.Is4() == at.Addr().Is4() {
			same = netip.AddrPortFrom(a, 0)
		} else {
			other = netip.AddrPortFrom(a, 0)
		}
	}
	return same, other
}
