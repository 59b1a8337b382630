package call

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// Options make a Control. All fields but the limits must be set.
type Options struct {
	Media    func(edge string) media.Factory // makes the endpoints of an edge's legs
	Dialer   leg.Dialer
	Events   pbx.Publisher
	Route    func(caller pbx.PartyInfo, dialled string) pbx.Target
	Programs Programs
	Music    func() Music // starts music on hold; nil: silence
	Codecs   []sdp.Codec  // in order of preference; empty: sdp.DefaultCodecs
	// Security is whether sound of a device is encrypted; nil: never. It is asked
	// with the device's id, which is empty for parties that have none.
	Security func(device string) sdp.Security
	Timers   leg.Timers
	MaxCalls int // calls at once; 0: no limit
	Log      *slog.Logger
}

// Music is a source that plays until it is closed.
type Music interface {
	media.Source
	Close()
}

// Control is the exchange's call control: the floor with its sessions. It takes
// incoming legs (leg.Host) and runs their programs.
type Control struct {
	o   Options
	log *slog.Logger

	mu       sync.Mutex // the floor
	table    *table
	sessions map[pbx.SessionID]*session
	arriving int // legs being made, not seated yet
	stopping bool
	empty    chan struct{} // closed when stopping and no leg is left

	running sync.WaitGroup // programs
	total   atomic.Uint64  // calls since the start
}

// New returns a Control without calls. The dialer may be set later, before the
// first call, by SetDialer.
func New(o Options) *Control {
	if len(o.Codecs) == 0 {
		o.Codecs = sdp.DefaultCodecs()
	}
	return &Control{
		o: o, log: o.Log, table: newTable(), sessions: map[pbx.SessionID]*session{}, empty: make(chan struct{}),
	}
}

// SetDialer names the edge that starts outgoing legs. It is for wiring, where
// edge and control need each other.
func (c *Control) SetDialer(d leg.Dialer) { c.o.Dialer = d }

// Invite implements leg.Host: an authenticated party dialled a number.
func (c *Control) Invite(sig leg.Signaler, inv leg.Invitation) (*leg.Leg, error) {
	if err := c.admit(); err != nil {
		return nil, err
	}
	ep := &observed{log: c.log}
	endpoint, err := c.o.Media(inv.Edge).NewEndpoint(media.Options{Observer: ep, Peer: addrOf(inv.Remote)})
	if err != nil {
		c.seat(nil)
		return nil, noMedia(err)
	}
	move := pbx.Move{
		To:  c.o.Route(inv.Caller, inv.Dialled),
		By:  pbx.Actor{User: inv.Caller.User, Extension: inv.Caller.Extension},
		Why: "dialled",
	}
	security := c.security(inv.Caller.Device)
	codecs, err := c.preferring(inv.Offer, endpoint, security)
	if err != nil {
		move = pbx.Hangup(pbx.Cause{Code: pbx.CauseIncompatible, By: pbx.BySystem, Text: err.Error()})
	}
	call := pbx.CallID(pbx.NewID())
	s := newSession(c, pbx.SessionID(inv.Leg), codecs)
	s.dialled = inv.Dialled
	c.o.Events.Publish(pbx.Event{Call: call, Leg: inv.Leg, Body: pbx.CallStarted{From: inv.Caller, Dialled: inv.Dialled, To: move.To}})
	s.leg = leg.New(leg.Options{
		ID: inv.Leg, Call: call, Incoming: true, Party: inv.Caller, Edge: inv.Edge, Remote: inv.Remote,
		SIPCall: inv.SIPCall, UA: inv.UA, Offer: inv.Offer, Codecs: codecs, Security: security, Signaler: sig, Endpoint: endpoint,
		Events: c.o.Events, Watcher: s, Timers: c.o.Timers, Log: c.log,
	})
	ep.leg.Store(s.leg)
	c.total.Add(1)
	c.seat(s)
	err = c.do(sit{id: s.id, call: call, from: inv.Caller, dialled: inv.Dialled, move: move, at: time.Now()})
	if err != nil {
		s.leg.Post(leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseFault, By: pbx.BySystem, Text: err.Error()}})
	}
	return s.leg, nil
}

// admit refuses calls while the exchange stops or is full.
func (c *Control) admit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stopping:
		return ErrStopping
	case c.o.MaxCalls > 0 && len(c.table.calls) >= c.o.MaxCalls:
		return ErrCrowded
	}
	c.arriving++
	return nil
}

// addrOf is the host of "ip:port", invalid for what has none.
func addrOf(remote string) netip.Addr {
	at, _ := netip.ParseAddrPort(remote)
	return at.Addr()
}

