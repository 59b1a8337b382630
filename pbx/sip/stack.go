package sip

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/transport"
)

// Bindings tells where a device is registered now; the registry does.
type Bindings interface {
	Bindings(device string) []pbx.Binding
}

// Options make a stack. Bindings may be nil.
type Options struct {
	Edges     transport.Edges
	Authority Authority
	Host      leg.Host
	Bindings  Bindings
	Events    pbx.Publisher
	Log       *slog.Logger
}

// Counts are what a stack counted since it was made; read them with Load.
type Counts struct {
	Invites    atomic.Uint64 // INVITEs that would start a call
	Challenged atomic.Uint64 // … that were asked for credentials
	Refused    atomic.Uint64 // … that did not become a leg
	Dialled    atomic.Uint64 // INVITEs sent
	Repeated   atomic.Uint64 // 2xx sent again for want of an ACK
	AckLost    atomic.Uint64 // 2xx that were never acknowledged
	Dismissed  atomic.Uint64 // answers of further forks that were ended at once
	Strangers  atomic.Uint64 // requests with a tag we do not know
	Malformed  atomic.Uint64 // requests that could not be handled
	Panics     atomic.Uint64 // defects that were contained
}

// Stack is the SIP side of one exchange: it finds the usage of each message and
// makes new ones. It implements leg.Dialer.
type Stack struct {
	edges  transport.Edges
	auth   Authority
	host   host
	regs   Bindings
	events pbx.Publisher
	log    *slog.Logger
	table  *table
	counts Counts
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
}

// host is leg.Host with the leg as the stack needs it.
type host interface {
	Invite(sig leg.Signaler, inv leg.Invitation) (inbox, error)
}

// legHost hides that a leg is a concrete type.
type legHost struct{ leg.Host }

func (h legHost) Invite(sig leg.Signaler, inv leg.Invitation) (inbox, error) {
	l, err := h.Host.Invite(sig, inv)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// New makes a stack and sets its handlers on the edges, which must not have been
// started. REGISTER is left to the registrar.
func New(o Options) *Stack { return newStack(o, legHost{o.Host}) }

func newStack(o Options, h host) *Stack {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Stack{
		edges: o.Edges, auth: o.Authority, host: h, regs: o.Bindings,
		events: o.Events, log: o.Log, table: newTable(),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, e := range o.Edges {
		s.handle(e)
	}
	return s
}

func (s *Stack) handle(e *transport.Edge) {
	e.Handle(sip.INVITE, s.checked(s.onInvite))
	e.Handle(sip.ACK, s.onAck)
	e.Handle(sip.CANCEL, s.checked(s.onCancel))
	e.Handle(sip.OPTIONS, s.checked(s.onOptions))
	for _, m := range []sip.RequestMethod{sip.BYE, sip.UPDATE, sip.INFO, sip.PRACK} {
		e.Handle(m, s.checked(s.inDialog))
	}
	e.HandleOther(s.checked(s.onOther))
	e.HandleStray(s.onStray)
	e.OnConnectionLost(s.onConnectionLost)
}

// Start begins to read on all edges.
func (s *Stack) Start() {
	for _, e := range s.edges {
		e.Start()
	}
}

// Close closes the edges and forgets the usages; legs should be over by then.
func (s *Stack) Close() {
	s.cancel()
	for _, e := range s.edges {
		if err := e.Close(); err != nil {
			s.log.Info("closing sip edge", "edge", e.Name(), "error", err)
		}
	}
	for _, u := range s.table.all() {
		u.q.do(func() {
			u.released = true
			u.stopRepeating()
		})
	}
}

// Counts are the stack's counters.
func (s *Stack) Counts() *Counts { return &s.counts }

// Usages is the number of dialogs, early ones included.
func (s *Stack) Usages() int { return s.table.size() }
