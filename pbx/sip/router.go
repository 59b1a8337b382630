package sip

import (
	"context"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// checked lets only requests through that have what every handler relies on.
func (s *Stack) checked(h transport.Handler) transport.Handler {
	return func(ctx context.Context, flow transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
		switch words := malformed(req); {
		case words != "":
			s.counts.Malformed.Add(1)
			refuse(req, tx, sip.StatusBadRequest, words)
		case req.SipVersion != "SIP/2.0":
			s.counts.Malformed.Add(1)
			refuse(req, tx, sip.StatusVersionNotSupported, "Version Not Supported")
		case len(unknownExtensions(req)) > 0:
			res := responseTo(req, sip.StatusBadExtension, "Bad Extension", "")
			for _, tag := range unknownExtensions(req) {
				res.AppendHeader(sip.NewHeader("Unsupported", tag))
			}
			_ = tx.Respond(res)
		default:
			h(ctx, flow, req, tx)
		}
	}
}

// unknownExtensions are what a request insists on and we do not have (RFC 3261
// §8.2.2.3). A BYE or CANCEL is too useful to be refused for it.
func unknownExtensions(req *sip.Request) (unknown []string) {
	if req.Method == sip.BYE || req.Method == sip.CANCEL {
		return nil
	}
	for _, tag := range header.List(req, "Require") {
		if !strings.EqualFold(tag, "100rel") && !strings.EqualFold(tag, "timer") {
			unknown = append(unknown, tag)
		}
	}
	return unknown
}

// inDialog hands a request to the usage that its To-tag names.
func (s *Stack) inDialog(ctx context.Context, flow transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
	u := s.table.find(tagOf(req.To().Params))
	if u == nil {
		s.counts.Strangers.Add(1)
		refuse(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	}
	a := &answered{ServerTransaction: tx, done: make(chan struct{})}
	u.q.do(func() {
		defer func() {
			if r := recover(); r != nil {
				refuse(req, a, sip.StatusInternalServerError, "Server Internal Error")
				panic(r) // the queue reports it
			}
		}()
		u.onRequest(flow, req, a)
	})
	if req.Method == sip.INVITE {
		s.stay(ctx, tx, u, req.CSeq().SeqNo)
		return
	}
	// The transaction ends with its handler (P4), so that stays until somebody
	// answered: the leg may take its time with an offer.
	select {
	case <-a.done:
	case <-tx.Done():
	case <-ctx.Done():
	}
}

// stay keeps the handler of an INVITE until the transaction is over, and hands on
// ACKs that carry the INVITE's branch (P17).
func (s *Stack) stay(ctx context.Context, tx sip.ServerTransaction, u *usage, seq uint32) {
	for {
		select {
		case ack := <-tx.Acks():
			u.q.do(func() { u.acknowledged(seq, ack) })
		case <-tx.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// answered tells when a final response was given.
type answered struct {
	sip.ServerTransaction
	once sync.Once
	done chan struct{}
}

// Respond implements sip.ServerTransaction.
func (a *answered) Respond(res *sip.Response) error {
	err := a.ServerTransaction.Respond(res)
	if !res.IsProvisional() {
		a.once.Do(func() { close(a.done) })
	}
	return err
}

// onAck takes ACKs for 2xx. One that belongs nowhere is not answered.
func (s *Stack) onAck(_ context.Context, _ transport.Flow, req *sip.Request, _ sip.ServerTransaction) {
	if malformed(req) != "" {
		return
	}
	if u := s.table.find(tagOf(req.To().Params)); u != nil {
		u.q.do(func() { u.onAck(req) })
	}
}

// onCancel gets only what matched no INVITE that could still be cancelled.
func (s *Stack) onCancel(_ context.Context, _ transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
	refuse(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
}

// onOptions answers without asking who is there; the transaction is ended at
// once, else each would be kept for 32 s (P21).
func (s *Stack) onOptions(ctx context.Context, flow transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
	if tagOf(req.To().Params) != "" {
		s.inDialog(ctx, flow, req, tx)
		return
	}
	answerOptions(req, tx)
	tx.Terminate()
}

// onOther refuses what does not work, within a dialog and outside.
func (s *Stack) onOther(ctx context.Context, flow transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
	if tagOf(req.To().Params) != "" {
		s.inDialog(ctx, flow, req, tx)
		return
	}
	refuseMethod(req, tx, allowAlone)
	tx.Terminate()
}

// onStray takes an answer to an INVITE of ours whose transaction is over.
func (s *Stack) onStray(_ *transport.Edge, res *sip.Response) {
	if !res.IsSuccess() || res.From() == nil || res.To() == nil || res.CSeq() == nil || res.CallID() == nil ||
		res.CSeq().MethodName != sip.INVITE {
		return
	}
	u := s.table.find(tagOf(res.From().Params))
	if u == nil || res.CallID().Value() != u.call {
		return
	}
	u.q.do(func() {
		if u.dialled != nil && u.dialled.req.CSeq().SeqNo == res.CSeq().SeqNo {
			u.dialled.onSuccess(res)
		}
		if u.lastReoffer != nil && sameRequest(u.lastReoffer.req, res) {
			u.lastReoffer.onResponse(res)
		}
	})
}

// onConnectionLost tells the usages whose connection broke.
func (s *Stack) onConnectionLost(flow transport.Flow) {
	for _, u := range s.table.all() {
		if u.conn.Load() == flow.ConnID {
			u.q.do(func() { u.connectionLost(flow) })
		}
	}
}

// refused publishes that an INVITE did not become a call.
func (s *Stack) refused(flow transport.Flow, req *sip.Request, reason string) {
	s.counts.Refused.Add(1)
	s.events.Publish(pbx.Event{Body: pbx.CallRefused{
		From: header.User(req.From().Address), Dialled: header.User(req.Recipient),
		Source: flow.Remote.String(), Reason: reason, SIPCall: req.CallID().Value(),
	}})
}

var _ leg.Dialer = (*Stack)(nil)
