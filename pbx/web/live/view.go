package live

import (
	"time"

	"klapka.dev/klapka/pbx"
)

// LineState is how busy a person's line is.
type LineState string

// The states, the strongest last: of several calls it decides what is shown.
const (
	Offline  LineState = "offline" // no phone and no page of his can be reached
	Free     LineState = "free"
	Ringing  LineState = "ringing"  // he is being called
	Held     LineState = "held"     // he put somebody on hold, and speaks to nobody
	Dialling LineState = "dialling" // he calls somebody, who has not answered
	Talking  LineState = "talking"  // he speaks or listens
)

// Person is an extension in service, as everybody in the company sees it.
type Person struct {
	Number string    `json:"number"`
	Name   string    `json:"name"`
	UserID string    `json:"user_id" doc:"Empty: a shared phone."`
	State  LineState `json:"state" enum:"free,ringing,dialling,talking,held,offline"`
	Since  time.Time `json:"since" doc:"When the state began."`
}

// Direction is which way a call went, seen from one of its people.
type Direction string

// The directions.
const (
	Incoming Direction = "incoming"
	Outgoing Direction = "outgoing"
)

// CallState is how far a person's call is.
type CallState string

// The states of a person's call. An incoming call that rings wants an answer; an
// outgoing one that rings is being waited for.
const (
	CallDialling CallState = "dialling"
	CallRinging  CallState = "ringing"
	CallTalking  CallState = "talking"
	CallHeld     CallState = "held" // one of both sides holds
)

// Peer is the other side of a call.
type Peer struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// CallDevice is where the sound of a call is.
type CallDevice struct {
	Kind  string  `json:"kind" enum:"phone,browser"`
	Name  string  `json:"name" doc:"Of a phone."`
	TabID *string `json:"tab_id" doc:"Of the page of a browser; null: a phone, or it rings in a browser."`
}

// OwnCall is a call of one person, as far as it concerns one leg of his.
type OwnCall struct {
	Call       pbx.CallID `json:"call"`
	Leg        pbx.LegID  `json:"leg"`
	Direction  Direction  `json:"direction" enum:"incoming,outgoing"`
	State      CallState  `json:"state" enum:"dialling,ringing,talking,held"`
	Peer       Peer       `json:"peer"`
	StartedAt  time.Time  `json:"started_at"`
	AnsweredAt *time.Time `json:"answered_at"`
	OnHold     bool       `json:"on_hold" doc:"This side put the call on hold."`
	Device     CallDevice `json:"device"`
}

// EndCause is why a call ended, as people are told.
type EndCause struct {
	Code pbx.CauseCode `json:"code" enum:"normal,cancelled,busy,declined,no_answer,unreachable,not_in_service,answered_elsewhere,forbidden,incompatible,congested,media_timeout,network,protocol,shutdown,restart,loop,fault"`
	By   pbx.Party     `json:"by,omitempty" enum:"caller,callee,system,user"`
}

// same compares by value: pointers are made anew for each view.
func (c OwnCall) same(o OwnCall) bool {
	return sameTime(c.AnsweredAt, o.AnsweredAt) && sameText(c.Device.TabID, o.Device.TabID) && c.plain() == o.plain()
}

func (c OwnCall) plain() OwnCall {
	c.AnsweredAt, c.Device.TabID = nil, nil
	return c
}

func sameTime(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }

func sameText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// Change is something people should be told. One of the fields Person, Removed,
// Call, Ended and Registration is set.
type Change struct {
	Person       *Person   // of everybody: the new state
	Removed      string    // number that is no longer in service
	Call         *OwnCall  // of For: a call begun or changed
	New          bool      // with Call: it was not there
	Ended        pbx.LegID // of For: a call is over, with Cause
	Cause        pbx.Cause
	Registration string // number whose phones came, went or fell silent
	For          string // number whose user the change concerns; empty: everybody
}

// Directory is who has which number, and how devices are called.
type Directory interface {
	// Numbers returns every extension in service, in the order of numbers, in a
	// list that nobody changes afterwards.
	Numbers() []pbx.PartyInfo
	// DeviceName is how a device is called; empty when it is not known.
	DeviceName(id string) string
}

// Picture is the present state of the exchange.
type Picture struct {
	At       time.Time
	Calls    []pbx.LiveCall
	Bindings []pbx.Binding
	// Reachable reports whether a registered contact, named by device and key,
	// answers; nil: all do.
	Reachable func(device, key string) bool
}
