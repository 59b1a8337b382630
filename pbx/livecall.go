package pbx

import "time"

// LiveCall is a running call as people see it.
type LiveCall struct {
	ID         CallID
	From       PartyInfo
	Dialled    string
	To         Target
	StartedAt  time.Time
	AnsweredAt time.Time // zero: no conversation yet
	Legs       []LiveLeg
}

// LiveLeg is one leg of a running call.
type LiveLeg struct {
	ID       LegID
	Incoming bool
	Party    PartyInfo
	State    string // "ringing", "talking", "held", "waiting"
	Bridge   BridgeID
	Quality  Quality // of its life so far
}

// CallControl is what the rest of the exchange may ask of calls. Errors:
// NotFound (no such call or leg), Conflict (it has ended or was moved).
type CallControl interface {
	// Calls is a snapshot of every running call, the oldest first.
	Calls() []LiveCall
	// Hangup ends one leg with the cause.
	Hangup(leg LegID, c Cause) error
}
