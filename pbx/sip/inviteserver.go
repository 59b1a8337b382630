package sip

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/header"
)

// inviteServer answers one INVITE of the peer, the first or a later one.
type inviteServer struct {
	u    *usage
	req  *sip.Request
	tx   sip.ServerTransaction
	late bool // it brought no offer: the ACK carries the answer to ours

	// cancelled is set by the transaction, under its lock, when a CANCEL won and
	// 487 is on its way. Looking there before every answer leaves only the gap
	// between the look and the answer (see respond).
	cancelled atomic.Bool

	rel     reliable
	terms   terms         // of the session timer
	told    *sip.Response // last provisional response, repeated each minute
	refresh *time.Timer
	final   bool
	acked   bool
	ok      *sip.Response // our 2xx, repeated until acknowledged
	repeat  *time.Timer
	ackBy   *time.Timer
}

// ring says 180, or 183 with an answer for early sound.
func (s *inviteServer) ring(sdp []byte) {
	if s.final {
		return
	}
	res := s.response(sip.StatusRinging, "Ringing")
	if sdp != nil {
		res = s.response(sip.StatusSessionInProgress, "Session Progress")
		describe(res, sdp)
	}
	s.told = res
	s.tell(res)
	s.again()
}

// again repeats the last provisional response every minute (RFC 3261 §13.3.1.1).
// A reliable one is not said twice: a new one without the description follows it.
func (s *inviteServer) again() {
	stop(s.refresh)
	s.refresh = time.AfterFunc(ringAgain, func() {
		s.u.q.do(func() {
			if s.final {
				return
			}
			if _, reliably := header.Get(s.told, "RSeq"); reliably {
				s.tell(s.response(s.told.StatusCode, s.told.Reason))
			} else {
				s.respond(s.told)
			}
			s.again()
		})
	})
}

// answer accepts the INVITE. The 2xx is repeated by us, on every transport
// (RFC 3261 §13.3.1.4), until the ACK comes or cannot come any more.
func (s *inviteServer) answer(sdp []byte) bool {
	if s.final {
		return false
	}
	res := s.response(sip.StatusOK, "OK")
	s.terms.write(res)
	describe(res, sdp)
	s.rel.stop()
	if !s.respond(res) {
		return false
	}
	s.ok = res
	s.u.arm(s.terms, s.terms.refresher == refresherUAS)
	s.repeatAfter(t1)
	s.ackBy = time.AfterFunc(giveUp, func() { s.u.q.do(s.ackLost) })
	return true
}

func (s *inviteServer) repeatAfter(wait time.Duration) {
	s.repeat = time.AfterFunc(wait, func() {
		s.u.q.do(func() {
			if s.acked || s.repeat == nil {
				return
			}
			s.u.stack.counts.Repeated.Add(1)
			_ = s.tx.Respond(s.ok)
			s.repeatAfter(min(2*wait, t2))
		})
	})
}

func (s *inviteServer) ackLost() {
	if s.acked || s.repeat == nil {
		return
	}
	s.stop()
	s.u.stack.counts.AckLost.Add(1)
	s.u.post(leg.Input{Kind: leg.InAckLost, Cause: pbx.Cause{
		Code: pbx.CauseNetwork, By: s.u.by(), Text: "no ACK for our answer"}})
}

// reject refuses the INVITE; the transaction repeats the response and takes its
// ACK.
func (s *inviteServer) reject(v verdict) {
	if s.final {
		return
	}
	res := s.response(v.status, v.phrase)
	if v.q850 != 0 {
		res.AppendHeader(sip.NewHeader("Reason", v.reason())) // RFC 6432
	}
	if v.status == sip.StatusServiceUnavailable {
		res.AppendHeader(sip.NewHeader("Retry-After", retryAfter))
	}
	s.respond(res)
}

// response builds a response with the one To-tag that all responses to an INVITE
// share (P5), and with what a peer must know of a dialog.
func (s *inviteServer) response(code int, phrase string) *sip.Response {
	res := responseTo(s.req, code, phrase, string(s.u.id))
	if code > 100 && code < 300 {
		contact := s.u.stack.contact(s.u.dlg.flow, s.u.dlg.local.User)
		res.AppendHeader(contact)
		res.AppendHeader(sip.NewHeader("Allow", allowInDialog))
		res.AppendHeader(sip.NewHeader("Supported", extensions))
	}
	return res
}

// respond sends a response and reports whether it counts. When a CANCEL was
// faster, the library refuses a final response, but has already taken it as the
// one to repeat: it would say 200 to a caller who heard 487 (P1). The 487 is put
// back at once.
func (s *inviteServer) respond(res *sip.Response) bool {
	if s.cancelled.Load() {
		s.final = true
		return false
	}
	err := s.tx.Respond(res)
	if !res.IsProvisional() {
		s.final = true
		stop(s.refresh)
		s.rel.stop()
	}
	if errors.Is(err, sip.ErrTransactionCanceled) {
		s.final = true
		_ = s.tx.Respond(s.response(sip.StatusRequestTerminated, "Request Terminated"))
		return false
	}
	return err == nil
}

// onAck takes an ACK for our 2xx, which may come with the INVITE's branch or its
// own (P17), and more than once.
func (s *inviteServer) onAck(ack *sip.Request) {
	if s.ok == nil || s.acked {
		return
	}
	s.acked = true
	s.stop()
	in := leg.Input{Kind: leg.InAcked}
	if s.late {
		in.SDP, _ = s.u.hear(ack)
	}
	if s == s.u.first || s.late {
		s.u.post(in)
	}
}

// stop ends all timers.
func (s *inviteServer) stop() {
	stop(s.refresh)
	stop(s.repeat)
	stop(s.ackBy)
	s.repeat = nil
	s.rel.stop()
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
