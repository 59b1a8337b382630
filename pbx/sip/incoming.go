package sip

import (
	"context"
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// onInvite takes an INVITE: within a dialog, or one that wants to start a call.
func (s *Stack) onInvite(ctx context.Context, flow transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
	id := pbx.LegID(transport.NewTag(req))
	if id == "" {
		s.inDialog(ctx, flow, req, tx)
		return
	}
	s.counts.Invites.Add(1)
	tried := hasCredentials(req)
	if tried {
		// Looking the device up may take a while.
		_ = tx.Respond(responseTo(req, sip.StatusTrying, "Trying", ""))
	}
	caller, res, why := s.admit(ctx, flow, req)
	if res != nil {
		s.notAdmitted(flow, req, why)
		_ = tx.Respond(res)
		if !tried {
			// A first challenge is not repeated: who gave a false source must not
			// have it sent ten times to a victim (RFC 3261 §26.3.2.4). After a 100 it
			// would have to be, the phone waits.
			tx.Terminate()
		}
		return
	}
	s.accept(ctx, flow, req, tx, id, caller)
}

func (s *Stack) notAdmitted(flow transport.Flow, req *sip.Request, why string) {
	if why == "" {
		s.counts.Challenged.Add(1)
		return
	}
	s.refused(flow, req, why)
}

// admit decides who calls and whether the INVITE can be handled; res is the
// refusal. Who is not known learns nothing but that.
func (s *Stack) admit(ctx context.Context, flow transport.Flow, req *sip.Request) (caller pbx.PartyInfo, res *sip.Response, why string) {
	if hops := req.MaxForwards(); hops != nil && *hops == 0 {
		return caller, responseTo(req, sip.StatusTooManyHops, "Too Many Hops", ""), "loop"
	}
	if u := s.table.find(tagOf(req.From().Params)); u != nil && u.call == req.CallID().Value() {
		return caller, responseTo(req, sip.StatusLoopDetected, "Loop Detected", ""), "loop"
	}
	caller, res, why = s.auth.Authenticate(ctx, flow, req)
	if res != nil {
		return caller, res, why
	}
	switch scheme := strings.ToLower(req.Recipient.Scheme); {
	case scheme != "sip" && scheme != "sips" && scheme != "tel":
		return caller, responseTo(req, 416, "Unsupported URI Scheme", ""), "malformed"
	case header.User(req.Recipient) == "":
		return caller, responseTo(req, sip.StatusAddressIncomplete, "Address Incomplete", ""), "malformed"
	}
	if _, ok := sdpOf(req); !ok {
		res = responseTo(req, sip.StatusUnsupportedMediaType, "Unsupported Media Type", "")
		res.AppendHeader(sip.NewHeader("Accept", acceptSDP))
		return caller, res, "malformed"
	}
	if _, ok := termsFor(req, terms{}, false); !ok {
		res = responseTo(req, tooSmall, "Session Interval Too Small", "")
		res.AppendHeader(sip.NewHeader("Min-SE", inSeconds(sessionFloor)))
		return caller, res, "" // no call that failed: the phone asks again, for longer
	}
	if replaces, ok := header.Get(req, "Replaces"); ok {
		return caller, s.refuseReplaces(req, replaces), "replaces"
	}
	return caller, nil, ""
}

// refuseReplaces answers an INVITE that wants to take a dialog's place (RFC 3891
// §3): there is none, or taking its place is not offered.
func (s *Stack) refuseReplaces(req *sip.Request, value string) *sip.Response {
	id, params, _ := strings.Cut(value, ";")
	to, _ := header.ParseParams(params).Get("to-tag")
	u := s.table.find(to)
	if u == nil || u.call != strings.TrimSpace(id) {
		return responseTo(req, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist", "")
	}
	return responseTo(req, sip.StatusNotImplemented, "Replaces Not Implemented", "")
}

func hasCredentials(req *sip.Request) bool {
	_, a := header.Get(req, "Authorization")
	_, b := header.Get(req, "Proxy-Authorization")
	return a || b
}

// accept makes the usage of an admitted INVITE and stays until its transaction is
// over.
func (s *Stack) accept(ctx context.Context, flow transport.Flow, req *sip.Request, tx sip.ServerTransaction, id pbx.LegID, caller pbx.PartyInfo) {
	u := s.newUsage(id, req.CallID().Value(), true)
	u.dlg.answering(req, flow, string(id))
	u.setFlow(flow)
	u.device, u.wish = caller.Device, wishOf(req)
	u.offerSeq = req.CSeq().SeqNo
	u.learn(req)
	sdp, _ := u.hear(req)
	u.first = &inviteServer{u: u, req: req, tx: tx, late: sdp == nil, rel: reliabilityOf(req)}
	u.first.terms, _ = termsFor(req, terms{}, false)
	key := keyOf(req)
	if !s.table.addIncoming(u, key) {
		s.notAdmitted(flow, req, "merged")
		_ = tx.Respond(responseTo(req, sip.StatusLoopDetected, "Merged Request", ""))
		return
	}
	defer s.table.settled(key)
	// The callback runs under the transaction's lock: it may only leave a note
	// (P2).
	if !tx.OnCancel(func(cancel *sip.Request) {
		u.first.cancelled.Store(true)
		u.q.do(func() { u.onCancelled(cancel) })
	}) {
		s.table.forget(u)
		return
	}
	inv := leg.Invitation{
		Leg: id, Caller: caller, Dialled: header.User(req.Recipient), Offer: sdp,
		Edge: flow.Edge.Name(), Remote: flow.Remote.String(), SIPCall: u.call, UA: userAgent(req),
	}
	u.q.do(func() { u.enter(inv) })
	s.stay(ctx, tx, u, req.CSeq().SeqNo)
	u.q.do(u.firstOver)
}

// enter makes the leg. Whatever goes wrong there, the caller gets an answer.
func (u *usage) enter(inv leg.Invitation) {
	defer func() {
		if u.leg == nil {
			u.first.reject(verdictOf(pbx.CauseFault))
			u.released = true
			u.stack.table.forget(u)
		}
	}()
	if u.first.cancelled.Load() {
		u.first.final = true
		return
	}
	l, err := u.stack.host.Invite(u, inv)
	if err != nil {
		u.stack.refused(u.dlg.flow, u.first.req, string(pbx.CodeOf(err)))
		u.first.reject(verdictOfError(err))
		return
	}
	u.leg = l
}

// verdictOfError is how an INVITE is refused that the host did not take.
func verdictOfError(err error) verdict {
	switch pbx.CodeOf(err) {
	case pbx.TooMany, pbx.Unavailable:
		return verdictOf(pbx.CauseCongested)
	case pbx.Forbidden, pbx.Unauthorized:
		return verdictOf(pbx.CauseForbidden)
	case pbx.NotFound:
		return verdictOf(pbx.CauseNotInService)
	case pbx.Invalid:
		return verdictOf(pbx.CauseIncompatible)
	case pbx.Conflict:
		return verdictOf(pbx.CauseBusy)
	}
	return verdictOf(pbx.CauseFault)
}

// onCancelled is the caller giving up; 487 is on its way already.
func (u *usage) onCancelled(cancel *sip.Request) {
	if u.first.ok != nil {
		return // too late, the 2xx is out (RFC 3261 §9.2)
	}
	u.first.final = true
	u.first.stop()
	cause := pbx.Cause{Code: pbx.CauseCancelled, By: u.by()}
	if code, ok := reasonIn(cancel); ok && code == pbx.CauseAnsweredElsewhere {
		cause.Code = code
	}
	u.post(leg.Input{Kind: leg.InCancelled, Cause: cause})
}

// firstOver is the end of the INVITE's transaction: without a final response
// before it, its connection broke or nothing could be sent.
func (u *usage) firstOver() {
	stop(u.first.refresh)
	if !u.first.final {
		u.first.final = true
		u.lost("no way to answer")
	}
}

// acknowledged takes an ACK with the branch of its INVITE.
func (u *usage) acknowledged(seq uint32, ack *sip.Request) {
	for _, s := range []*inviteServer{u.first, u.acking} {
		if s != nil && s.req.CSeq().SeqNo == seq {
			s.onAck(ack)
		}
	}
}

func userAgent(req *sip.Request) string {
	v, _ := header.Get(req, "User-Agent")
	return v
}
