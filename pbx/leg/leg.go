package leg

import (
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
)

// Timers of a leg. Zero fields take the default.
type Timers struct {
	Setup time.Duration // from the start to an answer; default 10 min (programs have their own, shorter ones)
	Max   time.Duration // from the answer on; default 12 h
	Dead  time.Duration // from the ending on; default 35 s, more than 64·T1

	// How long a party that should be sending may be silent, RTCP included: after
	// it was heard (default 60 s), and when it never was (default 3 min: phones
	// that detect voice say nothing while nobody speaks). Negative: for ever.
	Silence, NeverHeard time.Duration
}

func (t Timers) withDefaults() Timers {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&t.Setup, 10*time.Minute)
	def(&t.Max, 12*time.Hour)
	def(&t.Dead, 35*time.Second)
	if t.Silence == 0 {
		t.Silence = time.Minute
	}
	if t.NeverHeard == 0 {
		t.NeverHeard = 3 * time.Minute
	}
	return t
}

// Notice is what a leg tells its watcher.
type Notice struct {
	Kind  NoticeKind
	Early bool      // NoteRinging: sound already flows
	Held  bool      // NoteHeld
	Key   byte      // NoteDigit
	Cause pbx.Cause // NoteEnded
}

// NoticeKind is the kind of a Notice.
type NoticeKind uint8

// The notices, in the order in which a leg can give them.
const (
	NoteRinging NoticeKind = iota // alerted; again with Early when sound comes later
	NoteUp                        // answered
	NoteHeld                      // the party held or resumed
	NoteDigit                     // the party pressed a key
	NoteEnded                     // out of the conversation, once
	NoteDead                      // the wire is clean, once, last
)

// Watcher is told what becomes of a leg, one call at a time, from the leg's
// actor: it must not block.
type Watcher interface {
	LegChanged(l *Leg, n Notice)
}

// Options make a leg. All but Signaler (outgoing legs get theirs by dialling)
// and Offer (late offers) must be set.
type Options struct {
	ID       pbx.LegID
	Call     pbx.CallID
	Incoming bool
	Party    pbx.PartyInfo
	Parent   pbx.LegID // the leg on whose behalf this one is rung
	Edge     string
	Remote   string
	SIPCall  string
	UA       string
	Offer    []byte       // the party's offer (incoming)
	Codecs   []sdp.Codec  // what we offer or accept, in order of preference
	Security sdp.Security // whether sound is encrypted; empty: it is not
	Signaler Signaler
	Endpoint media.Endpoint
	Events   pbx.Publisher
	Watcher  Watcher
	Timers   Timers
	Log      *slog.Logger
}

// Leg is one party at one endpoint. Everything below the line belongs to the
// actor, that is, to whoever runs drain.
type Leg struct {
	o     Options
	log   *slog.Logger
	box   mailbox
	state atomic.Uint32             // a State; written by the actor only
	codec atomic.Pointer[sdp.Codec] // agreed on last; nil: nothing yet

	// ---
	sig     Signaler
	neg     negotiation
	cause   pbx.Cause
	ringing bool // watcher knows
	early   bool // watcher knows
	ended   bool // watcher knows
	setup   *time.Timer
	max     *time.Timer
	media   *time.Timer
	sounds  time.Time // since when the party is expected to be heard
	dead    *time.Timer
}

// New makes a leg and publishes its start. An outgoing leg then waits for Dial.
func New(o Options) *Leg {
	o.Timers = o.Timers.withDefaults()
	l := &Leg{o: o, sig: o.Signaler, log: o.Log.With("leg", o.ID, "call", o.Call)}
	l.neg = newNegotiation(o)
	if !o.Incoming {
		l.state.Store(uint32(Calling))
	}
	l.publish(pbx.LegStarted{
		Incoming: o.Incoming, Party: o.Party, Edge: o.Edge, Remote: o.Remote,
		SIPCall: o.SIPCall, UA: o.UA, Parent: o.Parent,
	})
	l.setup = time.AfterFunc(o.Timers.Setup, func() {
		l.Post(Input{Kind: TimerSetup, Cause: pbx.Cause{Code: pbx.CauseNoAnswer, By: pbx.BySystem, Text: "set-up took too long"}})
	})
	return l
}

// ID is the leg's id; edges use it as their local tag.
func (l *Leg) ID() pbx.LegID { return l.o.ID }

