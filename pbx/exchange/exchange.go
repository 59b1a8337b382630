// Package exchange is the wiring of one exchange: it builds every room in order
// and closes them in reverse. There is no state outside an Exchange value, so
// that a process or a test can run several.
package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/media/rtp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/browser"
	"klapka.dev/klapka/pbx/call"
	"klapka.dev/klapka/pbx/cdr"
	"klapka.dev/klapka/pbx/directory"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/registry"
	"klapka.dev/klapka/pbx/sip"
	"klapka.dev/klapka/pbx/sip/registrar"
	"klapka.dev/klapka/pbx/sip/transport"
	"klapka.dev/klapka/pbx/store"
	"klapka.dev/klapka/pbx/trace"
	"klapka.dev/klapka/pbx/web"
)

// Exchange is one company's whole system.
type Exchange struct {
	opts     Options
	metrics  *prometheus.Registry
	bus      *event.Bus
	store    *store.Store
	accounts *auth.Accounts
	settings pbx.Settings // as they were at the start
	certs    *web.Certificates
	web      *web.Server

	directory *directory.Directory
	registry  *registry.Registry
	rtp       *rtp.Engine
	calls     *call.Control
	guard     *transport.Guard
	sockets   *transport.Sockets // SIP over WebSocket, from the web server
	stack     *sip.Stack
	registrar *registrar.Registrar
	trace     *trace.Recorder
	browsers  pbx.Browsers // nil: no browser can telephone

	browserEdge *browser.Edge
	gateway     *peer.Gateway // nil: no WebRTC
	relays      relays

	addresses  Addresses
	logins     []Login
	setupToken string
	ready      chan struct{}
	closers    []func() error // in the order in which the rooms were opened
	background sync.WaitGroup // followers
	closeOnce  sync.Once
	closeErr   error
}

// New opens the store and the journal, migrates, and takes every port, so that
// what cannot work fails here. Errors: Forbidden for a demo store that others
// could reach, those of the store, and of the network.
func New(ctx context.Context, o Options) (*Exchange, error) {
	if o.Network == nil {
		o.Network = machine{}
	}
	x := &Exchange{opts: o, metrics: prometheus.NewRegistry(), ready: make(chan struct{})}
	x.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, open := range []func(context.Context) error{
		x.openBus, x.openStore, x.openPeople, x.openDirectory, x.openRegistry, x.openMedia, x.openBrowsers, x.openCalls, x.openWeb, x.openSIP,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, x.Close())
		}
	}
	return x, nil
}

// Run serves until ctx ends, then refuses what is new, lets calls go on for the
// grace, and ends them. It closes the exchange.
func (x *Exchange) Run(ctx context.Context) error {
	readers, stop := context.WithCancel(context.Background())
	x.follow(readers)
	x.startSIP(readers)
	x.web.SetState(web.Ready)
	close(x.ready)
	<-ctx.Done()
	x.web.SetState(web.Draining)
	x.stopCalls(x.opts.ShutdownGrace)
	x.bus.Publish(pbx.Event{Body: pbx.ExchangeStopped{}})
	x.writeDown()
	stop()
	x.background.Wait()
	return x.Close()
}

// lastWords is how long the database may take to get what is in the journal; what
// it does not get now it gets at the next start.
const lastWords = 3 * time.Second

func (x *Exchange) writeDown() {
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	if err := x.bus.Drain(ctx); err != nil {
		x.opts.Log.Warn("the database has not got all of the journal yet; it will at the next start", "error", err)
	}
}

// Ready is closed once SIP and HTTP accept.
func (x *Exchange) Ready() <-chan struct{} { return x.ready }

// Addresses are where the exchange listens.
func (x *Exchange) Addresses() Addresses { return x.addresses }

// Close ends everything at once, in the reverse of the order of opening. Calls
// under way are cut off. It may be called again, and while Run runs.
func (x *Exchange) Close() error {
	x.closeOnce.Do(func() {
		for i := len(x.closers) - 1; i >= 0; i-- {
			x.closeErr = errors.Join(x.closeErr, x.closers[i]())
		}
	})
	return x.closeErr
}

func (x *Exchange) openBus(context.Context) error {
	bus, err := event.Open(event.Options{
		Dir: filepath.Join(x.opts.DataDir, "journal"), Log: x.opts.Log,
		Followers: []string{cdr.FollowerName, registry.FollowerName},
	})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	x.bus = bus
	x.bus.Publish(pbx.Event{Body: pbx.ExchangeStarted{Version: x.opts.Version}})
	x.closers = append(x.closers, bus.Close)
	return nil
}

func (x *Exchange) openStore(ctx context.Context) error {
	s, err := store.Open(ctx, store.Options{URL: x.opts.DatabaseURL, Dir: x.opts.DataDir, Log: x.opts.Log})
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	x.store = s
	x.closers = append(x.closers, s.Close)
	if err := s.Migrate(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	settings, err := s.Settings(ctx)
	if err != nil && pbx.CodeOf(err) != pbx.NotFound {
		return fmt.Errorf("database: %w", err)
	}
	if settings.Demo || x.opts.Demo {
		return x.opts.demoIsSafe()
	}
	return nil
}

// local is the address of a listener that the network opened.
func local(a interface{ String() string }) netip.AddrPort {
	// Networks give out addresses in package net's form; a foreign one is shown
	// as the zero address rather than keeping the exchange from starting.
	ap, _ := netip.ParseAddrPort(a.String())
	return ap
}
