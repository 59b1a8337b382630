// Package leg is one party at one endpoint: an INVITE usage with a phone, or one
// call slot of a browser. A leg is an actor with one state table (step.go); it
// owns exactly one media endpoint and outlives calls. Offer and answer end here:
// the other side of a bridge never sees them.
package leg

import (
	"klapka.dev/klapka/pbx"
)

// Signaler is the wire side of one leg, implemented by the edges. The leg's
// actor calls it, one call at a time; no method may block or call back into the
// leg. What happens on the wire is reported by Leg.Post with a wire input.
type Signaler interface {
	// Ring tells an incoming party that the other side is alerted: 180, or 183
	// when sdp carries an answer for early sound. It may be called again, with
	// an sdp after one without.
	Ring(sdp []byte)
	// Answer accepts an incoming party: 2xx, repeated until acknowledged. sdp is
	// the answer, or the offer when the INVITE had none.
	Answer(sdp []byte)
	// Reject refuses an incoming party that was not answered.
	Reject(c pbx.Cause)
	// Ack acknowledges the 2xx of an outgoing party; sdp is the answer to a late
	// offer, else nil.
	Ack(sdp []byte)
	// Cancel stops an outgoing INVITE that got a provisional response
	// (RFC 3261 §9.1); a final response is reported all the same.
	Cancel(c pbx.Cause)
	// Bye ends an established dialog. InGone is posted when it was answered or
	// timed out.
	Bye(c pbx.Cause)
	// AnswerOffer accepts the pending re-INVITE or UPDATE with this description.
	AnswerOffer(sdp []byte)
	// RefuseOffer declines the pending re-INVITE or UPDATE; the session stays as
	// it was.
	RefuseOffer(r Refusal)
	// Release says that the leg is dead. The edge forgets its route to it as soon
	// as the wire allows (retransmissions may still be answered).
	Release()
}

// Refusal says why an offer within a call is declined.
type Refusal int

// The refusals.
const (
	RefusePending      Refusal = iota // another offer is under way: 491 (RFC 3261 §14.2)
	RefuseUnanswered                  // the first INVITE is not answered yet: 500 with Retry-After
	RefuseIncompatible                // nothing in it we can do: 488
)

// Dialer starts outgoing legs, implemented by the edges.
type Dialer interface {
	// Dial sends an INVITE for d.Leg and returns its wire side at once; every
	// outcome, transport failures included, arrives by d.Leg.Post. The error is
	// for what is wrong before anything was sent.
	Dial(d Dialing) (Signaler, error)
}

// Dialing is what a dialer needs to know.
type Dialing struct {
	Leg     *Leg
	Parent  pbx.LegID     // on whose behalf it is rung; empty: on nobody's
	Binding pbx.Binding   // where the device is reached
	From    pbx.PartyInfo // who is shown as calling
	To      pbx.PartyInfo // whom the call is for
	SIPCall string        // Call-ID to use, chosen by us so that the trace knows it from the start
	Offer   []byte        // session description
}

// Invitation is what an edge knows of an incoming, authenticated INVITE.
type Invitation struct {
	Leg     pbx.LegID     // chosen by the edge: its local tag leads to the leg
	Caller  pbx.PartyInfo // who was authenticated; Name as the store has it
	Dialled string        // user part of the request URI, unescaped
	Offer   []byte        // nil: late offer
	Edge    string        // name of the edge
	Remote  string        // ip:port of the peer
	SIPCall string        // Call-ID, empty for browsers
	UA      string        // User-Agent as sent
}

// Host takes incoming legs, implemented by pbx/call.
type Host interface {
	// Invite makes a leg for an incoming party and starts its call. The edge
	// posts everything that happens on the wire to the leg it gets. An error
	// means that there is no leg and the edge refuses with the status of its
	// code (TooMany and Unavailable: 503 with Retry-After).
	Invite(sig Signaler, inv Invitation) (*Leg, error)
}
