package pbx

import (
	"crypto/rand"
	"strings"
)

// CallID names a call: a journey from the first ring to the last hang-up.
type CallID string

// LegID names a leg: one party at one endpoint.
type LegID string

// SessionID names a session: the run of programs one leg goes through.
type SessionID string

// BridgeID names a bridge: the place where the sound of legs meets.
type BridgeID string

// ForkID names one ringing of people on behalf of a session.
type ForkID string

// NewID returns 16 random characters [a-z2-7] (80 bits): unguessable, safe in
// SIP tags, file names and URLs.
func NewID() string {
	return strings.ToLower(rand.Text()[:16])
}
