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
		Advertise: x.advertised(at[0]),
	}
	e, err := transport.Open(o)
	if err != nil {
		return edges, fmt.Errorf("SIP over WebSocket: %w", err)
	}
	return append(edges, e), nil
}

// advertised is the configured address of the family of a listener; zero: there
// is none.
func (x *Exchange) advertised(at netip.AddrPort) netip.AddrPort {
	same := func(a netip.Addr) bool { return a.Is4() == at.Addr().Is4() }
	if n := slices.IndexFunc(x.opts.SIPAdvertise, same); n >= 0 {
		return netip.AddrPortFrom(x.opts.SIPAdvertise[n], 0)
	}
	return netip.AddrPort{}
}
