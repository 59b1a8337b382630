package sip

import (
	"bytes"
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// onRequest takes a request that carries our tag, from within the queue.
func (u *usage) onRequest(flow transport.Flow, req *sip.Request, tx sip.ServerTransaction) {
	if u.released || !u.matches(req) {
		refuse(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	}
	if flow.Edge == u.dlg.flow.Edge {
		// A phone that reconnected, or whose router took another port, is where it
		// was last heard.
		u.setFlow(flow)
	}
	switch req.Method {
	case sip.INVITE:
		u.onReinvite(req, tx)
	case sip.UPDATE:
		u.onUpdate(req, tx)
	case sip.BYE:
		u.onBye(req, tx)
	case sip.INFO:
		u.onInfo(req, tx)
	case sip.OPTIONS:
		answerOptions(req, tx)
	case sip.PRACK:
		u.onPrack(req, tx)
	default:
		refuseMethod(req, tx, allowInDialog)
	}
}

// onBye ends the dialog from the peer's side, also before its ACK arrived (P3).
// A caller may end an early dialog so (RFC 3261 §15.1.2): then the INVITE is
// answered as if it had been cancelled.
func (u *usage) onBye(req *sip.Request, tx sip.ServerTransaction) {
	_ = tx.Respond(responseTo(req, sip.StatusOK, "OK", ""))
	u.bye = u.bye || u.up
	u.stopRepeating()
	cause := pbx.Cause{Code: endOf(req), By: u.by()}
	if u.first != nil && !u.first.final {
		u.first.reject(verdictOf(pbx.CauseCancelled))
		cause.Code = pbx.CauseCancelled
		u.post(leg.Input{Kind: leg.InCancelled, Cause: cause})
		return
	}
	u.post(leg.Input{Kind: leg.InBye, Cause: cause})
}

// endOf is why a peer ended a conversation. Somebody hung up, whatever a gateway
// writes there, unless its Reason tells of trouble with the conversation itself.
func endOf(bye *sip.Request) pbx.CauseCode {
	code, _ := reasonIn(bye)
	switch code {
	case pbx.CauseMediaTimeout, pbx.CauseIncompatible, pbx.CauseCongested, pbx.CauseProtocol:
		return code
	}
	return pbx.CauseNormal
}

// onInfo takes keys pressed on phones that send them by INFO. A repeated one
// that was answered before is told by its CSeq (P3).
func (u *usage) onInfo(req *sip.Request, tx sip.ServerTransaction) {
	kind, _, _ := strings.Cut(contentType(req), ";")
	var key string
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/dtmf-relay":
		key = relayKey(req.Body())
	case "application/dtmf":
		key = keyOf1(string(bytes.TrimSpace(req.Body())))
	case "":
		_ = tx.Respond(responseTo(req, sip.StatusOK, "OK", "")) // asks whether we are there
		return
	default:
		res := responseTo(req, sip.StatusUnsupportedMediaType, "Unsupported Media Type", "")
		res.AppendHeader(sip.NewHeader("Accept", "application/dtmf-relay, application/dtmf"))
		_ = tx.Respond(res)
		return
	}
	if key == "" {
		refuse(req, tx, sip.StatusBadRequest, "No Key In INFO")
		return
	}
	_ = tx.Respond(responseTo(req, sip.StatusOK, "OK", ""))
	if !u.digits.again(req.CSeq().SeqNo) {
		u.post(leg.Input{Kind: leg.InDigit, Digits: key})
	}
}

// relayKey finds the key in "Signal=5\r\nDuration=160", in which phones are
// generous with blanks and case.
func relayKey(body []byte) string {
	for line := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(line, "=")
		if strings.EqualFold(strings.TrimSpace(name), "signal") {
			return keyOf1(strings.TrimSpace(value))
		}
	}
	return ""
}

// keyOf1 is one telephone key; 10 and 11 are what event numbers call star and
// pound (RFC 4733 §3.2).
func keyOf1(s string) string {
	s = strings.ToUpper(s)
	switch {
	case s == "10":
		return "*"
	case s == "11":
		return "#"
	case len(s) == 1 && strings.Contains("0123456789*#ABCD", s):
		return s
	}
	return ""
}

// onAck takes an ACK that came with a branch of its own.
func (u *usage) onAck(req *sip.Request) {
	if !u.matches(req) {
		return
	}
	for _, s := range []*inviteServer{u.first, u.acking} {
		if s != nil && s.req.CSeq().SeqNo == req.CSeq().SeqNo {
			s.onAck(req)
		}
	}
}

// reasonIn is the cause a message gives in its Reason headers.
func reasonIn(m sip.Message) (pbx.CauseCode, bool) {
	return causeOfReason(header.List(m, "Reason"))
}
