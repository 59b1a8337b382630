package socket

import (
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
)

// ServerFrames returns a zero value of every frame the exchange sends, those of
// the browser edge included.
func ServerFrames() []any {
	frames := []any{
		SnapshotFrame{}, PersonChangedFrame{}, PersonRemovedFrame{}, CallNewFrame{}, CallChangedFrame{}, CallEndedFrame{},
		RegistrationChangedFrame{}, MediaAnswerFrame{}, MediaRefusedFrame{}, CallQualityFrame{}, PingFrame{}, EchoFrame{}, ByeFrame{},
	}
	for _, f := range pbx.BrowserFrames() {
		frames = append(frames, f)
	}
	return frames
}

// ClientFrames returns a zero value of every frame a page sends.
func ClientFrames() []any { return []any{HelloFrame{}, MediaOfferFrame{}, PongFrame{}, EchoFrame{}} }

// Position is the last numbered frame a page has seen.
type Position struct {
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// HelloFrame is the first frame of a page.
type HelloFrame struct {
	T        string                 `json:"t" enum:"hello"`
	ClientID string                 `json:"client_id" doc:"Of the browser, 1 to 64 of A-Z a-z 0-9 _ -"`
	TabID    string                 `json:"tab_id" doc:"Of the page; kept over a reload."`
	Resume   web.Nullable[Position] `json:"resume" doc:"null: everything is wanted"`
}

// MediaOfferFrame offers a media session, or mends one (RFC 8829).
type MediaOfferFrame struct {
	T   string          `json:"t" enum:"media.offer"`
	MS  string          `json:"ms" doc:"Names the session; chosen by the page."`
	SDP string          `json:"sdp"`
	Why pbx.OfferReason `json:"why" enum:"new,ice"`
}

// PongFrame answers a PingFrame.
type PongFrame struct {
	T string `json:"t" enum:"pong"`
}

// SnapshotFrame is everything a page may see; it replaces what the page knew.
type SnapshotFrame struct {
	T      string         `json:"t" enum:"snapshot"`
	Epoch  uint64         `json:"epoch" doc:"Grows with each start of the exchange."`
	Seq    uint64         `json:"seq"`
	Me     web.Self       `json:"me"`
	People []live.Person  `json:"people" nullable:"false"`
	Calls  []live.OwnCall `json:"calls" nullable:"false"`
}

// PersonChangedFrame says that a person is new, or has another name or state.
type PersonChangedFrame struct {
	T      string      `json:"t" enum:"person.changed"`
	Seq    uint64      `json:"seq"`
	Person live.Person `json:"person"`
}

// PersonRemovedFrame says that a number is no longer in service.
type PersonRemovedFrame struct {
	T      string `json:"t" enum:"person.removed"`
	Seq    uint64 `json:"seq"`
	Number string `json:"number"`
}

// CallNewFrame says that the user is in another call.
type CallNewFrame struct {
	T    string       `json:"t" enum:"call.new"`
	Seq  uint64       `json:"seq"`
	Call live.OwnCall `json:"call"`
}

// CallChangedFrame says that a call of the user's changed.
type CallChangedFrame struct {
	T    string       `json:"t" enum:"call.changed"`
	Seq  uint64       `json:"seq"`
	Call live.OwnCall `json:"call"`
}

// CallEndedFrame says that a call of the user's is over.
type CallEndedFrame struct {
	T     string        `json:"t" enum:"call.ended"`
	Seq   uint64        `json:"seq"`
	Leg   pbx.LegID     `json:"leg"`
	Cause live.EndCause `json:"cause"`
}

// RegistrationChangedFrame says that a phone of the user's came, went or fell
// silent; those who may watch everybody get it of everybody.
type RegistrationChangedFrame struct {
	T         string `json:"t" enum:"registration.changed"`
	Seq       uint64 `json:"seq"`
	Extension string `json:"extension"`
}

// MediaAnswerFrame answers a MediaOfferFrame.
type MediaAnswerFrame struct {
	T   string `json:"t" enum:"media.answer"`
	MS  string `json:"ms"`
	SDP string `json:"sdp"`
}

// MediaRefusedFrame refuses a MediaOfferFrame. After not_found the page begins a
// new session.
type MediaRefusedFrame struct {
	T    string        `json:"t" enum:"media.refused"`
	MS   string        `json:"ms"`
	Code pbx.ErrorCode `json:"code" enum:"invalid,unauthorized,forbidden,not_found,conflict,too_many,unavailable,internal"`
}

// CallQualityFrame says every few seconds how a call of the user's sounds. It is
// of the moment, and not repeated for those who come back.
type CallQualityFrame struct {
	T     string     `json:"t" enum:"call.quality"`
	Leg   pbx.LegID  `json:"leg"`
	Sound live.Sound `json:"sound"`
}

// EchoFrame comes back as it was sent: whether the connection lives.
type EchoFrame struct {
	T string `json:"t" enum:"echo"`
}

// PingFrame wants a PongFrame.
type PingFrame struct {
	T string `json:"t" enum:"ping"`
}

// ByeReason is why the exchange closes a socket.
type ByeReason string

// The reasons. After all but the first the page comes back by itself.
const (
	ByeSignedOut  ByeReason = "signed_out" // the sign-in has ended
	ByeShutdown   ByeReason = "shutdown"   // the exchange stops
	ByeSlow       ByeReason = "slow"       // the page did not read
	ByeSuperseded ByeReason = "superseded" // the same page has a newer socket
	ByeChanged    ByeReason = "changed"    // the person's rights or number did
	ByeUnexpected ByeReason = "unexpected" // the page sent what nobody understands, or nothing
)

// ByeFrame is the last frame of a socket.
type ByeFrame struct {
	T      string    `json:"t" enum:"bye"`
	Reason ByeReason `json:"reason" enum:"signed_out,shutdown,slow,superseded,changed,unexpected"`
}
