// Package registrar answers REGISTER (RFC 3261 §10.3): who may register what,
// and for how long. The table itself is pbx/registry.
package registrar

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/registry"
	"klapka.dev/klapka/pbx/sip/account"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// Options of a Registrar.
type Options struct {
	Registry  *registry.Registry
	Accounts  *account.Authenticator
	Guard     *transport.Guard // may be nil
	Log       *slog.Logger
	Keepalive Keepalive
}

// Registrar is the REGISTER handler of all edges.
type Registrar struct {
	o     Options
	edges transport.Edges
	ping  *pinger
}

// New makes a registrar; Attach it to the edges, then Start it.
func New(o Options) *Registrar {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registrar{o: o}
	r.ping = newPinger(r, o.Keepalive)
	return r
}

// Attach takes over REGISTER on an edge and ends registrations with the
// connections they came on. Call it before the edge starts.
func (r *Registrar) Attach(e *transport.Edge) {
	r.edges = append(r.edges, e)
	e.Handle(sip.REGISTER, r.handle)
	e.OnConnectionLost(func(f transport.Flow) {
		r.o.Registry.ConnectionLost(f.Edge.Name(), f.ConnID)
		if r.o.Guard != nil {
			r.o.Guard.Forget(f.Remote)
		}
	})
}

// Start begins the keepalive; bindings loaded at start-up are made known to the
// guard.
func (r *Registrar) Start() {
	if r.o.Guard != nil {
		for _, b := range r.o.Registry.All() {
			r.o.Guard.Registered(b.Remote, b.Expires)
		}
	}
	r.ping.start()
}

// Close ends the keepalive and waits for it. Registrations stay.
func (r *Registrar) Close() { r.ping.close() }

// Near reports whether a device has a registration from this address; it is what
// account.Options.Near wants.
func Near(reg *registry.Registry) func(device string, ip netip.Addr) bool {
	return func(device string, ip netip.Addr) bool {
		for _, b := range reg.Bindings(device) {
			if b.Remote.Addr() == ip {
				return true
			}
		}
		return false
	}
}

// retransmission is how long an answer is kept for a phone that did not get it:
// it repeats itself after 0.5, 1.5, 3.5 and 7.5 s (RFC 3261 §17.1.2.2). The stack
// would keep 32 s of them, with 4 KB each (P21).
const retransmission = 8 * time.Second

// handle answers one REGISTER.
func (r *Registrar) handle(_ context.Context, f transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
	res := r.answer(f, req)
	if err := tx.Respond(res); err != nil {
		r.o.Log.Debug("register not answered", "flow", f.String(), "error", err)
	}
	if res.StatusCode == sip.StatusUnauthorized {
		tx.Terminate() // asking again makes a new challenge: nothing to keep
		return
	}
	time.AfterFunc(retransmission, tx.Terminate)
}

// answer decides about one REGISTER and carries it out.
func (r *Registrar) answer(f transport.Flow, req *sip.Request) *sip.Response {
	if req.To() == nil || req.CallID() == nil || req.CSeq() == nil || req.From() == nil {
		return refuse(req, 400, "Bad Request: To, From, Call-ID and CSeq are needed")
	}
	if unknown := unsupported(req); len(unknown) > 0 {
		res := refuse(req, 420, "Bad Extension")
		for _, tag := range unknown {
			res.AppendHeader(sip.NewHeader("Unsupported", tag))
		}
		return res
	}
	acc, refusal := r.o.Accounts.Authenticate(f, req)
	if refusal != nil {
		return refusal.Response(req)
	}
	// Whoever knows the secret of one device may register that device only. The
	// host is not compared: phones write the name or address they reach us by.
	if header.User(req.To().Address) != acc.Device.Username {
		return refuse(req, 403, "Forbidden: that is not your address")
	}
	ask, err := request(f, req, acc.Device)
	if err != nil {
		return refuse(req, 400, "Bad Request: "+err.Error())
	}
	bindings, err := r.o.Registry.Register(ask)
	if err != nil {
		return r.refused(req, err)
	}
	r.introduce(f, bindings)
	return accepted(req, bindings, time.Now())
}

// introduce tells the guard whether the sender is registered now.
func (r *Registrar) introduce(f transport.Flow, bs []pbx.Binding) {
	if r.o.Guard == nil {
		return
	}
	var until time.Time
	for _, b := range bs {
		if b.Remote == f.Remote && b.Edge == f.Edge.Name() && b.Expires.After(until) {
			until = b.Expires
		}
	}
	if until.IsZero() {
		r.o.Guard.Forget(f.Remote)
		return
	}
	r.o.Guard.Registered(f.Remote, until)
}

// refused turns the registry's errors into answers.
func (r *Registrar) refused(req *sip.Request, err error) *sip.Response {
	var brief *registry.TooBriefError
	switch {
	case errors.As(err, &brief):
		res := refuse(req, 423, "Interval Too Brief")
		res.AppendHeader(sip.NewHeader("Min-Expires", seconds(brief.Min)))
		return res
	case errors.Is(err, registry.ErrWildcard):
		return refuse(req, 400, "Bad Request: * stands alone and with Expires: 0")
	case errors.Is(err, registry.ErrTooMany):
		return refuse(req, 403, "Forbidden: too many contacts")
	case errors.Is(err, registry.ErrOutOfOrder):
		return refuse(req, 500, "Out of Order")
	}
	r.o.Log.Error("registration failed", "error", err)
	return refuse(req, 500, "Server Internal Error")
}

func refuse(req *sip.Request, status int, phrase string) *sip.Response {
	return sip.NewResponseFromRequest(req, status, phrase, nil)
}

// unsupported returns the option tags a phone insists on and we do not know.
// Path is a matter of storing it (RFC 3327).
func unsupported(req *sip.Request) []string {
	var out []string
	for _, tag := range header.List(req, "Require") {
		if tag != "path" {
			out = append(out, tag)
		}
	}
	return out
}

// accepted is the 200 with every binding of the device (RFC 3261 §10.3 step 8).
func accepted(req *sip.Request, bs []pbx.Binding, now time.Time) *sip.Response {
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	for _, b := range bs {
		v := "<" + b.Contact + ">;expires=" + seconds(b.Expires.Sub(now))
		if b.Q != 1 {
			v += ";q=" + strconv.FormatFloat(float64(b.Q), 'f', -1, 32)
		}
		if b.InstanceID != "" {
			v += ";+sip.instance=" + header.Quote(b.InstanceID)
		}
		if b.RegID > 0 {
			v += ";reg-id=" + strconv.Itoa(b.RegID)
		}
		res.AppendHeader(sip.NewHeader("Contact", v))
	}
	for _, p := range header.List(req, "Path") {
		res.AppendHeader(sip.NewHeader("Path", p))
	}
	// RFC 3261 §20.17 wants GMT by that name, which time.RFC1123 would not say.
	res.AppendHeader(sip.NewHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05")+" GMT"))
	return res
}

// seconds rounds up: a phone must not refresh after the end.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