func noMedia(err error) error {
	if errors.Is(err, media.ErrNoPorts) {
		return pbx.Errorf(pbx.TooMany, "no free port for sound")
	}
	return pbx.Errorf(pbx.Unavailable, "no endpoint for sound: %v", err)
}

// preferring puts the codec that the party will get first, so that whoever it
// calls is offered that one first and nothing needs to be converted.
func (c *Control) preferring(offer []byte, ep media.Endpoint, security sdp.Security) ([]sdp.Codec, error) {
	if len(offer) == 0 {
		return c.o.Codecs, nil
	}
	_, agreed, err := sdp.Answer(offer, sdp.Local{Addr: ep.Local(), Codecs: c.o.Codecs, Security: security, Crypto: sdp.NewCrypto()})
	if err != nil {
		return c.o.Codecs, err
	}
	codecs := make([]sdp.Codec, 0, len(c.o.Codecs))
	for _, k := range c.o.Codecs {
		if k.Same(agreed.Codec) {
			codecs = append(codecs, k)
		}
	}
	for _, k := range c.o.Codecs {
		if !k.Same(agreed.Codec) {
			codecs = append(codecs, k)
		}
	}
	return codecs, nil
}

// security is the policy for a device.
func (c *Control) security(device string) sdp.Security {
	if c.o.Security == nil {
		return sdp.SecurityOff
	}
	return c.o.Security(device)
}

// ring starts an outgoing leg as a branch of a fork.
func (c *Control) ring(owner *session, fork pbx.ForkID, b Branch) error {
	ep := &observed{log: c.log}
	endpoint, err := c.o.Media(b.Binding.Edge).NewEndpoint(media.Options{Observer: ep, Peer: b.Binding.Remote.Addr()})
	if err != nil {
		return noMedia(err)
	}
	c.mu.Lock()
	c.arriving++
	c.mu.Unlock()
	id := pbx.NewID()
	s := newSession(c, pbx.SessionID(id), owner.codecs)
	s.leg = leg.New(leg.Options{
		ID: pbx.LegID(id), Call: owner.leg.Call(), Party: b.Party, Parent: owner.leg.ID(),
		Edge: b.Binding.Edge, Remote: b.Binding.Remote.String(), SIPCall: pbx.NewID(), UA: b.Binding.UserAgent,
		Codecs: owner.codecs, Security: c.security(b.Binding.Device), Endpoint: endpoint, Events: c.o.Events, Watcher: s, Timers: c.o.Timers, Log: c.log,
	})
	ep.leg.Store(s.leg)
	c.seat(s)
	if err := c.do(addBranch{fork: fork, id: s.id, person: b.Party.Number}); err != nil {
		s.leg.Post(leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseCancelled, By: pbx.BySystem, Text: err.Error()}})
		return err
	}
	s.leg.Dial(c.o.Dialer, b.Binding, owner.leg.Party())
	return nil
}

// seat makes an arriving session known before its first command; nil: it did not
// arrive after all.
func (c *Control) seat(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arriving--
	if s != nil {
		c.sessions[s.id] = s
	}
	c.checkEmpty()
}

// forget drops a session whose leg is dead.
func (c *Control) forget(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s.id)
	c.checkEmpty()
}

func (c *Control) checkEmpty() {
	if c.stopping && c.arriving == 0 && len(c.sessions) == 0 {
		select {
		case <-c.empty:
		default:
			close(c.empty)
		}
	}
}

// Stop takes no further calls, gives the running ones grace to end by
// themselves, then ends them with CauseShutdown. It returns when every leg is
// dead, or when ctx ends.
func (c *Control) Stop(ctx context.Context, grace time.Duration) error {
	c.mu.Lock()
	c.stopping = true
	c.checkEmpty()
	c.mu.Unlock()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.empty:
	case <-timer.C:
	case <-ctx.Done():
	}
	c.endAll(pbx.Cause{Code: pbx.CauseShutdown, By: pbx.BySystem, Text: "the exchange is being stopped"})
	select {
	case <-c.empty:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c.running.Wait()
	return nil
}

func (c *Control) endAll(cause pbx.Cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sessions {
		s.leg.Post(leg.Input{Kind: leg.CmdEnd, Cause: cause})
	}
}

// observed hands what an endpoint observes to its leg, which is made after it.
type observed struct {
	leg atomic.Pointer[leg.Leg]
	log *slog.Logger
}

// OnFirstPacket implements media.Observer.
func (o *observed) OnFirstPacket(from netip.AddrPort) {
	if l := o.leg.Load(); l != nil {
		o.log.Debug("first sound", "leg", l.ID(), "from", from)
	}
}

// OnDigit implements media.Observer.
func (o *observed) OnDigit(d media.Digit) {
	if l := o.leg.Load(); l != nil {
		l.OnDigit(d)
	}
}
