package pbx

import (
	"strings"
	"time"
)

// TargetKind is the kind of place a leg may be sent to.
type TargetKind string

// The kinds that exist.
const (
	TargetExtension    TargetKind = "extension"    // ID: extension number
	TargetEcho         TargetKind = "echo"         // ID: empty
	TargetAnnouncement TargetKind = "announcement" // ID: a CauseCode or a prompt name
	TargetHangup       TargetKind = "hangup"       // ID: a CauseCode
)

// Target is data that can be stored: everything an administrator may choose, a
// receptionist may drop a call on, or a code may name. Its text form is
// "kind:id", e.g. "extension:101".
type Target struct {
	Kind TargetKind
	ID   string
}

// String returns the text form.
func (t Target) String() string { return string(t.Kind) + ":" + t.ID }

// IsZero reports whether t names nothing.
func (t Target) IsZero() bool { return t.Kind == "" }

// MarshalText implements encoding.TextMarshaler.
func (t Target) MarshalText() ([]byte, error) {
	if t.IsZero() {
		return nil, nil
	}
	return []byte(t.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Target) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = Target{}
		return nil
	}
	kind, id, ok := strings.Cut(string(b), ":")
	if !ok || kind == "" {
		return FieldErrorf("target", "%q is not of the form kind:id", b)
	}
	*t = Target{Kind: TargetKind(kind), ID: id}
	return nil
}

// Hangup is the move that ends a leg with the given cause.
func Hangup(c Cause) Move {
	return Move{To: Target{TargetHangup, string(c.Code)}, Cause: c}
}

// Actor says on whose behalf something happens: whose rights count and who
// pays. The zero Actor is the exchange itself.
type Actor struct {
	User      string `json:"user,omitempty"`      // user id
	Extension string `json:"extension,omitempty"` // extension number
}

// Ring limits how a target is rung.
type Ring struct {
	Within time.Duration `json:"within,omitempty"` // 0: the target's own time, default 30 s
	Device string        `json:"device,omitempty"` // only this device id
}

// Move is what happens with a target: where a leg goes, for whom and why.
// OnFail is tried in order when To ends without a conversation.
type Move struct {
	To     Target   `json:"to"`
	By     Actor    `json:"by,omitzero"`
	Why    string   `json:"why,omitempty"` // "dialled", "busy", "no_answer", "returned" …
	OnFail []Target `json:"on_fail,omitempty"`
	Ring   Ring     `json:"ring,omitzero"`
	Cause  Cause    `json:"cause,omitzero"` // with To hangup: the whole cause; else why we are here
}

// MaxHops is the number of moves without a conversation after which a call is
// ended with CauseLoop.
const MaxHops = 30
