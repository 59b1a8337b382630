package leg

// effect is one thing the actor does after a step, in the order given.
type effect uint8

const (
	sendRing    effect = iota // 180
	sendEarly                 // 183 with our answer
	sendAnswer                // 2xx with our answer
	sendOffer                 // 2xx with our offer (late offer)
	sendReject                // final non-2xx with the leg's cause
	sendAck                   // ACK
	sendCancel                // CANCEL with the leg's cause
	sendBye                   // BYE with the leg's cause
	acceptOffer               // negotiate and answer the re-INVITE or UPDATE
	makeOffer                 // answer the offerless re-INVITE with our offer
	refuse491                 // another offer is under way
	refuse500                 // the first INVITE is unanswered
	dial                      // send the INVITE
	connect                   // give the input's description to the endpoint
	setCause                  // remember the input's cause, if it is the first
	noteRinging               // tell watcher and events: alerted, with or without sound
	noteUp                    // … answered
	noteDigit                 // … a key
	noteEnded                 // … out of the conversation; the endpoint is closed
	hear                      // change the source
	playDigits                // send digits to the party
	armMax                    // the conversation started: setup timer off, duration and media timers on
	listen                    // end the leg if its party has been silent for too long
	armDead                   // the ending started: give the peer 64·T1
	release                   // the wire is done: forget everything

	numEffects
)

// row is one line of the state table.
type row struct {
	next State
	do   []effect
}

func to(next State, do ...effect) row { return row{next, do} }

// rules are the rows of one state; ignore lists the inputs that mean nothing
// there, so that a forgotten pair is told from a considered one.
type rules struct {
	on     map[InputKind]row
	ignore []InputKind
}

// step is the leg's whole behaviour: pure, no clock, no I/O. ok is false when
// the table has no row, which a test excludes.
func step(s State, in InputKind) (next State, do []effect, ok bool) {
	r, found := table[s].on[in]
	if found {
		return r.next, r.do, true
	}
	for _, k := range table[s].ignore {
		if k == in {
			return s, nil, true
		}
	}
	return s, nil, false
}

// Inputs that only one direction of leg can get.
var (
	wireOutgoing = []InputKind{InTrying, InRinging, InAnswered, InRefused, cmdDial}
	wireIncoming = []InputKind{InAcked, InAckLost, InCancelled, CmdRing, CmdEarly, CmdAnswer, cmdAnswerLate}
)

