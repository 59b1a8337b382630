package leg

import (
	"net/netip"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/pbx"
)

// InputKind is one letter of the leg's alphabet.
type InputKind uint8

// What the wire reports.
const (
	InTrying    InputKind = iota // outgoing: a provisional response without alerting (100)
	InRinging                    // outgoing: 18x, SDP when it carries early sound
	InAnswered                   // outgoing: 2xx, SDP present
	InRefused                    // outgoing: final non-2xx, time-out or transport failure, with Cause
	InAcked                      // incoming: ACK for our 2xx, SDP when it answers our late offer
	InAckLost                    // incoming: no ACK within 64·T1 (RFC 3261 §13.3.1.4)
	InCancelled                  // incoming: CANCEL won, 487 was sent; our 2xx, if any, was not
	InBye                        // BYE received (already answered by the edge), with Cause
	InOffered                    // re-INVITE or UPDATE received; SDP nil: wants our offer
	inOfferless                  // InOffered without SDP
	InLost                       // dialog is gone: connection broke, or 481/408 to a request of ours
	InGone                       // our BYE was answered or timed out
	InDigit                      // the party pressed a key (telephone-event or INFO): Digits holds one key

	// What the exchange asks for.

	cmdDial       // send the INVITE
	CmdRing       // tell an incoming party that the other side is alerted
	CmdEarly      // let an incoming party hear something before the answer
	CmdAnswer     // accept an incoming party
	cmdAnswerLate // CmdAnswer when the INVITE brought no offer
	CmdEnd        // end the leg, in the way its state demands, with Cause
	CmdHear       // change what the party hears: Source
	CmdDigits     // send Digits to the party

	// What time reports.

	TimerSetup // neither answered nor refused for far too long
	TimerMax   // maximum duration reached
	TimerMedia // time to look whether the party can still be heard
	TimerDead  // the peer never finished the ending (zombie)

	numInputs
)

// Input is one message to a leg's mailbox.
type Input struct {
	Kind   InputKind
	SDP    []byte
	Cause  pbx.Cause
	Source media.Source
	From   netip.Addr // InOffered: where the party's signalling comes from now; invalid: from where it came
	Digits string
	Prefer string // CmdAnswer: name of the codec to agree on if the party has it; empty: its own choice
	dial   func() (Signaler, error)
}
