package admin

import (
	"context"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web/live"
)

// LiveCall is a running call.
type LiveCall struct {
	Call       pbx.CallID `json:"call"`
	From       live.Peer  `json:"from"`
	To         live.Peer  `json:"to" doc:"Who answered, else who is rung, else what was dialled."`
	State      string     `json:"state" enum:"dialling,ringing,talking,held"`
	StartedAt  time.Time  `json:"started_at"`
	AnsweredAt *time.Time `json:"answered_at"`
	Legs       []LiveLeg  `json:"legs" nullable:"false"`
}

// LiveLeg is one party of a running call.
type LiveLeg struct {
	Leg      pbx.LegID  `json:"leg"`
	Incoming bool       `json:"incoming" doc:"It called us."`
	Party    live.Peer  `json:"party"`
	State    string     `json:"state" enum:"ringing,talking,held,waiting"`
	Quality  live.Sound `json:"quality" doc:"Of the whole call so far."`
}

type (
	liveCallsOutput struct {
		Body []LiveCall `nullable:"false"`
	}
	callPath struct {
		Call pbx.CallID `path:"call" maxLength:"64"`
	}
	legPath struct {
		Leg pbx.LegID `path:"leg" maxLength:"64"`
	}
)

func peerOf(p pbx.PartyInfo) live.Peer { return live.Peer{Number: p.Number, Name: p.Name} }

func (a API) listCalls(context.Context, *struct{}) (*liveCallsOutput, error) {
	calls := a.Calls.Calls()
	out := &liveCallsOutput{Body: make([]LiveCall, len(calls))}
	for i, c := range calls {
		out.Body[i] = liveCall(c)
	}
	return out, nil
}

func liveCall(c pbx.LiveCall) LiveCall {
	v := LiveCall{
		Call: c.ID, From: peerOf(c.From), To: live.Peer{Number: c.Dialled}, State: "dialling",
		StartedAt: c.StartedAt.UTC(), AnsweredAt: when(c.AnsweredAt), Legs: make([]LiveLeg, len(c.Legs)),
	}
	held, talking := false, false
	for i, l := range c.Legs {
		v.Legs[i] = LiveLeg{Leg: l.ID, Incoming: l.Incoming, Party: peerOf(l.Party), State: l.State, Quality: live.SoundOf(l.Quality)}
		held, talking = held || l.State == "held", talking || l.State == "talking"
		if !l.Incoming {
			v.To = peerOf(l.Party)
			if v.State == "dialling" {
				v.State = "ringing"
			}
		}
	}
	switch {
	case held:
		v.State = "held"
	case talking || !c.AnsweredAt.IsZero():
		v.State = "talking"
	}
	return v
}

// endCall ends every leg; one that goes meanwhile is what was wanted.
func (a API) endCall(_ context.Context, in *callPath) (*struct{}, error) {
	for _, c := range a.Calls.Calls() {
		if c.ID != in.Call {
			continue
		}
		for _, l := range c.Legs {
			err := a.hangup(l.ID)
			if code := pbx.CodeOf(err); err != nil && code != pbx.NotFound && code != pbx.Conflict {
				return nil, err
			}
		}
		return nil, nil
	}
	return nil, pbx.Errorf(pbx.NotFound, "this call has ended")
}

func (a API) endLeg(_ context.Context, in *legPath) (*struct{}, error) { return nil, a.hangup(in.Leg) }

func (a API) hangup(leg pbx.LegID) error {
	return a.Calls.Hangup(leg, pbx.Cause{Code: pbx.CauseNormal, By: pbx.ByUser, Text: "ended in the portal"})
}