func inputs(groups ...[]InputKind) []InputKind {
	var all []InputKind
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// table is the state table. RFC sections are those of RFC 3261 unless named.
var table = [numStates]rules{
	Invited:          {on: unanswered(Invited), ignore: inputs(wireOutgoing, []InputKind{InAcked, InAckLost, InGone, TimerMax, TimerMedia, TimerDead})},
	Ringing:          {on: unanswered(Ringing), ignore: inputs(wireOutgoing, []InputKind{InAcked, InAckLost, InGone, TimerMax, TimerMedia, TimerDead})},
	Early:            {on: unanswered(Early), ignore: inputs(wireOutgoing, []InputKind{InAcked, InAckLost, InGone, TimerMax, TimerMedia, TimerDead})},
	Answered:         answered(Answered),
	AnsweredOffering: answered(AnsweredOffering),
	Calling:          {on: calling(Calling), ignore: inputs(wireIncoming, []InputKind{InGone, InOffered, inOfferless, TimerMax, TimerMedia, TimerDead})},
	Proceeding:       {on: calling(Proceeding), ignore: inputs(wireIncoming, []InputKind{cmdDial, InGone, TimerMax, TimerMedia, TimerDead})},
	Alerting:         {on: calling(Alerting), ignore: inputs(wireIncoming, []InputKind{cmdDial, InGone, TimerMax, TimerMedia, TimerDead})},
	Up:               up(Up),
	UpOffering:       up(UpOffering),
	WaitAck: {
		on: map[InputKind]row{
			InAcked:     to(Ending, sendBye),    // §15: BYE only after the ACK
			InAckLost:   to(Ending, sendBye),    // §13.3.1.4
			InBye:       to(Dead, release),      // both hung up
			InLost:      to(Dead, release),      //
			InOffered:   to(WaitAck, refuse491), //
			inOfferless: to(WaitAck, refuse491), //
			TimerDead:   to(Dead, release),      //
			InGone:      to(WaitAck),            // no BYE of ours is out
			InCancelled: to(Dead, release),      // §9.2: it was faster than our 2xx after all
		},
		ignore: inputs(wireOutgoing, []InputKind{InDigit, CmdRing, CmdEarly, CmdAnswer, cmdAnswerLate, CmdEnd, CmdHear, CmdDigits, TimerSetup, TimerMax, TimerMedia}),
	},
	WaitTrying: {
		on: map[InputKind]row{
			InTrying:   to(Cancelling, sendCancel),   // §9.1: now it may be cancelled
			InRinging:  to(Cancelling, sendCancel),   //
			InAnswered: to(Ending, sendAck, sendBye), // it was answered before the CANCEL could leave
			InRefused:  to(Dead, release),            //
			InLost:     to(Dead, release),            //
			InBye:      to(WaitTrying),               // no dialog yet
			TimerDead:  to(Dead, release),            //
		},
		ignore: inputs(wireIncoming, []InputKind{cmdDial, InOffered, inOfferless, InGone, InDigit, CmdEnd, CmdHear, CmdDigits, TimerSetup, TimerMax, TimerMedia}),
	},
	Cancelling: {
		on: map[InputKind]row{
			InAnswered:  to(Ending, sendAck, sendBye), // CANCEL and 2xx crossed (§9.1)
			InRefused:   to(Dead, release),            // 487, or whatever it was
			InLost:      to(Dead, release),            //
			InBye:       to(Cancelling),               // the final response will tell
			InOffered:   to(Cancelling, refuse500),    // UPDATE in the early dialog
			inOfferless: to(Cancelling, refuse500),    //
			TimerDead:   to(Dead, release),            // §9.1: no final response within 64·T1
		},
		ignore: inputs(wireIncoming, []InputKind{cmdDial, InTrying, InRinging, InGone, InDigit, CmdEnd, CmdHear, CmdDigits, TimerSetup, TimerMax, TimerMedia}),
	},
	Ending: {
		on: map[InputKind]row{
			InGone:      to(Dead, release),
			InBye:       to(Ending), // crossing BYEs: the edge answered 200, ours is still out
			InLost:      to(Dead, release),
			InOffered:   to(Ending, refuse491),
			inOfferless: to(Ending, refuse491),
			TimerDead:   to(Dead, release),
		},
		ignore: inputs(wireOutgoing, wireIncoming, []InputKind{InDigit, CmdEnd, CmdHear, CmdDigits, TimerSetup, TimerMax, TimerMedia}),
	},
	Dead: {
		ignore: inputs(wireOutgoing, wireIncoming, []InputKind{InBye, InOffered, inOfferless, InLost, InGone, InDigit,
			CmdEnd, CmdHear, CmdDigits, TimerSetup, TimerMax, TimerMedia, TimerDead}),
	},
}

// unanswered are the rows of an incoming leg before its final response.
func unanswered(s State) map[InputKind]row {
	rows := map[InputKind]row{
		CmdRing:       to(s), // told already
		CmdEarly:      to(s),
		CmdAnswer:     to(Answered, sendAnswer, armMax, noteUp),
		cmdAnswerLate: to(AnsweredOffering, sendOffer, armMax, noteUp),
		CmdEnd:        to(Dead, setCause, sendReject, noteEnded, release),
		CmdHear:       to(s, hear),
		CmdDigits:     to(s),
		InCancelled:   to(Dead, setCause, noteEnded, release),             // §9.2: the transaction sends 487
		InBye:         to(Dead, setCause, sendReject, noteEnded, release), // §15: a caller may BYE an early dialog
		InLost:        to(Dead, setCause, sendReject, noteEnded, release),
		InOffered:     to(s, refuse500), // §14.2
		inOfferless:   to(s, refuse500),
		InDigit:       to(s, noteDigit),
		TimerSetup:    to(Dead, setCause, sendReject, noteEnded, release),
	}
	switch s {
	case Invited:
		rows[CmdRing] = to(Ringing, sendRing, noteRinging)
		rows[CmdEarly] = to(Early, sendEarly, noteRinging)
	case Ringing:
		rows[CmdEarly] = to(Early, sendEarly, noteRinging)
	}
	return rows
}

// answered are the rows between our 2xx and its ACK.
func answered(s State) rules {
	on := map[InputKind]row{
		InAcked:     to(Up),
		InAckLost:   to(Ending, setCause, armDead, noteEnded, sendBye), // §13.3.1.4
		InCancelled: to(Dead, setCause, noteEnded, release),            // §9.2: it was faster on the wire than our 2xx
		InBye:       to(Dead, setCause, noteEnded, release),            // the ACK was lost or overtaken
		InLost:      to(Dead, setCause, noteEnded, release),
		InOffered:   to(s, acceptOffer), // our answer is out, the exchange of offers is complete
		inOfferless: to(s, refuse491),
		InDigit:     to(s, noteDigit),
		CmdEnd:      to(WaitAck, setCause, armDead, noteEnded), // §15: BYE waits for the ACK
		CmdHear:     to(s, hear),
		CmdDigits:   to(s, playDigits),
		TimerMax:    to(WaitAck, setCause, armDead, noteEnded),
		TimerMedia:  to(s, listen),
	}
	if s == AnsweredOffering {
		on[InAcked] = to(Up, connect)
		on[InOffered] = to(s, refuse491) // RFC 3264 §4: ours is unanswered
	}
	return rules{on: on, ignore: inputs(wireOutgoing,
		[]InputKind{InGone, CmdRing, CmdEarly, CmdAnswer, cmdAnswerLate, TimerSetup, TimerDead})}
}

// calling are the rows of an outgoing leg before a final response.
func calling(s State) map[InputKind]row {
	rows := map[InputKind]row{
		InTrying:    to(s),
		InRinging:   to(Alerting, connect, noteRinging),
		InAnswered:  to(Up, connect, sendAck, armMax, noteUp),
		InRefused:   to(Dead, setCause, noteEnded, release),
		InLost:      to(Cancelling, setCause, armDead, noteEnded, sendCancel),
		InBye:       to(Cancelling, setCause, armDead, noteEnded, sendCancel), // §15 forbids it; leave properly all the same
		InOffered:   to(s, refuse491),                                         // UPDATE in the early dialog (RFC 3311 §5.2): ours is unanswered
		inOfferless: to(s, refuse491),
		InDigit:     to(s, noteDigit),
		CmdEnd:      to(Cancelling, setCause, armDead, noteEnded, sendCancel),
		CmdHear:     to(s, hear),
		CmdDigits:   to(s),
		TimerSetup:  to(Cancelling, setCause, armDead, noteEnded, sendCancel),
	}
	if s == Calling {
		rows[cmdDial] = to(Calling, dial)
		rows[InTrying] = to(Proceeding)
		rows[InLost] = to(Dead, setCause, noteEnded, release)
		rows[InBye] = to(Calling)
		rows[CmdEnd] = to(WaitTrying, setCause, armDead, noteEnded)
		rows[TimerSetup] = to(WaitTrying, setCause, armDead, noteEnded)
		delete(rows, InOffered)
		delete(rows, inOfferless)
	}
	return rows
}

// up are the rows of a confirmed dialog.
func up(s State) rules {
	on := map[InputKind]row{
		InOffered:   to(Up, acceptOffer),
		inOfferless: to(UpOffering, makeOffer),
		InAcked:     to(Up), // of a re-INVITE we answered
		InAckLost:   to(Ending, setCause, armDead, noteEnded, sendBye),
		InBye:       to(Dead, setCause, noteEnded, release),
		InLost:      to(Ending, setCause, armDead, noteEnded, sendBye), // tell the peer if it can still hear
		InDigit:     to(s, noteDigit),
		CmdEnd:      to(Ending, setCause, armDead, noteEnded, sendBye),
		CmdHear:     to(s, hear),
		CmdDigits:   to(s, playDigits),
		TimerMax:    to(Ending, setCause, armDead, noteEnded, sendBye),
		TimerMedia:  to(s, listen),
		InCancelled: to(s), // of a re-INVITE, answered at once: too late
	}
	if s == UpOffering {
		on[InAcked] = to(Up, connect)
		on[InOffered] = to(UpOffering, refuse491) // RFC 3264 §4
		on[inOfferless] = to(UpOffering, refuse491)
	}
	return rules{on: on, ignore: inputs(wireOutgoing,
		[]InputKind{InGone, CmdRing, CmdEarly, CmdAnswer, cmdAnswerLate, TimerSetup, TimerDead})}
}
