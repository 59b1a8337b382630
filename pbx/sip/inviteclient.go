package sip

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/transport"
)

// inviteClient is our INVITE to a peer: one transaction that may bring several
// early dialogs, one answer, and, from forks further on, answers too many.
type inviteClient struct {
	u   *usage
	req *sip.Request
	tx  sip.ClientTransaction

	early     tags              // remote tags of the early dialogs
	rseqs     map[string]uint64 // by remote tag: last reliable provisional response (RFC 3262)
	heard     bool              // a provisional response came: CANCEL may leave
	rang      bool              // 18x with alerting or sound was reported
	final     bool
	wanted    bool // CANCEL is to leave as soon as it may
	why       pbx.CauseCode
	cancelled *time.Timer // the final response must come by then
	acked     *sip.Request
}

// maxForks is how many early dialogs of one INVITE are followed.
const maxForks = 32

// tags are the few remote tags of one INVITE; a peer that makes up more is
// playing with us.
type tags map[string]bool

func (t tags) has(tag string) bool { return t[tag] }

func (t *tags) add(tag string) {
	if *t == nil {
		*t = make(tags)
	}
	if tag != "" && len(*t) < maxForks {
		(*t)[tag] = true
	}
}

// sendOn sends the INVITE by the way that was found, unless it was given up
// meanwhile.
func (c *inviteClient) sendOn(flow transport.Flow) {
	if c.wanted || c.u.released {
		c.finish(pbx.CauseCancelled, "given up before it was sent")
		return
	}
	c.u.setFlow(flow)
	c.send()
}

// send puts the INVITE onto the wire.
func (c *inviteClient) send() {
	flow := c.u.dlg.flow
	tx, err := flow.Edge.Request(context.Background(), flow, c.req)
	if err != nil {
		c.finish(pbx.CauseUnreachable, err.Error())
		return
	}
	c.tx = tx
	req := c.req
	c.u.drain(tx, func(res *sip.Response) {
		if sameRequest(c.req, res) {
			c.onResponse(res)
		}
	}, func(err error) {
		if c.req == req {
			c.onDone(err)
		}
	})
}

func (c *inviteClient) onResponse(res *sip.Response) {
	switch {
	case res.IsProvisional():
		c.onProvisional(res)
	case res.IsSuccess():
		c.onSuccess(res)
	case !c.final:
		c.onRefusal(res)
	}
}

// onProvisional reports ringing and early sound. Without a PRACK nothing says
// which of several early dialogs will win, so the last description heard counts.
func (c *inviteClient) onProvisional(res *sip.Response) {
	if c.final {
		return
	}
	first := !c.heard
	c.heard = true
	c.early.add(tagOf(res.To().Params))
	if !c.prack(res) {
		return
	}
	if c.wanted {
		c.sendCancel()
	}
	sdp, _ := c.u.hear(res)
	switch {
	case sdp != nil:
		c.rang = true
		c.u.post(leg.Input{Kind: leg.InRinging, SDP: sdp})
	case res.StatusCode == sip.StatusRinging && !c.rang:
		c.rang = true
		c.u.post(leg.Input{Kind: leg.InRinging})
	case first:
		c.u.post(leg.Input{Kind: leg.InTrying})
	}
}

// onSuccess takes a 2xx: the first makes the dialog, a repeated one wants its
// ACK again, one of another fork wants to be got rid of.
func (c *inviteClient) onSuccess(res *sip.Response) {
	tag := tagOf(res.To().Params)
	switch {
	case c.u.up && tag == c.u.dlg.remoteTag:
		if c.acked != nil {
			c.sendAck()
		}
		return
	case c.u.up || c.final || c.u.released:
		// Also after we gave up waiting: the phone believes that it is in a call.
		c.dismiss(res)
		return
	}
	c.final = true
	stop(c.cancelled)
	c.u.dlg.confirm(res)
	c.u.up = true
	c.u.learn(res)
	c.u.granted(res)
	sdp, _ := c.u.hear(res)
	c.u.post(leg.Input{Kind: leg.InAnswered, SDP: sdp})
}

// dismiss ends a dialog that nobody asked for: the ACK is owed all the same
// (RFC 3261 §13.2.2.4).
func (c *inviteClient) dismiss(res *sip.Response) {
	c.u.stack.counts.Dismissed.Add(1)
	other := c.u.dlg.dialogOf(res)
	if err := c.u.stack.sendOn(other, other.requestWith(sip.ACK, c.req.CSeq().SeqNo)); err != nil {
		c.u.log.Info("no ACK for another fork's answer", "error", err)
	}
	if c.early.has("bye " + other.remoteTag) {
		return // repeated
	}
	c.early.add("bye " + other.remoteTag)
	c.u.stack.request(other.flow, other.request(sip.BYE), func(*sip.Response, error) {})
}

