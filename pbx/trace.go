package pbx

import "time"

// Verdict is the answer to "why did it (not) ring?", for a call as a whole and
// for everything it could have rung.
type Verdict string

// The closed set of verdicts. Clients have words for each.
const (
	VerdictRunning       Verdict = "running"                 // not decided yet
	VerdictAnswered      Verdict = "answered"                // this one talked
	VerdictElsewhere     Verdict = "answered_elsewhere"      // rang; another one answered
	VerdictDeclined      Verdict = "declined"                // rang, or not; the person refused
	VerdictBusy          Verdict = "busy"                    // in use
	VerdictNoAnswer      Verdict = "no_answer"               // rang, nobody answered in time
	VerdictCancelled     Verdict = "cancelled_by_caller"     // the caller gave up first
	VerdictNotRegistered Verdict = "not_registered"          // the exchange does not know where it is
	VerdictExpired       Verdict = "registration_expired_at" // not registered any more; Params: at, reason
	VerdictUnreachable   Verdict = "unreachable"             // registered, but not to be reached; Params: status, or response "none"
	VerdictIncompatible  Verdict = "incompatible"            // no common way of sound
	VerdictNumberUnknown Verdict = "number_unknown"          // nobody has the number dialled
	VerdictRefusedDigest Verdict = "refused_digest"          // the caller's credentials were wrong, or missing
	VerdictBanned        Verdict = "banned"                  // the caller's address is not listened to
	VerdictRefused       Verdict = "refused"                 // the caller was not admitted; see Refused
	VerdictNoDevices     Verdict = "no_devices"              // the extension has no device that is enabled
	VerdictFailed        Verdict = "failed"                  // something else; see the cause
)

// TraceHead is one traced call in a list: a call, or an INVITE that did not
// become one.
type TraceHead struct {
	ID        CallID // of the call; a name of the trace's own for a refused one
	From      PartyInfo
	Dialled   string
	Source    string // ip:port the call came from; empty for browsers
	StartedAt time.Time
	EndedAt   time.Time // zero: running
	Refused   string    // why it did not become a call, as in CallRefused; empty: it did
	Attempts  int       // how many refused INVITEs this stands for; 0 for calls
	Cause     Cause     // of a call that ended
	Verdict   Verdict
}

// TraceOutcome says of one device, or of a whole extension, why it rang or did
// not.
type TraceOutcome struct {
	Extension string
	Device    string // device id; empty: the extension as a whole
	Name      string // of the person or extension
	Leg       LegID  // empty: it was not even called
	Verdict   Verdict
	Params    map[string]string
}

// Trace is everything known of one call, in the order of time.
type Trace struct {
	TraceHead
	Entries  []TraceEntry
	Outcomes []TraceOutcome
	Dropped  int // entries that were not kept, because the call had too many
}

// TraceEntryKind tells messages from decisions.
type TraceEntryKind string

// The kinds.
const (
	TraceMessage  TraceEntryKind = "message"  // a SIP message on the wire
	TraceDecision TraceEntryKind = "decision" // something the exchange did or learnt
)

// TraceSelf is the name of the exchange in From and To.
const TraceSelf = "klapka"

// TraceEntry is one line of a trace.
type TraceEntry struct {
	At   time.Time
	Kind TraceEntryKind
	Leg  LegID

	// Of a message. One end is TraceSelf, the other the party with its address.
	From, To string
	Raw      string // the whole message; credentials and keys are blanked

	// Title is the start of a message ("INVITE", "180 Ringing"), or the code of a
	// decision, which with Params clients put in words.
	Title  string
	Params map[string]string
	Tone   TraceTone
}

// TraceTone says whether an entry is on the way to a conversation or off it.
type TraceTone string

// The tones.
const (
	ToneInfo TraceTone = "info"
	ToneGood TraceTone = "good"
	ToneBad  TraceTone = "bad"
)

// Traces is the port to what is remembered of the latest calls, those that were
// refused included.
type Traces interface {
	// Traces lists what is remembered, the newest first. search, if not empty, is
	// part of a number, name, address or call id.
	Traces(search string) []TraceHead
	// Trace fails with NotFound for a call that is not remembered, or no longer.
	Trace(id CallID) (Trace, error)
}
