package exchange

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/admin"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
	"klapka.dev/klapka/pbx/web/session"
	"klapka.dev/klapka/pbx/web/socket"
	"klapka.dev/klapka/webclient"
)

// webShutdown is how long requests under way may take at the end.
const webShutdown = 3 * time.Second

func (x *Exchange) openWeb(context.Context) error {
	o := x.opts
	certs, err := web.NewCertificates(o.TLSCertificate, o.TLSKey, o.DataDir, o.WebHosts, o.Log)
	if err != nil {
		return err
	}
	x.certs = certs
	if err := x.openRelays(); err != nil {
		return err
	}
	sessions := session.New(session.Options{Store: x.store, Passwords: x.accounts, Log: o.Log, Changed: x.directory.Changed})
	x.web = web.New(web.Options{
		Version: o.Version, Log: o.Log, Metrics: x.metrics, MetricsToken: o.MetricsToken,
		Hosts: o.WebHosts, LoopbackOnly: x.settings.Demo && !o.DemoAnywhere,
		Client: webclient.Handler(), Admin: admin.Handler(), Setup: x.setUp,
		Sessions: sessions,
	})
	x.closers = append(x.closers, x.closeWeb)
	x.openTrace()
	x.openAPI(sessions)
	x.openSockets()
	if x.addresses.HTTP, err = x.listenWeb("HTTP", o.HTTP, nil); err != nil {
		return err
	}
	x.addresses.HTTPS, err = x.listenWeb("HTTPS", o.HTTPS, certs.Get)
	return err
}

// openAPI registers what there is to ask for, and starts what feeds the pages.
func (x *Exchange) openAPI(sessions *session.Manager) {
	hub := socket.New(socket.Options{
		Bus: x.bus, Picture: x.picture, Directory: x.directory, Sessions: sessions, Browsers: x.browsers, Log: x.opts.Log,
	})
	hub.Register(x.web)
	describe(x.web, webclient.API{Live: hub, Records: x.store, Calls: x.calls, Browsers: x.browsers, Relays: &x.relays}, x.adminAPI(sessions))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	running.Go(func() { sessions.Run(ctx) })
	running.Go(func() { x.trace.Run(ctx, x.bus) })
	x.closers = append(x.closers, func() error { stop(); running.Wait(); return nil })
}

// describe registers every operation there is; the document is made from the
// same list.
func describe(s *web.Server, client webclient.API, portal admin.API) {
	socket.Describe(s)
	client.Register(s)
	portal.Register(s)
}

// picture is the present state, for the pages.
func (x *Exchange) picture() live.Picture {
	return live.Picture{At: time.Now().UTC(), Calls: x.calls.Calls(), Bindings: x.registry.All(), Reachable: x.registry.Reachable}
}

func (x *Exchange) listenWeb(name string, ats []netip.AddrPort, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) ([]netip.AddrPort, error) {
	var taken []netip.AddrPort
	for _, at := range ats {
		l, err := x.opts.Network.Listen(at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		taken = append(taken, local(l.Addr()))
		x.web.Serve(l, certificate)
	}
	return taken, nil
}

func (x *Exchange) closeWeb() error {
	ctx, cancel := context.WithTimeout(context.Background(), webShutdown)
	defer cancel()
	return x.web.Shutdown(ctx)
}
