package pbx

import "time"

// Event is the past tense of one state change: a value with a snapshot, a time,
// the ids it concerns and its place in the exchange's one order. Body holds the
// payload; its type decides Kind.
type Event struct {
	Epoch  uint64    `json:"epoch"` // grows by one at each start of the exchange
	Seq    uint64    `json:"seq"`   // grows by one with each event; leaps ahead at each start, never repeats
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Call   CallID    `json:"call,omitempty"`
	Leg    LegID     `json:"leg,omitempty"`
	Bridge BridgeID  `json:"bridge,omitempty"`
	Body   EventBody `json:"body"`
}

// EventBody is the payload of an event. Kind is its name on the wire, e.g.
// "call.started"; History says whether it is journalled, that is, survives
// kill -9 and reaches lossless subscribers.
type EventBody interface {
	Kind() string
	History() bool
}

// EventBodies returns a zero value of every body there is; decoders and
// documents are built from it.
func EventBodies() []EventBody {
	return []EventBody{
		ExchangeStarted{}, ExchangeStopped{},
		CallStarted{}, CallAnswered{}, CallEnded{}, CallRefused{}, CallDecision{},
		LegStarted{}, LegRinging{}, LegAnswered{}, LegHeld{}, LegEnded{},
		BridgeJoined{}, BridgeLeft{},
		DeviceRegistered{}, DeviceUnregistered{}, DeviceReachable{},
		AuthFailed{}, SourceBanned{}, SourceUnbanned{},
	}
}

// ExchangeStarted opens an epoch. Whatever an earlier epoch left open ended with
// CauseRestart at the time of that epoch's last event.
type ExchangeStarted struct {
	Version string `json:"version"`
	// LastAt is the time of the last history event before this one, zero when
	// there was none. The bus fills it in, so that the end of what was
	// interrupted is the same whoever reads it, and whenever.
	LastAt time.Time `json:"last_at,omitzero"`
}

// ExchangeStopped closes an epoch in an orderly way.
type ExchangeStopped struct{}

// PartyInfo is who is at an end of a leg or call, as shown to people.
type PartyInfo struct {
	Number    string   `json:"number"`              // extension number, or the number as dialled or received
	Name      string   `json:"name,omitempty"`      // display name
	Extension string   `json:"extension,omitempty"` // set when it is one of ours
	User      string   `json:"user,omitempty"`      // user id, when known
	Device    string   `json:"device,omitempty"`    // device id, when known
	Language  Language `json:"language,omitempty"`
}

// CallStarted opens a call: somebody dialled.
type CallStarted struct {
	From    PartyInfo `json:"from"`
	Dialled string    `json:"dialled"` // as it came from the caller
	To      Target    `json:"to"`      // what the number was resolved to
}

// CallAnswered says that the caller got a conversation (not an announcement).
type CallAnswered struct {
	By PartyInfo `json:"by"`
}

// CallEnded closes a call: its last leg is gone.
type CallEnded struct {
	Cause Cause `json:"cause"`
}

// CallRefused says that an INVITE did not become a call.
type CallRefused struct {
	From    string `json:"from"`               // AOR user part as claimed
	Dialled string `json:"dialled"`            // request URI user part
	Source  string `json:"source"`             // ip:port
	Reason  string `json:"reason"`             // "digest", "banned", "limit", "stopping", "malformed" …
	SIPCall string `json:"sip_call,omitempty"` // Call-ID of the INVITE
}

// CallDecision says what the exchange chose on a call's way, and why: for the
// trace, which asks neither the directory nor the registry itself. Step is a code
// that clients put in words with Params.
type CallDecision struct {
	Step   string            `json:"step"`
	Params map[string]string `json:"params,omitempty"`
}

// The steps of decisions.
const (
	// StepDevice: a device of a rung extension was looked at. Params: extension,
	// name, device, username, state (DeviceRung …), contacts (how many were
	// rung), error.
	StepDevice = "device"
	// StepNoDevices: the extension has no device that is enabled. Params:
	// extension.
	StepNoDevices = "no_devices"
	// StepMove: the leg goes on to another target. Params: to, why.
	StepMove = "move"
)

// What became of a device, in CallDecision.Params["state"] of StepDevice.
const (
	DeviceRung          = "rung"
	DeviceNotRegistered = "not_registered"
	DeviceOwnLine       = "own_line"  // the call comes from it
	DeviceNotAsked      = "not_asked" // only another device was to be rung
	DeviceNotRung       = "not_rung"  // a limit was reached, or it could not be begun; Params: error
)

// LegStarted says that a leg exists: an INVITE came in, or one was sent.
type LegStarted struct {
	Incoming bool      `json:"incoming"` // from the exchange's view: the party called us
	Party    PartyInfo `json:"party"`
	Edge     string    `json:"edge"`
	Remote   string    `json:"remote"`           // ip:port of the signalling peer
	SIPCall  string    `json:"sip_call"`         // Call-ID of its dialog, empty for browsers
	UA       string    `json:"ua,omitempty"`     // what the peer says it is
	Parent   LegID     `json:"parent,omitempty"` // the leg on whose behalf it is rung
}

// LegRinging says that the party is alerted (outgoing) or told that the other
// side is (incoming). Early says that sound may already flow.
type LegRinging struct {
	Early bool `json:"early"`
}

// LegAnswered says that the leg is up, with the codec agreed.
type LegAnswered struct {
	Codec string `json:"codec"`
}