// onRefusal takes a final response; the transaction has acknowledged it. A
// challenge is a refusal: no phone gets anybody's credentials.
func (c *inviteClient) onRefusal(res *sip.Response) {
	if res.StatusCode == tooSmall && minSE(res) > c.u.floor && !c.wanted && !c.u.released {
		c.tryAgain(minSE(res))
		return
	}
	code := causeOfStatus(res.StatusCode, c.rang)
	if better, ok := reasonIn(res); ok && refines(res.StatusCode) {
		code = better
	}
	c.finish(code, startLine(res))
}

// tryAgain sends the INVITE anew, with the session interval that the phone takes
// (RFC 4028 §7.4).
func (c *inviteClient) tryAgain(floor time.Duration) {
	again := c.req.Clone()
	c.u.dlg.seq++
	again.CSeq().SeqNo = c.u.dlg.seq
	for _, name := range []string{"Via", "Session-Expires", "Min-SE"} {
		for again.RemoveHeader(name) {
		}
	}
	c.u.floor = floor
	c.u.ask(again)
	c.req, c.heard, c.early, c.rseqs = again, false, nil, nil
	c.send()
}

// refines says for which responses a Reason header is believed: those that say
// little by themselves.
func refines(status int) bool { return status == 480 || status >= 500 && status < 600 }

// onDone is the end of the transaction. Without a final response before it, none
// came in time or the way broke.
func (c *inviteClient) onDone(err error) {
	switch {
	case c.final:
	case errors.Is(err, sip.ErrTransactionTimeout):
		c.finish(pbx.CauseUnreachable, "no response")
	case c.heard:
		c.finish(pbx.CauseNetwork, "connection broke")
	default:
		c.finish(pbx.CauseUnreachable, "not delivered")
	}
}

// finish reports that there will be no answer.
func (c *inviteClient) finish(code pbx.CauseCode, text string) {
	c.final = true
	stop(c.cancelled)
	c.u.post(leg.Input{Kind: leg.InRefused, Cause: pbx.Cause{Code: code, By: c.u.by(), Text: text}})
}

// cancel gives the INVITE up, as soon as a provisional response allows it
// (RFC 3261 §9.1).
func (c *inviteClient) cancel(code pbx.CauseCode) {
	if c.final || c.wanted {
		return
	}
	c.wanted, c.why = true, code
	if c.heard {
		c.sendCancel()
	}
}

// sendCancel sends the CANCEL: line, top Via, From, To, CSeq and routes of the
// INVITE, else the phone rings on. The INVITE's transaction stays to acknowledge
// the 487, or a 2xx that crossed.
func (c *inviteClient) sendCancel() {
	if c.cancelled != nil {
		return
	}
	req := sip.NewRequest(sip.CANCEL, *c.req.Recipient.Clone())
	req.AppendHeader(c.req.Via().Clone())
	sip.CopyHeaders("Route", c.req, req)
	sip.CopyHeaders("From", c.req, req)
	sip.CopyHeaders("To", c.req, req)
	sip.CopyHeaders("Call-ID", c.req, req)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: c.req.CSeq().SeqNo, MethodName: sip.CANCEL})
	if reason := reasonOf(c.why, true); reason != "" {
		req.AppendHeader(sip.NewHeader("Reason", reason))
	}
	c.cancelled = time.AfterFunc(giveUp, func() {
		c.u.q.do(func() {
			if !c.final {
				c.finish(pbx.CauseCancelled, "no final response after CANCEL")
				c.tx.Terminate()
			}
		})
	})
	c.u.stack.request(c.u.dlg.flow, req, func(*sip.Response, error) {})
}

// ack acknowledges the answer; it is kept for answers repeated.
func (c *inviteClient) ack(sdp []byte) {
	if !c.u.up {
		return
	}
	c.acked = c.u.dlg.requestWith(sip.ACK, c.req.CSeq().SeqNo)
	describe(c.acked, sdp)
	c.sendAck()
}

func (c *inviteClient) sendAck() {
	if err := c.u.stack.sendOn(&c.u.dlg, c.acked); err != nil {
		c.u.log.Info("ACK not sent", "error", err)
	}
}
