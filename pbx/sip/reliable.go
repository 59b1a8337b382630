package sip

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/sip/header"
)

// reliable is the sending side of provisional responses that must not be lost
// (RFC 3262 §3): one at a time, repeated until its PRACK comes.
type reliable struct {
	offered bool // the caller can: what carries sound is sent so
	wanted  bool // the caller insists: everything is

	seq    uint32
	out    *sip.Response // not acknowledged yet
	sound  bool          // … and it carries a description
	next   *sip.Response // to be sent after that
	repeat *time.Timer
	giveUp *time.Timer

	held    []byte // an answer that waits until the description is acknowledged
	holding bool
}

// reliabilityOf reads what the caller can and wants.
func reliabilityOf(req *sip.Request) reliable {
	wanted := header.Has(req, "Require", "100rel")
	return reliable{
		wanted: wanted, offered: wanted || header.Has(req, "Supported", "100rel"),
		seq: rand.Uint32N(1 << 20), // §3: anything from 1 to 2³¹−1 to begin with
	}
}

// waits reports whether a 2xx has to wait for a PRACK (§3: while a description is
// not acknowledged, both sides could differ about what was agreed on).
func (r *reliable) waits() bool { return r.out != nil && r.sound }

func (r *reliable) stop() {
	stop(r.repeat)
	stop(r.giveUp)
	r.out, r.next, r.repeat = nil, nil, nil
}

// tell sends a provisional response, reliably where that is wanted.
func (s *inviteServer) tell(res *sip.Response) {
	sound := len(res.Body()) > 0
	switch {
	case s.rel.wanted && s.late && !sound:
		// The first reliable response to an INVITE without offer would have to carry
		// ours (§5). There is no sound before the answer, so nothing is said.
	case !s.rel.wanted && !(s.rel.offered && sound):
		s.respond(res)
	case s.rel.out != nil:
		if s.rel.next == nil || sound || len(s.rel.next.Body()) == 0 {
			s.rel.next = res
		}
	default:
		s.sendReliably(res, sound)
	}
}

func (s *inviteServer) sendReliably(res *sip.Response, sound bool) {
	s.rel.seq++
	res.AppendHeader(sip.NewHeader("Require", "100rel"))
	res.AppendHeader(sip.NewHeader("RSeq", strconv.FormatUint(uint64(s.rel.seq), 10)))
	s.rel.out, s.rel.sound = res, sound
	s.respond(res)
	s.repeatReliably(t1)
	s.rel.giveUp = time.AfterFunc(giveUp, func() { s.u.q.do(func() { s.prackLost(res) }) })
}

// repeatReliably sends the response again, with intervals that double without
// bound.
func (s *inviteServer) repeatReliably(wait time.Duration) {
	res := s.rel.out
	s.rel.repeat = time.AfterFunc(wait, func() {
		s.u.q.do(func() {
			if s.rel.out == res && !s.final {
				s.respond(res)
				s.repeatReliably(2 * wait)
			}
		})
	})
}

// prackLost gives up a caller who does not acknowledge (§3).
func (s *inviteServer) prackLost(res *sip.Response) {
	if s.rel.out != res || s.final {
		return
	}
	s.reject(verdict{status: sip.StatusGatewayTimeout, phrase: "No PRACK", q850: 102})
	s.u.lost("no PRACK for our response")
}

// onPrack takes the acknowledgement of a reliable provisional response. What
// waited for it goes on its way.
func (u *usage) onPrack(req *sip.Request, tx sip.ServerTransaction) {
	s := u.first
	if s == nil || s.rel.out == nil || !s.acknowledges(req) {
		refuse(req, tx, sip.StatusCallTransactionDoesNotExists, "No Such Provisional Response")
		return
	}
	next, held, holding := s.rel.next, s.rel.held, s.rel.holding
	s.rel.stop()
	s.rel.held, s.rel.holding = nil, false
	if sdp, ok := sdpOf(req); sdp != nil || !ok {
		// Another offer in an early dialog: it stays with what was agreed on.
		refuse(req, tx, sip.StatusNotAcceptableHere, "Not Acceptable Here")
	} else {
		_ = tx.Respond(responseTo(req, sip.StatusOK, "OK", ""))
	}
	switch {
	case s.final:
	case holding:
		u.accept(held)
	case next != nil:
		s.tell(next)
	}
}

// acknowledges reads RAck: the response's number, and the INVITE's.
func (s *inviteServer) acknowledges(prack *sip.Request) bool {
	value, _ := header.Get(prack, "RAck")
	f := strings.Fields(value)
	if len(f) != 3 || !strings.EqualFold(f[2], string(sip.INVITE)) {
		return false
	}
	rseq, err := strconv.ParseUint(f[0], 10, 32)
	cseq, err2 := strconv.ParseUint(f[1], 10, 32)
	return err == nil && err2 == nil && uint32(rseq) == s.rel.seq && uint32(cseq) == s.req.CSeq().SeqNo
}

// prack acknowledges a provisional response of a phone that wants it (RFC 3262
// §4) and reports whether the response is to be looked at: repeated ones are
// not, and one that overtook another is waited for again.
func (c *inviteClient) prack(res *sip.Response) bool {
	if res.StatusCode == sip.StatusTrying || !header.Has(res, "Require", "100rel") {
		return true
	}
	value, _ := header.Get(res, "RSeq")
	rseq, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	if err != nil || rseq == 0 {
		return true // it cannot be acknowledged, but it can be understood
	}
	tag := tagOf(res.To().Params)
	if last := c.rseqs[tag]; last != 0 && rseq != last+1 || last == 0 && len(c.rseqs) >= maxForks {
		return false
	}
	if c.rseqs == nil {
		c.rseqs = make(map[string]uint64)
	}
	c.rseqs[tag] = rseq
	early := c.u.dlg.dialogOf(res)
	req := early.request(sip.PRACK)
	c.u.dlg.seq = early.seq // one row of numbers for all early dialogs: each sees them grow
	req.AppendHeader(sip.NewHeader("RAck", strings.TrimSpace(value)+" "+
		strconv.FormatUint(uint64(c.req.CSeq().SeqNo), 10)+" INVITE"))
	c.u.stack.request(early.flow, req, func(*sip.Response, error) {})
	return true
}
