package exchange

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"time"

	"klapka.dev/klapka/admin"
	"klapka.dev/klapka/pbx/web"
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
	x.web = web.New(web.Options{
		Version: o.Version, Log: o.Log, Metrics: x.metrics, MetricsToken: o.MetricsToken,
		Hosts: o.WebHosts, LoopbackOnly: x.settings.Demo && !o.DemoAnywhere,
		Client: webclient.Handler(), Admin: admin.Handler(), Setup: x.setUp,
	})
	x.closers = append(x.closers, x.closeWeb)
	if x.addresses.HTTP, err = x.listenWeb("HTTP", o.HTTP, nil); err != nil {
		return err
	}
	x.addresses.HTTPS, err = x.listenWeb("HTTPS", o.HTTPS, certs.Get)
	return err
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