// LegHeld says that the party put its call on hold, or resumed it.
type LegHeld struct {
	Held bool `json:"held"`
}

// LegEnded closes a leg. Quality is what its endpoint measured.
type LegEnded struct {
	Cause   Cause   `json:"cause"`
	Quality Quality `json:"quality"`
}

// Quality is what a leg's endpoint measured over its life.
type Quality struct {
	Codec           string  `json:"codec,omitempty"`
	PacketsSent     uint64  `json:"packets_sent"`
	PacketsReceived uint64  `json:"packets_received"`
	PacketsLost     uint64  `json:"packets_lost"`         // lost on the way to us (RFC 3550 A.3)
	JitterMS        float64 `json:"jitter_ms"`            // interarrival jitter at us (RFC 3550 A.8)
	RemoteLost      uint64  `json:"remote_lost"`          // lost on the way to the party, by its RTCP
	RemoteJitterMS  float64 `json:"remote_jitter_ms"`     // by the party's RTCP
	RoundTripMS     float64 `json:"round_trip_ms"`        // by RTCP, 0: unknown
	RFactor         float64 `json:"r_factor,omitempty"`   // ITU-T G.107, 0–100; 0: nothing measured
	MOS             float64 `json:"mos,omitempty"`        // 1–4.5; 0: nothing measured
	Ignored         uint64  `json:"ignored,omitempty"`    // packets from sources that were not believed
	Impairment      string  `json:"impairment,omitempty"` // why there was no sound, if there was none
}

// BridgeJoined says that the leg hears, or is heard by, the bridge's members.
type BridgeJoined struct {
	Role string `json:"role"`
}

// BridgeLeft says that it does no longer.
type BridgeLeft struct{}

// DeviceRegistered carries the binding that was added or refreshed.
type DeviceRegistered struct {
	Binding Binding `json:"binding"`
	New     bool    `json:"new"`
}

// DeviceUnregistered carries the binding that ended. Reason is "removed",
// "expired", "replaced" or "connection_lost".
type DeviceUnregistered struct {
	Binding Binding `json:"binding"`
	Reason  string  `json:"reason"`
}

// DeviceReachable says that a registered device stopped answering, or answers
// again; the binding stays.
type DeviceReachable struct {
	Device    string `json:"device"`
	Extension string `json:"extension"`
	Contact   string `json:"contact"`
	Reachable bool   `json:"reachable"`
}

// AuthFailed says that somebody offered wrong credentials.
type AuthFailed struct {
	Source   string `json:"source"` // ip:port
	Username string `json:"username"`
	Method   string `json:"method"`
}

// SourceBanned says that an address is no longer listened to.
type SourceBanned struct {
	Address string    `json:"address"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
}

// SourceUnbanned says that it is listened to again.
type SourceUnbanned struct {
	Address string `json:"address"`
}

func (ExchangeStarted) Kind() string    { return "exchange.started" }
func (ExchangeStopped) Kind() string    { return "exchange.stopped" }
func (CallStarted) Kind() string        { return "call.started" }
func (CallAnswered) Kind() string       { return "call.answered" }
func (CallEnded) Kind() string          { return "call.ended" }
func (CallRefused) Kind() string        { return "call.refused" }
func (CallDecision) Kind() string       { return "call.decision" }
func (LegStarted) Kind() string         { return "leg.started" }
func (LegRinging) Kind() string         { return "leg.ringing" }
func (LegAnswered) Kind() string        { return "leg.answered" }
func (LegHeld) Kind() string            { return "leg.held" }
func (LegEnded) Kind() string           { return "leg.ended" }
func (BridgeJoined) Kind() string       { return "bridge.joined" }
func (BridgeLeft) Kind() string         { return "bridge.left" }
func (DeviceRegistered) Kind() string   { return "device.registered" }
func (DeviceUnregistered) Kind() string { return "device.unregistered" }
func (DeviceReachable) Kind() string    { return "device.reachable" }
func (AuthFailed) Kind() string         { return "auth.failed" }
func (SourceBanned) Kind() string       { return "source.banned" }
func (SourceUnbanned) Kind() string     { return "source.unbanned" }

func (ExchangeStarted) History() bool    { return true }
func (ExchangeStopped) History() bool    { return true }
func (CallStarted) History() bool        { return true }
func (CallAnswered) History() bool       { return true }
func (CallEnded) History() bool          { return true }
func (CallRefused) History() bool        { return false }
func (CallDecision) History() bool       { return false }
func (LegStarted) History() bool         { return true }
func (LegRinging) History() bool         { return true }
func (LegAnswered) History() bool        { return true }
func (LegHeld) History() bool            { return true }
func (LegEnded) History() bool           { return true }
func (BridgeJoined) History() bool       { return true }
func (BridgeLeft) History() bool         { return true }
func (DeviceRegistered) History() bool   { return true }
func (DeviceUnregistered) History() bool { return true }
func (DeviceReachable) History() bool    { return false }
func (AuthFailed) History() bool         { return false }
func (SourceBanned) History() bool       { return false }
func (SourceUnbanned) History() bool     { return false }

// Publisher takes events into the exchange's one order. Publish returns after
// history has been written to the journal (not synced), so that the answer an
// event causes never leaves before the event is safe from kill -9. It fills in
// Epoch, Seq, At and Kind (and ExchangeStarted.LastAt) and returns the event as
// it was numbered. At is UTC in whole microseconds, so that it is the same in
// the journal and in every database.
type Publisher interface {
	Publish(e Event) Event
}
