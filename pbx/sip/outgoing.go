package sip

import (
	"fmt"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// Dial implements leg.Dialer.
func (s *Stack) Dial(d leg.Dialing) (leg.Signaler, error) {
	return s.dial(d, d.Leg, d.Leg.ID())
}

func (s *Stack) dial(d leg.Dialing, l inbox, id pbx.LegID) (leg.Signaler, error) {
	flow, ok := s.edges.FlowOf(d.Binding) // of a stream, perhaps one that is gone: what is written needs the edge only
	if !ok {
		return nil, fmt.Errorf("no edge %q", d.Binding.Edge)
	}
	target, err := header.ParseURI(d.Binding.Contact)
	if err != nil {
		return nil, fmt.Errorf("contact %q: %w", d.Binding.Contact, err)
	}
	var path []sip.Uri
	for _, p := range d.Binding.Path {
		a, err := header.ParseNameAddr(p)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", p, err)
		}
		path = append(path, a.URI)
	}
	if d.SIPCall == "" {
		d.SIPCall = pbx.NewID()
	}
	u := s.newUsage(id, d.SIPCall, false)
	u.leg, u.device = l, d.Binding.Device
	u.wish = s.wishFor(d)
	local, name := shown(flow, d.From, u.wish)
	u.dlg = dialog{
		callID: d.SIPCall, localTag: string(id), local: local, name: name,
		remote: calleeURI(flow, d), target: target, routes: path,
	}
	u.setFlow(flow)
	u.say(d.Offer)
	u.dialled = &inviteClient{u: u, req: u.invite(d)}
	s.table.add(u)
	s.counts.Dialled.Add(1)
	s.reach(u, d.Binding)
	return u, nil
}

// reach finds the way to a phone and has the INVITE sent. Connecting to a phone
// that registered before our restart takes a while, which its leg does not wait
// for; nobody else does either.
func (s *Stack) reach(u *usage, b pbx.Binding) {
	if flow, ok := s.edges.Alive(b); ok {
		u.q.do(func() { u.dialled.sendOn(flow) })
		return
	}
	go func() {
		flow, err := s.edges.Reach(s.ctx, b)
		u.q.do(func() {
			if err != nil {
				u.dialled.finish(pbx.CauseUnreachable, err.Error())
				return
			}
			u.dialled.sendOn(flow)
		})
	}()
}

// invite builds the INVITE.
func (u *usage) invite(d leg.Dialing) *sip.Request {
	req := u.dlg.request(sip.INVITE)
	identify(req, &u.dlg, u.wish)
	req.AppendHeader(u.stack.contact(u.dlg.flow, u.dlg.local.User))
	req.AppendHeader(sip.NewHeader("Allow", allowInDialog))
	req.AppendHeader(sip.NewHeader("Supported", extensions))
	u.ask(req)
	req.AppendHeader(sip.NewHeader("User-Agent", agent))
	describe(req, d.Offer)
	return req
}

// calleeURI is whom the call is for: what people dialled, not where the phone is.
func calleeURI(flow transport.Flow, d leg.Dialing) sip.Uri {
	if d.To.Number == "" {
		return ownURI(flow, d.Binding.Username)
	}
	return ownURI(flow, d.To.Number)
}

func ownURI(flow transport.Flow, number string) sip.Uri {
	uri := flow.Edge.Contact(header.EscapeUser(number), flow.Remote.Addr())
	uri.UriParams = nil
	return uri
}

// sendOn sends an ACK on a dialog's flow.
func (s *Stack) sendOn(d *dialog, ack *sip.Request) error {
	if d.flow.Edge == nil {
		return transport.ErrFlowGone
	}
	return d.flow.Edge.Send(d.flow, ack)
}