// Call is the call the leg belongs to.
func (l *Leg) Call() pbx.CallID { return l.o.Call }

// Edge names the edge the party is at.
func (l *Leg) Edge() string { return l.o.Edge }

// Incoming reports whether the party called us.
func (l *Leg) Incoming() bool { return l.o.Incoming }

// Party is who sits at the other end.
func (l *Leg) Party() pbx.PartyInfo { return l.o.Party }

// Source is what the party says, for others to hear.
func (l *Leg) Source() media.Source { return l.o.Endpoint }

// Quality is what was measured so far.
func (l *Leg) Quality() pbx.Quality { return quality(l.o.Endpoint.Stats()) }

// Codec is what the party is sent; its name is empty before that is agreed.
func (l *Leg) Codec() sdp.Codec {
	if c := l.codec.Load(); c != nil {
		return *c
	}
	return sdp.Codec{}
}

// State is where the leg stands at this moment.
func (l *Leg) State() State { return State(l.state.Load()) }

// Offers reports whether sound can reach an unanswered incoming party, that is,
// whether its INVITE brought an offer.
func (l *Leg) Offers() bool { return len(l.o.Offer) > 0 }

// Dial sends the INVITE through d. The outcome arrives as notices.
func (l *Leg) Dial(d Dialer, binding pbx.Binding, from pbx.PartyInfo) {
	l.Post(Input{Kind: cmdDial, dial: func() (Signaler, error) {
		return d.Dial(Dialing{Leg: l, Parent: l.o.Parent, Binding: binding, From: from, To: l.o.Party, SIPCall: l.o.SIPCall, Offer: l.neg.offer()})
	}})
}

// Post puts one input into the leg's mailbox. It never blocks and may be called
// from any goroutine, also after the leg is dead.
func (l *Leg) Post(in Input) {
	if !l.box.post(in, l.drain) {
		l.log.Warn("mailbox full, input dropped", "input", in.Kind.String())
	}
}

// OnDigit implements media.Observer.
func (l *Leg) OnDigit(d media.Digit) { l.Post(Input{Kind: InDigit, Digits: string(d.Key)}) }

func (l *Leg) drain() {
	for {
		in, more := l.box.next()
		if !more {
			return
		}
		l.handle(in)
	}
}

// handle takes one step. A panic ends this leg and nothing else.
func (l *Leg) handle(in Input) {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("leg failed", "input", in.Kind.String(), "panic", p, "stack", string(debug.Stack()))
			l.fail()
		}
	}()
	in.Kind = l.refine(in)
	from := l.State()
	next, effects, ok := step(from, in.Kind)
	if !ok {
		l.log.Error("input without a row", "state", from.String(), "input", in.Kind.String())
		return
	}
	if next != from {
		l.state.Store(uint32(next))
		l.log.Debug("leg state", "from", from.String(), "to", next.String(), "input", in.Kind.String())
	}
	for _, e := range effects {
		if !l.do(e, in) {
			return
		}
	}
}

// refine tells apart the inputs that the table keeps apart by what they carry.
func (l *Leg) refine(in Input) InputKind {
	switch {
	case in.Kind == InOffered && len(in.SDP) == 0:
		return inOfferless
	case in.Kind == CmdAnswer && !l.Offers():
		return cmdAnswerLate
	}
	return in.Kind
}

// fail is the way out after a panic: whatever state the leg was in, the wire is
// told once and everything is released.
func (l *Leg) fail() {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("leg failed again while failing", "panic", p)
		}
	}()
	was := l.State()
	if was == Dead {
		return
	}
	l.state.Store(uint32(Dead))
	l.setCause(pbx.Cause{Code: pbx.CauseFault, By: pbx.BySystem, Text: "defect"})
	if l.sig != nil && !was.over() {
		switch was {
		case Invited, Ringing, Early:
			l.sig.Reject(l.cause)
		case Calling, Proceeding, Alerting:
			l.sig.Cancel(l.cause)
		default:
			l.sig.Bye(l.cause)
		}
	}
	l.noteEnded()
	l.release()
}

func (l *Leg) publish(b pbx.EventBody) {
	l.o.Events.Publish(pbx.Event{Call: l.o.Call, Leg: l.o.ID, Body: b})
}

func (l *Leg) tell(n Notice) { l.o.Watcher.LegChanged(l, n) }
