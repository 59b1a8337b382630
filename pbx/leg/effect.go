package leg

import (
	"time"

	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
)

var floodCause = pbx.Cause{Code: pbx.CauseProtocol, By: pbx.BySystem, Text: "flooded with messages"}

// do carries out one effect of a step with the payload of its input. False ends
// the step: the leg went another way, by an input to itself.
func (l *Leg) do(e effect, in Input) bool {
	switch e {
	case sendRing:
		l.sig.Ring(nil)
	case sendEarly, sendAnswer, sendOffer:
		if in.Prefer != "" {
			l.neg.local.Prefer = in.Prefer
		}
		return l.sendDescription(e)
	case sendReject:
		l.sig.Reject(l.cause)
	case sendAck:
		l.sig.Ack(nil)
	case sendCancel:
		l.sig.Cancel(l.cause)
	case sendBye:
		l.sig.Bye(l.cause)
	case acceptOffer, makeOffer:
		if in.From.IsValid() {
			l.neg.signalling = in.From // its sound moves with it (RFC 3261 §12.2)
		}
		l.renegotiate(e, in.SDP)
	case refuse491:
		l.sig.RefuseOffer(RefusePending)
	case refuse500:
		l.sig.RefuseOffer(RefuseUnanswered)
	case dial:
		return l.dial(in)
	case connect:
		return l.connect(in)
	case hear:
		l.o.Endpoint.Hear(in.Source)
	case playDigits:
		l.o.Endpoint.SendDigits(in.Digits, 100*time.Millisecond)
	default:
		l.doBookkeeping(e, in)
	}
	return true
}

// doBookkeeping carries out the effects that do not touch the wire.
func (l *Leg) doBookkeeping(e effect, in Input) {
	switch e {
	case setCause:
		l.setCause(l.causeOf(in))
	case noteRinging:
		l.noteRinging()
	case noteUp:
		l.publish(pbx.LegAnswered{Codec: l.neg.codec()})
		l.tell(Notice{Kind: NoteUp})
	case noteDigit:
		if len(in.Digits) == 1 {
			l.tell(Notice{Kind: NoteDigit, Key: in.Digits[0]})
		}
	case noteEnded:
		l.noteEnded()
	case armMax:
		l.armMax()
	case listen:
		l.listen()
	case armDead:
		l.armDead()
	case release:
		l.release()
	}
}

// sendDescription sends 183 or 2xx with what the party's offer and our means
// agree on, or 2xx with our own offer.
func (l *Leg) sendDescription(e effect) bool {
	if e == sendOffer {
		l.sig.Answer(l.neg.offer())
		return true
	}
	answer, err := l.neg.answer(l.o.Endpoint)
	switch {
	case err == nil && e == sendEarly:
		l.agreed()
		l.sig.Ring(answer)
		l.early = true
	case err == nil:
		l.agreed()
		l.sig.Answer(answer)
	case e == sendEarly:
		// No sound before the answer, then: a late offer, or one we cannot use.
		l.sig.Ring(nil)
	default:
		l.abort(Invited, pbx.Cause{Code: pbx.CauseIncompatible, By: pbx.BySystem, Text: err.Error()})
		return false
	}
	return true
}

// renegotiate answers an offer in a running call from our own endpoint; the
// other side of the bridge only hears of a hold.
func (l *Leg) renegotiate(e effect, offer []byte) {
	if e == makeOffer {
		l.sig.AnswerOffer(l.neg.reoffer())
		return
	}
	answer, err := l.neg.reanswer(offer, l.o.Endpoint)
	if err != nil {
		l.log.Info("offer refused", "error", err)
		l.sig.RefuseOffer(RefuseIncompatible)
		return
	}
	l.agreed()
	l.sig.AnswerOffer(answer)
	l.noteHeld()
}

// connect gives the party's answer to the endpoint. What cannot be understood
// ends the leg.
func (l *Leg) connect(in Input) bool {
	if len(in.SDP) == 0 {
		if l.neg.done || in.Kind == InRinging {
			return true
		}
		return l.unusable(in, "the answer carries no session description")
	}
	if err := l.neg.apply(in.SDP, l.o.Endpoint); err != nil {
		if in.Kind == InRinging {
			l.log.Info("early description ignored", "error", err)
			return true
		}
		return l.unusable(in, err.Error())
	}
	l.agreed()
	if in.Kind == InRinging {
		l.neg.early = true
	}
	if in.Kind == InAcked {
		l.noteHeld()
	}
	return true
}

// agreed lets others know the codec.
func (l *Leg) agreed() {
	c := l.neg.session.Codec
	l.codec.Store(&c)
}

