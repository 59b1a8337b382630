package sip

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/header"
)

// retryRefresh is the pause after a refresh that failed for reasons which pass.
const retryRefresh = 5 * time.Second

// refreshIn plans the next refresh.
func (u *usage) refreshIn(wait time.Duration) {
	stop(u.timer.due)
	u.timer.due = time.AfterFunc(wait, func() { u.q.do(u.refresh) })
}

// refresh shows that we are there and asks whether the peer is: by an UPDATE
// without a description where the peer allows it, which disturbs nothing, else by
// a re-INVITE that offers what was agreed on (RFC 4028 §7.4).
func (u *usage) refresh() {
	switch {
	case !u.alive() || u.timer.interval == 0 || !u.timer.ours:
		return
	case u.offer != nil || u.reoffer != nil || u.acking != nil && !u.acking.acked || u.incoming && !u.first.acked:
		u.refreshIn(time.Second) // one at a time (RFC 3261 §14.1)
		return
	case u.broken && !u.revive():
		u.refreshIn(retryRefresh)
		return
	}
	u.show()
}

// show sends the peer a request that refreshes what it knows of us.
func (u *usage) show() {
	if u.updates || u.said == nil {
		req := u.dlg.request(sip.UPDATE)
		u.introduce(req)
		u.stack.request(u.dlg.flow, req, func(res *sip.Response, err error) {
			u.q.do(func() { u.refreshed(res, err) })
		})
		return
	}
	u.reinvite()
}

// introduce writes what a request that refreshes the target must say.
func (u *usage) introduce(req *sip.Request) {
	req.AppendHeader(u.stack.contact(u.dlg.flow, u.dlg.local.User))
	req.AppendHeader(sip.NewHeader("Allow", allowInDialog))
	req.AppendHeader(sip.NewHeader("Supported", extensions))
	if u.timer.interval > 0 {
		u.ask(req)
	}
}

// moved tells the peer of a confirmed dialog where we are reached now: a refresh
// out of turn. One that is in the middle of something hears of it with the next
// refresh.
func (u *usage) moved() {
	if u.alive() && u.offer == nil && u.reoffer == nil && (u.acking == nil || u.acking.acked) && (!u.incoming || u.first.acked) {
		u.show()
	}
}

// refreshed takes what became of a refresh.
func (u *usage) refreshed(res *sip.Response, err error) {
	if !u.alive() {
		return
	}
	if res == nil {
		if errors.Is(err, sip.ErrTransactionTimeout) {
			u.lost("no answer to the refresh of the session")
			return
		}
		u.refreshIn(retryRefresh) // the way broke; the session's end decides
		return
	}
	switch code := res.StatusCode; {
	case res.IsSuccess():
		u.dlg.refresh(res)
		u.granted(res)
	case code == sip.StatusRequestTimeout || code == sip.StatusCallTransactionDoesNotExists:
		u.lost("the peer does not know the dialog any more") // RFC 3261 §12.2.1.2
	case code == tooSmall && minSE(res) > u.floor:
		u.floor = minSE(res)
		u.refreshIn(0)
	case code == sip.StatusRequestPending:
		u.refreshIn(u.glarePause())
	case u.updates && (code == sip.StatusMethodNotAllowed || code == sip.StatusNotImplemented):
		u.updates = false
		u.refreshIn(0)
	default:
		u.refreshIn(max(retryRefresh, u.timer.interval/8))
	}
}

// glarePause is how long to wait after both ends asked at once: who chose the
// Call-ID waits longer (RFC 3261 §14.1).
func (u *usage) glarePause() time.Duration {
	if u.incoming {
		return time.Duration(rand.IntN(200)) * 10 * time.Millisecond
	}
	return 2100*time.Millisecond + time.Duration(rand.IntN(190))*10*time.Millisecond
}

// reoffer is a re-INVITE of ours.
type reoffer struct {
	u     *usage
	req   *sip.Request
	final bool
	acked *sip.Request
}

func (u *usage) reinvite() {
	req := u.dlg.request(sip.INVITE)
	u.introduce(req)
	describe(req, u.said) // with the same version in o=: nothing changes (RFC 4028 §7.4)
	r := &reoffer{u: u, req: req}
	tx, err := u.dlg.flow.Edge.Request(context.Background(), u.dlg.flow, req)
	if err != nil {
		u.refreshed(nil, err)
		return
	}
	u.reoffer, u.lastReoffer = r, r
	u.drain(tx, r.onResponse, func(err error) {
		if !r.final {
			r.over()
			u.refreshed(nil, err)
		}
	})
}

// drain hands every response of a transaction of ours to the queue, and its end.
func (u *usage) drain(tx sip.ClientTransaction, response func(*sip.Response), done func(error)) {
	queued := func(res *sip.Response) { u.q.do(func() { response(res) }) }
	tx.OnRetransmission(queued)
	go func() {
		// The transaction delivers holding its lock, so somebody must always be
		// there to take (P20).
		for {
			select {
			case res := <-tx.Responses():
				queued(res)
			case <-tx.Done():
				err := tx.Err()
				u.q.do(func() { done(err) })
				return
			}
		}
	}()
}

func (r *reoffer) onResponse(res *sip.Response) {
	switch {
	case res.IsProvisional():
	case res.IsSuccess():
		r.onSuccess(res)
	case !r.final:
		r.over()
		r.u.refreshed(res, nil)
	}
}

// onSuccess acknowledges every 2xx, repeated ones too. A description that is not
// the one we know is a change on the peer's side: the leg gets it as the offer it
// amounts to, and its answer stays here.
func (r *reoffer) onSuccess(res *sip.Response) {
	if r.acked == nil {
		r.u.dlg.refresh(res)
		r.acked = r.u.dlg.requestWith(sip.ACK, r.req.CSeq().SeqNo)
	}
	if err := r.u.stack.sendOn(&r.u.dlg, r.acked); err != nil {
		r.u.log.Info("ACK not sent", "error", err)
	}
	if r.final {
		return
	}
	r.over()
	if sdp, _ := sdpOf(res); sdp != nil && !bytes.Equal(sdp, r.u.heard) && r.u.alive() {
		r.u.heard = sdp
		r.u.ghosts++
		r.u.post(leg.Input{Kind: leg.InOffered, SDP: sdp, From: r.u.dlg.flow.Remote.Addr()})
	}
	r.u.refreshed(res, nil)
}

func (r *reoffer) over() {
	r.final = true
	r.u.reoffer = nil
}

// learn notes what the peer says it can do.
func (u *usage) learn(m sip.Message) {
	if _, ok := header.Get(m, "Allow"); ok {
		u.updates = header.Has(m, "Allow", string(sip.UPDATE))
	}
}

// ghost takes the leg's answer to an offer that nobody made.
func (u *usage) ghost() bool {
	if u.ghosts == 0 {
		return false
	}
	u.ghosts--
	return true
}

// sameRequest reports whether a response is to this request of ours.
func sameRequest(req *sip.Request, res *sip.Response) bool {
	return req.CSeq().SeqNo == res.CSeq().SeqNo && strings.EqualFold(string(req.Method), string(res.CSeq().MethodName))
}
