package trace

import (
	"maps"
	"strconv"

	"klapka.dev/klapka/pbx"
)

// verdict is what the cause of a call's end means, for a call without
// conversation.
func (s *story) verdict(c pbx.CauseCode) pbx.Verdict {
	if c != pbx.CauseUnreachable {
		return verdictOf(c)
	}
	// Nobody could be reached: because nothing was registered, if that is so.
	why := pbx.Verdict("")
	for _, o := range s.outcomes() {
		switch o.Verdict {
		case pbx.VerdictNotRegistered, pbx.VerdictNoDevices:
			if why == "" {
				why = o.Verdict
			}
		case pbx.VerdictExpired:
			why = o.Verdict
		default:
			return pbx.VerdictUnreachable
		}
	}
	if why == "" {
		return pbx.VerdictUnreachable
	}
	return why
}

// verdictOf maps the end of a leg or call that did not talk.
//
//exhaustive:enforce
func verdictOf(c pbx.CauseCode) pbx.Verdict {
	switch c {
	case pbx.CauseCancelled:
		return pbx.VerdictCancelled
	case pbx.CauseBusy:
		return pbx.VerdictBusy
	case pbx.CauseDeclined:
		return pbx.VerdictDeclined
	case pbx.CauseNoAnswer:
		return pbx.VerdictNoAnswer
	case pbx.CauseUnreachable, pbx.CauseNetwork:
		return pbx.VerdictUnreachable
	case pbx.CauseNotInService:
		return pbx.VerdictNumberUnknown
	case pbx.CauseAnsweredElsewhere:
		return pbx.VerdictElsewhere
	case pbx.CauseIncompatible:
		return pbx.VerdictIncompatible
	case pbx.CauseNormal, pbx.CauseForbidden, pbx.CauseCongested, pbx.CauseMediaTimeout, pbx.CauseProtocol,
		pbx.CauseShutdown, pbx.CauseRestart, pbx.CauseLoop, pbx.CauseFault:
		return pbx.VerdictFailed
	}
	return pbx.VerdictFailed
}

// outcomes says of everything that was, or could have been, rung how it went.
func (s *story) outcomes() []pbx.TraceOutcome {
	var out []pbx.TraceOutcome
	legs := map[pbx.LegID]int{} // leg → index in out
	for _, e := range s.events {
		switch b := e.Body.(type) {
		case pbx.CallDecision:
			if o, ok := notRung(b); ok {
				out = append(out, o)
			}
		case pbx.LegStarted:
			if !b.Incoming {
				legs[e.Leg] = len(out)
				out = append(out, pbx.TraceOutcome{
					Extension: b.Party.Number, Device: b.Party.Device, Name: b.Party.Name, Leg: e.Leg,
					Verdict: pbx.VerdictRunning,
				})
			}
		case pbx.LegAnswered:
			if i, ok := legs[e.Leg]; ok {
				out[i].Verdict = pbx.VerdictAnswered
			}
		case pbx.LegEnded:
			if i, ok := legs[e.Leg]; ok {
				s.ended(&out[i], b.Cause)
			}
		}
	}
	return out
}

// ended judges a leg that was rung. One that answered a moment too late has lost
// to the other.
func (s *story) ended(o *pbx.TraceOutcome, c pbx.Cause) {
	if o.Verdict == pbx.VerdictAnswered && c.Code != pbx.CauseAnsweredElsewhere {
		return
	}
	o.Verdict = verdictOf(c.Code)
	if o.Verdict == pbx.VerdictUnreachable || o.Verdict == pbx.VerdictFailed {
		o.Params = s.response(o.Leg)
		o.Params["cause"] = string(c.Code)
	}
}

// response says what a device answered to its INVITE.
func (s *story) response(leg pbx.LegID) map[string]string {
	for _, d := range s.dialogs {
		if d.leg != leg {
			continue
		}
		p := map[string]string{}
		for _, m := range d.messages {
			if m.sent {
				continue
			}
			if status := statusOf(m.raw); status >= 100 {
				p["status"] = strconv.Itoa(status)
			}
		}
		if p["status"] == "" {
			p["response"] = "none"
		}
		return p
	}
	return map[string]string{}
}

// notRung reads the decisions not to ring something; a device that was rung has
// legs, which tell more.
func notRung(b pbx.CallDecision) (pbx.TraceOutcome, bool) {
	o := pbx.TraceOutcome{
		Extension: b.Params["extension"], Device: b.Params["device"], Name: b.Params["name"],
		Params: maps.Clone(b.Params),
	}
	switch {
	case b.Step == pbx.StepNoDevices:
		o.Verdict = pbx.VerdictNoDevices
		return o, true
	case b.Step != pbx.StepDevice:
		return o, false
	}
	switch b.Params["state"] {
	case pbx.DeviceNotRegistered:
		o.Verdict = pbx.VerdictNotRegistered
		if b.Params["at"] != "" {
			o.Verdict = pbx.VerdictExpired
		}
	case pbx.DeviceOwnLine:
		o.Verdict = pbx.VerdictBusy
	case pbx.DeviceNotRung:
		o.Verdict = pbx.VerdictFailed
	default:
		return o, false
	}
	return o, true
}
