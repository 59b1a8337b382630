package exchange

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"time"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/rtp"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/browser"
	"klapka.dev/klapka/pbx/call"
	"klapka.dev/klapka/pbx/cdr"
	"klapka.dev/klapka/pbx/directory"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/program"
	"klapka.dev/klapka/pbx/registry"
	"klapka.dev/klapka/pbx/route"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// directoryPeriod is how soon a change made by another process (the command
// line) is seen.
const directoryPeriod = 5 * time.Second

// openDirectory reads who has which number and device.
func (x *Exchange) openDirectory(ctx context.Context) error {
	x.directory = directory.New(x.store, x.opts.Log)
	if err := x.directory.Reload(ctx); err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	return nil
}

// openRegistry brings back the registrations as they were, however the exchange
// stopped.
func (x *Exchange) openRegistry(ctx context.Context) error {
	o := x.opts.Registrations
	x.registry = registry.New(registry.Options{
		Publisher: x.bus, Log: x.opts.Log,
		MaxContacts: o.Contacts, MinExpires: o.MinExpires, MaxExpires: o.MaxExpires,
		SameContact: sameContact,
	})
	x.closers = append(x.closers, func() error { x.registry.Close(); return nil })
	bindings, err := registry.Restore(ctx, x.store, x.bus)
	if err != nil {
		x.opts.Log.Warn("registrations not fully restored", "error", err)
	}
	x.registry.Load(bindings)
	return nil
}

// sameContact compares contact URIs (RFC 3261 §19.1.4).
func sameContact(a, b string) bool {
	ua, errA := header.ParseURI(a)
	ub, errB := header.ParseURI(b)
	if errA != nil || errB != nil {
		return a == b
	}
	return header.SameURI(ua, ub)
}

// openMedia makes the engine that exchanges sound with phones.
func (x *Exchange) openMedia(context.Context) error {
	o := x.opts
	engine, err := rtp.New(rtp.Options{
		AddrFor: o.rtpFor, PortMin: int(o.RTPPorts.First), PortMax: int(o.RTPPorts.Last),
		Listen: o.Network.ListenPacket, Log: o.Log,
	})
	if err != nil {
		return err
	}
	x.rtp = engine
	x.closers = append(x.closers, engine.Close)
	return nil
}

// rtpFor decides where sound of a party is received and what it is told: on the
// address that was set, or, when all are listened on, on those of the party's
// family. It is told the advertised address of that family, else the machine's;
// a party on this very machine must not depend on a network being up.
func (o Options) rtpFor(peer netip.Addr) (bind, advertise netip.Addr) {
	peer, bind = peer.Unmap(), o.RTPListen
	v6 := bind.Is6()
	if bind.IsUnspecified() && peer.IsValid() {
		v6, bind = peer.Is6(), netip.IPv4Unspecified()
		if v6 {
			bind = netip.IPv6Unspecified()
		}
	}
	switch {
	case bind.IsUnspecified() && peer.IsLoopback():
		return bind, peer
	case slices.ContainsFunc(o.RTPAdvertise, func(a netip.Addr) bool { return a.Is6() == v6 }):
		return bind, o.RTPAdvertise[slices.IndexFunc(o.RTPAdvertise, func(a netip.Addr) bool { return a.Is6() == v6 })]
	case !bind.IsUnspecified():
		return bind, bind
	}
	return bind, transport.MachineAddr(v6)
}

// openCalls makes call control over the programs there are.
func (x *Exchange) openCalls(context.Context) error {
	o := x.opts
	catalogue := &program.Catalogue{
		People: x.directory, Bindings: x.registry, Prompts: audio.NewPrompts(ownPrompts(o.PromptsDir), o.Log), RingTime: o.RingTime,
	}
	if x.browserEdge != nil {
		catalogue.Browsers = x.browserEdge
		catalogue.Ringback = func(edge string) bool { return edge == browser.EdgeName }
	}
	plan := route.Plan{IsExtension: x.directory.InService, Codes: route.DefaultCodes()}
	x.calls = call.New(call.Options{
		Security: func(device string) sdp.Security { return sdp.Security(x.directory.Device(device).Encryption) },
		Media:    x.endpointsOf, Music: func() call.Music { return audio.Loop(audio.Music()) },
		Events: x.bus, Programs: catalogue.Program, MaxCalls: o.Limits.Calls, Log: o.Log,
		Route:  func(_ pbx.PartyInfo, dialled string) pbx.Target { return plan.Internal(dialled) },
		Timers: o.silence(),
	})
	if x.browserEdge != nil {
		x.browserEdge.SetHost(x.calls)
	}
	return nil
}

// silence is how long parties may be silent.
func (o Options) silence() leg.Timers {
	if o.MediaTimeout <= 0 {
		return leg.Timers{Silence: -1, NeverHeard: -1}
	}
	return leg.Timers{Silence: o.MediaTimeout}
}

func ownPrompts(dir string) fs.FS {
	if dir == "" {
		return nil
	}
	return os.DirFS(dir)
}

// lastFarewell is how long phones may take to answer the BYEs of a shutdown.
const lastFarewell = 3 * time.Second

// stopCalls takes no further calls and gives the running ones grace.
func (x *Exchange) stopCalls(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace+lastFarewell)
	defer cancel()
	if err := x.calls.Stop(ctx, grace); err != nil {
		x.opts.Log.Warn("calls left behind at shutdown", "error", err)
	}
}

// follow runs what reads the journal and the directory until ctx ends.
func (x *Exchange) follow(ctx context.Context) {
	for _, f := range []event.Follower{
		registry.Follower(x.store),
		cdr.NewRecorder(x.opts.Log).Follower(x.store),
	} {
		x.background.Go(func() {
			if err := x.bus.Follow(ctx, f); err != nil && !errors.Is(err, context.Canceled) {
				x.opts.Log.Error("follower of the journal ended", "follower", f.Name, "error", err)
			}
		})
	}
	x.background.Go(func() { x.directory.Run(ctx, directoryPeriod) })
}
