package leg

// State is where a leg stands in its INVITE usage (RFC 3261 §13–§15).
type State uint8

// The states. Incoming legs start in Invited, outgoing ones in Calling.
const (
	Invited          State = iota // incoming: INVITE received, nothing told yet
	Ringing                       // incoming: 180 sent
	Early                         // incoming: 183 with our answer sent, sound may flow
	Answered                      // incoming: 2xx with our answer sent, no ACK yet
	AnsweredOffering              // incoming: 2xx with our offer sent, the ACK brings the answer
	Calling                       // outgoing: INVITE sent, no response
	Proceeding                    // outgoing: 100 received
	Alerting                      // outgoing: 18x received
	Up                            // dialog confirmed
	UpOffering                    // Up, and our offer is in the 2xx to an offerless re-INVITE
	WaitAck                       // to be ended, but BYE must wait for the ACK (RFC 3261 §15)
	WaitTrying                    // to be ended, but CANCEL must wait for a 1xx (RFC 3261 §9.1)
	Cancelling                    // CANCEL sent, final response outstanding
	Ending                        // BYE sent, response outstanding
	Dead                          // nothing more will happen

	numStates
)

var stateNames = [numStates]string{
	"invited", "ringing", "early", "answered", "answered-offering", "calling", "proceeding", "alerting",
	"up", "up-offering", "wait-ack", "wait-trying", "cancelling", "ending", "dead",
}

// String is the state's name in logs.
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return "invalid"
}

// over reports whether the party has left the conversation: what follows is only
// the clean-up of the wire.
func (s State) over() bool { return s >= WaitAck }

var inputNames = [numInputs]string{
	"trying", "ringing", "answered", "refused", "acked", "ack-lost", "cancelled", "bye", "offered",
	"offerless", "lost", "gone", "digit", "dial", "ring", "early", "answer", "answer-late", "end", "hear", "digits",
	"timer-setup", "timer-max", "timer-media", "timer-dead",
}

// String is the input's name in logs.
func (k InputKind) String() string {
	if k < numInputs {
		return inputNames[k]
	}
	return "invalid"
}
