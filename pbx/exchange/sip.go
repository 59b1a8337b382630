package exchange

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"klapka.dev/klapka/pbx/sip"
	"klapka.dev/klapka/pbx/sip/account"
	"klapka.dev/klapka/pbx/sip/digest"
	"klapka.dev/klapka/pbx/sip/registrar"
	"klapka.dev/klapka/pbx/sip/transport"
)

// openSIP takes the SIP ports and puts the rooms behind them; nothing is read
// until startSIP.
func (x *Exchange) openSIP(context.Context) error {
	o := x.opts
	bans := transport.NewBans(transport.BanOptions{
		Failures: o.Limits.AuthFailures, First: o.Limits.Ban, Max: o.Limits.BanMax, Trusted: o.Limits.Trusted,
		Publisher: x.bus, Log: o.Log,
	})
	x.closers = append(x.closers, func() error { bans.Close(); return nil })
	x.guard = transport.NewGuard(transport.Limits{
		UnknownRate: float64(o.Limits.Messages), UnknownBurst: o.Limits.Burst, KnownRate: float64(o.Limits.KnownMessages),
		ConnsTotal: o.Limits.Connections, ConnsPerSource: o.Limits.ConnectionsPerSource,
	}, bans)
	edges, err := x.openEdges()
	x.closers = append(x.closers, func() error { return x.closeEdges(edges) })
	if err != nil {
		return err
	}
	auth := account.New(account.Options{
		Digest: digest.New(digest.Options{Realm: x.settings.Realm}), People: x.directory, Guard: x.guard,
		Near: registrar.Near(x.registry), Log: o.Log,
	})
	x.stack = sip.New(sip.Options{
		Edges: edges, Authority: sip.Accounts(auth), Host: x.calls, Bindings: x.registry, Events: x.bus, Log: o.Log,
	})
	x.calls.SetDialer(x.dialer())
	x.registrar = registrar.New(registrar.Options{Registry: x.registry, Accounts: auth, Guard: x.guard, Log: o.Log})
	for _, e := range edges {
		x.registrar.Attach(e)
	}
	x.registerMetrics()
	// Before the ports close, whoever is still talking is told.
	x.closers = append(x.closers, func() error { x.stopCalls(0); return nil })
	return nil
}

// openEdges opens one edge per address, named "udp", "udp2", "tcp" …: the names
// are stored in registrations, so they follow the order of the configuration.
func (x *Exchange) openEdges() (transport.Edges, error) {
	a := &x.addresses
	var edges transport.Edges
	for _, group := range []struct {
		net  string
		want []netip.AddrPort
		got  *[]netip.AddrPort
	}{
		{transport.UDP, x.opts.SIPUDP, &a.SIPUDP},
		{transport.TCP, x.opts.SIPTCP, &a.SIPTCP},
		{transport.TLS, x.opts.SIPTLS, &a.SIPTLS},
	} {
		for i, at := range group.want {
			e, err := x.openEdge(group.net, i, at)
			if err != nil {
				return edges, fmt.Errorf("SIP over %s at %s: %w", group.net, at, err)
			}
			edges = append(edges, e)
			*group.got = append(*group.got, e.Local())
		}
	}
	return x.openSocketEdge(edges)
}

func (x *Exchange) openEdge(network string, i int, at netip.AddrPort) (*transport.Edge, error) {
	o := transport.Options{Name: network, Net: network, Bind: at, Guard: x.guard, Log: x.opts.Log, Tap: x.tap}
	if i > 0 {
		o.Name += strconv.Itoa(i + 1)
	}
	o.Advertise, o.AdvertiseOther = x.advertised(at)
	var err error
	if network == transport.UDP {
		o.PacketConn, err = x.opts.Network.ListenPacket(at)
	} else {
		o.Listener, err = x.opts.Network.Listen(at)
	}
	if err != nil {
		return nil, err
	}
	if c, ok := x.opts.Network.(connector); ok {
		o.Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return c.Dial(ctx, netip.AddrPortFrom(at.Addr(), 0), to)
		}
	}
	if network == transport.TLS {
		o.TLS = &tls.Config{GetCertificate: x.certs.Get, MinVersion: tls.VersionTLS12}
	}
	return transport.Open(o)
}

// startSIP begins to listen to phones, and to ask where they see us until ctx
// ends.
func (x *Exchange) startSIP(ctx context.Context) {
	x.registrar.Start()
	x.stack.Start()
	if server := x.opts.SIPSTUN; server != "" {
		x.background.Go(func() { x.stack.FollowSTUN(ctx, server) })
	}
}

func (x *Exchange) closeEdges(edges transport.Edges) error {
	if x.registrar != nil {
		x.registrar.Close()
	}
	if x.stack != nil {
		x.stack.Close()
		return nil
	}
	for _, e := range edges {
		_ = e.Close() // they were never read
	}
	return nil
}
