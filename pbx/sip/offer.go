package sip

import (
	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/leg"
)

// pendingOffer is a re-INVITE or UPDATE between its arrival and what the leg
// decides.
type pendingOffer struct {
	u      *usage
	invite *inviteServer // re-INVITE
	req    *sip.Request  // UPDATE
	tx     sip.ServerTransaction
	terms  terms // UPDATE: of the session timer
}

// onReinvite takes an INVITE within the dialog (RFC 3261 §14.2).
func (u *usage) onReinvite(req *sip.Request, tx sip.ServerTransaction) {
	s := &inviteServer{u: u, req: req, tx: tx}
	if !u.inOrder(req) || u.offer != nil || u.first != nil && !u.first.final {
		s.refuseLater()
		return
	}
	u.learn(req)
	sdp, ok := sdpOf(req)
	if !ok {
		s.refuseBody()
		return
	}
	if s.terms, ok = u.requested(req, func(res *sip.Response) { s.respond(res) }); !ok {
		return
	}
	if u.reoffer != nil {
		// Both ends asked at once (RFC 3261 §14.2).
		s.reject(verdict{status: sip.StatusRequestPending, phrase: "Request Pending"})
		return
	}
	if u.acking != nil && u.acking.late && !u.acking.acked {
		// Our own offer waits for its answer in the ACK (RFC 3264 §4).
		s.reject(verdict{status: sip.StatusRequestPending, phrase: "Request Pending"})
		return
	}
	s.late = sdp == nil
	if !tx.OnCancel(func(*sip.Request) {
		s.cancelled.Store(true)
		u.q.do(func() { u.offerCancelled(s) })
	}) {
		return
	}
	s.respond(s.response(sip.StatusTrying, "Trying"))
	u.offer = &pendingOffer{u: u, invite: s}
	u.heard = sdp
	u.post(leg.Input{Kind: leg.InOffered, SDP: sdp, From: u.dlg.flow.Remote.Addr()})
}

// offerCancelled forgets a re-INVITE that the peer gave up. The leg is at ease
// with an offer that was never answered, but must not wait for the answer to its
// own.
func (u *usage) offerCancelled(s *inviteServer) {
	if s.ok != nil {
		return
	}
	s.final = true
	if u.offer != nil && u.offer.invite == s {
		u.offer = nil
	}
	if s.late {
		u.post(leg.Input{Kind: leg.InAcked})
	}
}

// onUpdate takes an UPDATE (RFC 3311 §5.2). Without a description it refreshes
// the target and asks for nothing.
func (u *usage) onUpdate(req *sip.Request, tx sip.ServerTransaction) {
	p := &pendingOffer{u: u, req: req, tx: tx}
	if !u.inOrder(req) || u.offer != nil {
		p.respond(sip.StatusInternalServerError, "Server Internal Error", nil)
		return
	}
	u.learn(req)
	sdp, ok := sdpOf(req)
	var inTime bool
	p.terms, inTime = u.requested(req, func(res *sip.Response) { _ = tx.Respond(res) })
	switch {
	case !inTime:
	case !ok:
		p.respond(sip.StatusUnsupportedMediaType, "Unsupported Media Type", nil)
	case sdp == nil:
		u.dlg.refresh(req)
		p.respond(sip.StatusOK, "OK", nil)
	case u.reoffer != nil, u.acking != nil && u.acking.late && !u.acking.acked:
		p.respond(sip.StatusRequestPending, "Request Pending", nil)
	default:
		u.offer, u.heard = p, sdp
		u.post(leg.Input{Kind: leg.InOffered, SDP: sdp, From: u.dlg.flow.Remote.Addr()})
	}
}

// inOrder refuses an INVITE or UPDATE that was overtaken by a later one: the
// network and the library's goroutines mix up what was sent in order (P3), and
// an old offer must not undo a newer one.
func (u *usage) inOrder(req *sip.Request) bool {
	seq := req.CSeq().SeqNo
	if seq <= u.offerSeq {
		return false
	}
	u.offerSeq = seq
	return true
}

// accept answers the offer, or, when there was none, makes ours.
func (p *pendingOffer) accept(sdp []byte) {
	if p.invite == nil {
		p.u.dlg.refresh(p.req)
		p.respond(sip.StatusOK, "OK", sdp)
		return
	}
	p.u.dlg.refresh(p.invite.req)
	if p.u.acking != nil {
		p.u.acking.stop() // its ACK was lost, and this request stands for it
	}
	p.u.acking = p.invite
	if !p.invite.answer(sdp) && !p.invite.cancelled.Load() {
		p.u.lost("no way to answer")
	}
}

// refuse declines the offer; the session stays as it was.
func (p *pendingOffer) refuse(r leg.Refusal) {
	v := verdict{status: sip.StatusNotAcceptableHere, phrase: "Not Acceptable Here"}
	switch r {
	case leg.RefusePending:
		v = verdict{status: sip.StatusRequestPending, phrase: "Request Pending"}
	case leg.RefuseUnanswered:
		if p.invite != nil {
			p.invite.refuseLater()
			return
		}
		v = verdict{status: sip.StatusInternalServerError, phrase: "Server Internal Error"}
	case leg.RefuseIncompatible:
	}
	if p.invite != nil {
		p.invite.reject(v)
		return
	}
	p.respond(v.status, v.phrase, nil)
}

// gone answers for a leg that is dead.
func (p *pendingOffer) gone() {
	v := verdict{status: sip.StatusCallTransactionDoesNotExists, phrase: "Call/Transaction Does Not Exist"}
	if p.invite != nil {
		p.invite.reject(v)
		return
	}
	p.respond(v.status, v.phrase, nil)
}

// respond answers an UPDATE.
func (p *pendingOffer) respond(code int, phrase string, sdp []byte) {
	res := responseTo(p.req, code, phrase, "")
	switch {
	case code < 300:
		res.AppendHeader(p.u.stack.contact(p.u.dlg.flow, p.u.dlg.local.User))
		res.AppendHeader(sip.NewHeader("Allow", allowInDialog))
		res.AppendHeader(sip.NewHeader("Supported", extensions))
		if p.u.up {
			p.terms.write(res)
			p.u.arm(p.terms, p.terms.refresher == refresherUAS)
		}
		describe(res, sdp)
	case code == sip.StatusInternalServerError:
		res.AppendHeader(sip.NewHeader("Retry-After", retrySoon()))
	case code == sip.StatusUnsupportedMediaType:
		res.AppendHeader(sip.NewHeader("Accept", acceptSDP))
	}
	_ = p.tx.Respond(res)
}

// refuseLater is the answer to an INVITE that comes while another is being
// answered, or too late (RFC 3261 §14.2).
func (s *inviteServer) refuseLater() {
	res := s.response(sip.StatusInternalServerError, "Server Internal Error")
	res.AppendHeader(sip.NewHeader("Retry-After", retrySoon()))
	s.respond(res)
}

// refuseBody says which descriptions we read.
func (s *inviteServer) refuseBody() {
	res := s.response(sip.StatusUnsupportedMediaType, "Unsupported Media Type")
	res.AppendHeader(sip.NewHeader("Accept", acceptSDP))
	s.respond(res)
}