// unusable ends a leg whose 2xx or ACK we cannot live with: a 2xx is
// acknowledged all the same (RFC 3261 §13.2.2.4).
func (l *Leg) unusable(in Input, why string) bool {
	if in.Kind == InAnswered {
		l.sig.Ack(nil)
	}
	l.Post(Input{Kind: CmdEnd, Cause: pbx.Cause{Code: pbx.CauseIncompatible, By: pbx.BySystem, Text: why}})
	return false
}

// abort goes back to a state and ends the leg from there at once.
func (l *Leg) abort(back State, c pbx.Cause) {
	l.state.Store(uint32(back))
	l.handle(Input{Kind: CmdEnd, Cause: c})
}

func (l *Leg) dial(in Input) bool {
	sig, err := in.dial()
	if err != nil {
		l.handle(Input{Kind: InRefused, Cause: pbx.Cause{Code: pbx.CauseUnreachable, By: pbx.BySystem, Text: err.Error()}})
		return false
	}
	l.sig = sig
	return true
}

// causeOf names the party of this leg as the one who acted, unless the input
// says otherwise.
func (l *Leg) causeOf(in Input) pbx.Cause {
	c := in.Cause
	if c.By == "" {
		c.By = pbx.ByCallee
		if l.o.Incoming {
			c.By = pbx.ByCaller
		}
	}
	if c.Code == "" {
		c.Code = defaultCause(in.Kind)
	}
	return c
}

func defaultCause(k InputKind) pbx.CauseCode {
	switch k {
	case InCancelled:
		return pbx.CauseCancelled
	case InLost, InAckLost:
		return pbx.CauseNetwork
	case InRefused:
		return pbx.CauseUnreachable
	case TimerSetup:
		return pbx.CauseNoAnswer
	}
	return pbx.CauseNormal
}

func (l *Leg) setCause(c pbx.Cause) {
	if l.cause.Code == "" {
		l.cause = c
	}
}

func (l *Leg) noteRinging() {
	early := l.early || l.neg.early
	if l.ringing && (!early || l.neg.toldEarly) {
		return
	}
	l.ringing = true
	l.neg.toldEarly = early
	l.publish(pbx.LegRinging{Early: early})
	l.tell(Notice{Kind: NoteRinging, Early: early})
}

func (l *Leg) noteHeld() {
	if l.neg.held == l.neg.toldHeld {
		return
	}
	l.neg.toldHeld = l.neg.held
	l.publish(pbx.LegHeld{Held: l.neg.held})
	l.tell(Notice{Kind: NoteHeld, Held: l.neg.held})
}

func (l *Leg) noteEnded() {
	if l.ended {
		return
	}
	l.ended = true
	stopTimer(l.setup)
	stopTimer(l.max)
	stopTimer(l.media)
	stats := l.o.Endpoint.Stats()
	l.o.Endpoint.Close()
	l.publish(pbx.LegEnded{Cause: l.cause, Quality: quality(stats)})
	l.tell(Notice{Kind: NoteEnded, Cause: l.cause})
}

func (l *Leg) armMax() {
	stopTimer(l.setup)
	l.sounds = time.Now()
	l.armMedia()
	l.max = time.AfterFunc(l.o.Timers.Max, func() {
		l.Post(Input{Kind: TimerMax, Cause: pbx.Cause{Code: pbx.CauseNormal, By: pbx.BySystem, Text: "maximum duration reached"}})
	})
}

// mediaPeriod is how often a leg looks whether its party can be heard.
const mediaPeriod = 5 * time.Second

func (l *Leg) armMedia() {
	l.media = time.AfterFunc(mediaPeriod, func() { l.Post(Input{Kind: TimerMedia}) })
}

// listen ends the leg when its party, which should be sending, has been silent
// for too long: its phone has lost power or network, and nobody else would tell.
func (l *Leg) listen() {
	stats := l.o.Endpoint.Stats()
	limit, since := l.o.Timers.NeverHeard, l.sounds
	for _, at := range []time.Time{stats.LastPacket, stats.LastReport} {
		if at.After(since) {
			limit, since = l.o.Timers.Silence, at
		}
	}
	switch {
	case l.neg.held || !l.neg.done || l.neg.session.Direction == sdp.SendOnly || l.neg.session.Direction == sdp.Inactive:
		l.sounds = time.Now() // nothing is expected
	case limit > 0 && time.Since(since) > limit:
		l.Post(Input{Kind: CmdEnd, Cause: pbx.Cause{
			Code: pbx.CauseMediaTimeout, By: pbx.BySystem, Text: "nothing was heard for " + limit.String(),
		}})
		return
	}
	l.armMedia()
}

func (l *Leg) armDead() {
	l.dead = time.AfterFunc(l.o.Timers.Dead, func() { l.Post(Input{Kind: TimerDead}) })
}

func (l *Leg) release() {
	stopTimer(l.setup)
	stopTimer(l.max)
	stopTimer(l.media)
	stopTimer(l.dead)
	if l.sig != nil {
		l.sig.Release()
	}
	l.tell(Notice{Kind: NoteDead})
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
