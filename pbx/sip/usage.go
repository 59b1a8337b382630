package sip

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/transport"
)

// The timers of RFC 3261 §17 that are ours rather than a transaction's.
const (
	t1        = 500 * time.Millisecond
	t2        = 4 * time.Second
	giveUp    = 64 * t1          // ACK or a final response will not come any more
	ringAgain = time.Minute      // §13.3.1.1: proxies on the way forget an INVITE otherwise
	reconnect = 32 * time.Second // a phone whose connection broke has this long to come back
)

// inbox takes what happened on the wire; a *leg.Leg is one.
type inbox interface {
	Post(in leg.Input)
}

// usage is the wire side of one leg. The verbs of leg.Signaler and everything
// from the network are put into its queue; all fields below the line are touched
// by functions run from there only.
type usage struct {
	stack *Stack
	id    pbx.LegID // our local tag
	call  string    // Call-ID
	log   *slog.Logger
	q     queue
	wish  wish          // of the caller, as it is carried on
	conn  atomic.Uint64 // connection of the flow, for those who look for it

	// ---
	leg         inbox
	device      string // device id of the peer
	dlg         dialog
	broken      bool // the flow's connection is gone
	incoming    bool
	first       *inviteServer // incoming: the INVITE that made the dialog
	dialled     *inviteClient // outgoing: likewise
	offer       *pendingOffer // re-INVITE or UPDATE the leg has to decide on
	acking      *inviteServer // re-INVITE with our 2xx out and no ACK yet
	offerSeq    uint32        // highest CSeq of INVITE and UPDATE heard
	reoffer     *reoffer      // re-INVITE of ours without a final response
	lastReoffer *reoffer      // the latest, whose 2xx may be repeated
	digits      seen          // CSeqs of INFO heard lately
	timer       sessionTimer
	floor       time.Duration // shortest session interval that the peer takes
	updates     bool          // the peer allows UPDATE
	said        []byte        // our last description
	heard       []byte        // the peer's last description
	ghosts      int           // offers given to the leg that are answers, in truth
	up          bool          // 2xx sent or received
	bye         bool          // a BYE was sent or received
	released    bool
}

func (s *Stack) newUsage(id pbx.LegID, callID string, incoming bool) *usage {
	u := &usage{
		stack: s, id: id, call: callID, incoming: incoming,
		log: s.log.With("leg", id, "sip_call", callID),
	}
	u.floor = sessionFloor
	u.q = queue{log: u.log, panics: func() { s.counts.Panics.Add(1) }}
	return u
}

// by is the party at this end of the call, as causes name it.
func (u *usage) by() pbx.Party {
	if u.incoming {
		return pbx.ByCaller
	}
	return pbx.ByCallee
}

func (u *usage) post(in leg.Input) {
	if u.leg != nil && !u.released {
		u.leg.Post(in)
	}
}

// say notes our description.
func (u *usage) say(sdp []byte) {
	if sdp != nil {
		u.said = sdp
	}
}

// hear is the description in a message of the peer, which is noted.
func (u *usage) hear(m sip.Message) (sdp []byte, ok bool) {
	sdp, ok = sdpOf(m)
	if sdp != nil {
		u.heard = sdp
	}
	return sdp, ok
}

// Ring implements leg.Signaler.
func (u *usage) Ring(sdp []byte) {
	u.q.do(func() {
		if u.first != nil {
			u.say(sdp)
			u.first.ring(sdp)
		}
	})
}

// Answer implements leg.Signaler. A leg that believes to have answered must hear
// that it has not: a CANCEL was faster, or there is no way to the caller.
func (u *usage) Answer(sdp []byte) {
	u.q.do(func() {
		u.say(sdp)
		switch s := u.first; {
		case s == nil:
		case s.rel.waits() && !s.final:
			s.rel.held, s.rel.holding = sdp, true
		default:
			u.accept(sdp)
		}
	})
}

// accept answers the INVITE that made the dialog.
func (u *usage) accept(sdp []byte) {
	switch {
	case u.first.answer(sdp):
		u.up = true
	case u.first.cancelled.Load():
		u.post(leg.Input{Kind: leg.InLost, Cause: pbx.Cause{
			Code: pbx.CauseCancelled, By: u.by(), Text: "CANCEL met the answer"}})
	default:
		u.lost("no way to answer")
	}
}

// Reject implements leg.Signaler.
func (u *usage) Reject(c pbx.Cause) {
	u.q.do(func() {
		if u.first != nil {
			u.first.reject(verdictOf(c.Code))
		}
	})
}

