package pbx

// CauseCode says why a call or leg ended, or was refused.
type CauseCode string

// The closed set of causes. Each edge maps them to its protocol in one table
// (pbx/sip: status and Reason; the clients: words in three languages).
const (
	CauseNormal            CauseCode = "normal"             // somebody hung up a conversation
	CauseCancelled         CauseCode = "cancelled"          // the caller gave up before an answer
	CauseBusy              CauseCode = "busy"               // every device is in use
	CauseDeclined          CauseCode = "declined"           // the person refused
	CauseNoAnswer          CauseCode = "no_answer"          // rang, nobody answered in time
	CauseUnreachable       CauseCode = "unreachable"        // no device registered, or none responded
	CauseNotInService      CauseCode = "not_in_service"     // nobody has this number
	CauseAnsweredElsewhere CauseCode = "answered_elsewhere" // another device or person answered
	CauseForbidden         CauseCode = "forbidden"          // the caller may not do this
	CauseIncompatible      CauseCode = "incompatible"       // no common codec or transport for sound
	CauseCongested         CauseCode = "congested"          // a limit of the exchange was reached
	CauseMediaTimeout      CauseCode = "media_timeout"      // the party should send sound and did not
	CauseNetwork           CauseCode = "network"            // the peer stopped responding or its connection broke
	CauseProtocol          CauseCode = "protocol"           // the peer broke the signalling rules
	CauseShutdown          CauseCode = "shutdown"           // the exchange was stopped in an orderly way
	CauseRestart           CauseCode = "restart"            // the exchange died; the record was closed at the next start
	CauseLoop              CauseCode = "loop"               // too many moves without a conversation
	CauseFault             CauseCode = "fault"              // a defect of ours
)

// Causes lists every code, for tables that must be complete.
var Causes = [...]CauseCode{
	CauseNormal, CauseCancelled, CauseBusy, CauseDeclined, CauseNoAnswer, CauseUnreachable,
	CauseNotInService, CauseAnsweredElsewhere, CauseForbidden, CauseIncompatible, CauseCongested,
	CauseMediaTimeout, CauseNetwork, CauseProtocol, CauseShutdown, CauseRestart, CauseLoop, CauseFault,
}

// Party says who brought an end about.
type Party string

// The parties that can end something.
const (
	ByCaller Party = "caller" // the party that started the call
	ByCallee Party = "callee" // a party that was called
	BySystem Party = "system" // the exchange itself: a program, a limit, a shutdown
	ByUser   Party = "user"   // somebody outside the call, by command
)

// Cause is the one value with which a leg or call ends.
type Cause struct {
	Code CauseCode `json:"code"`
	By   Party     `json:"by,omitempty"`
	Text string    `json:"text,omitempty"` // detail for the log and the trace, never for people
}