// Ack implements leg.Signaler.
func (u *usage) Ack(sdp []byte) {
	u.q.do(func() {
		if u.dialled != nil {
			u.say(sdp)
			u.dialled.ack(sdp)
		}
	})
}

// Cancel implements leg.Signaler.
func (u *usage) Cancel(c pbx.Cause) {
	u.q.do(func() {
		if u.dialled != nil {
			u.dialled.cancel(c.Code)
		}
	})
}

// Bye implements leg.Signaler.
func (u *usage) Bye(c pbx.Cause) {
	u.q.do(func() { u.sendBye(c.Code) })
}

// AnswerOffer implements leg.Signaler.
func (u *usage) AnswerOffer(sdp []byte) {
	u.q.do(func() {
		if u.ghost() {
			return
		}
		if p := u.offer; p != nil {
			u.offer = nil
			u.say(sdp)
			p.accept(sdp)
		}
	})
}

// RefuseOffer implements leg.Signaler.
func (u *usage) RefuseOffer(r leg.Refusal) {
	u.q.do(func() {
		if u.ghost() {
			return
		}
		if p := u.offer; p != nil {
			u.offer = nil
			p.refuse(r)
		}
	})
}

// Release implements leg.Signaler. A leg is released when its wire is clean; what
// is not (the leg failed, or ran out of patience) is cleaned up here.
func (u *usage) Release() {
	u.q.do(func() {
		if u.released {
			return
		}
		u.released = true
		u.stack.table.forget(u)
		if u.offer != nil {
			u.offer.gone()
			u.offer = nil
		}
		switch {
		case u.first != nil && !u.first.final:
			u.first.reject(verdictOf(pbx.CauseFault))
		case u.dialled != nil && !u.dialled.final:
			u.dialled.cancel(pbx.CauseNormal)
		case u.up && !u.bye:
			u.sendBye(pbx.CauseNormal)
		}
		u.stopRepeating()
	})
}

// stopRepeating ends the responses that wait to be acknowledged, and the session
// timer.
func (u *usage) stopRepeating() {
	u.timer.stop()
	for _, s := range []*inviteServer{u.first, u.acking} {
		if s != nil {
			s.stop()
		}
	}
}

// sendBye ends the dialog from our side. A challenge to it is an answer like any
// other: nobody's credentials go to a phone.
func (u *usage) sendBye(c pbx.CauseCode) {
	if u.bye {
		u.post(leg.Input{Kind: leg.InGone})
		return
	}
	u.bye = true
	u.stopRepeating()
	if u.broken {
		u.revive()
	}
	req := u.dlg.request(sip.BYE)
	req.AppendHeader(sip.NewHeader("Reason", reasonOf(c, false)))
	u.stack.request(u.dlg.flow, req, func(*sip.Response, error) {
		u.q.do(func() { u.post(leg.Input{Kind: leg.InGone}) })
	})
}

// matches reports whether a request that carries our tag is of this dialog: the
// tag alone finds a usage, but proves nothing.
func (u *usage) matches(req *sip.Request) bool {
	if req.CallID().Value() != u.call {
		return false
	}
	tag := tagOf(req.From().Params)
	if u.dialled != nil && !u.up {
		return u.dialled.early.has(tag)
	}
	return tag == u.dlg.remoteTag
}

// request sends a non-INVITE request as a transaction of its own and calls done
// once with the final response, or with nil and why there is none.
func (s *Stack) request(flow transport.Flow, req *sip.Request, done func(*sip.Response, error)) {
	if flow.Edge == nil {
		done(nil, transport.ErrFlowGone)
		return
	}
	tx, err := flow.Edge.Request(context.Background(), flow, req)
	if err != nil {
		done(nil, err)
		return
	}
	go func() {
		defer tx.Terminate() // nothing more is expected: no need to keep it for 32 s (P21)
		for {
			select {
			case res := <-tx.Responses():
				if !res.IsProvisional() {
					done(res, nil)
					return
				}
			case <-tx.Done():
				done(nil, tx.Err())
				return
			}
		}
	}()
}

// seen remembers the last few numbers.
type seen struct {
	ring [16]uint64 // each plus one: zero is nothing yet
	next int
}

// again reports whether n was there before, and remembers it.
func (s *seen) again(n uint32) bool {
	if slices.Contains(s.ring[:], uint64(n)+1) {
		return true
	}
	s.ring[s.next%len(s.ring)] = uint64(n) + 1
	s.next++
	return false
}
