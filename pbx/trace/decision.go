package trace

import (
	"strconv"

	"klapka.dev/klapka/pbx"
)

// decision is an event as a line of the story: a code, and its particulars for
// the words that the client has for it.
func decision(e pbx.Event) pbx.TraceEntry {
	t := pbx.TraceEntry{
		At: e.At.UTC(), Kind: pbx.TraceDecision, Leg: e.Leg, Title: e.Body.Kind(), Tone: pbx.ToneInfo,
		From: pbx.TraceSelf, To: pbx.TraceSelf,
	}
	switch b := e.Body.(type) {
	case pbx.CallStarted:
		t.Params = params("from", b.From.Number, "name", b.From.Name, "dialled", b.Dialled, "to", b.To.String())
	case pbx.CallAnswered:
		t.Params, t.Tone = params("by", b.By.Number, "name", b.By.Name), pbx.ToneGood
	case pbx.CallEnded:
		t.Params, t.Tone = ofCause(b.Cause)
	case pbx.CallRefused:
		t.Params = params("reason", b.Reason, "from", b.From, "dialled", b.Dialled, "source", b.Source)
		t.Tone = pbx.ToneBad
	case pbx.CallDecision:
		t.Title, t.Params = b.Step, b.Params
		if _, off := notRung(b); off {
			t.Tone = pbx.ToneBad
		}
	default:
		ofLeg(&t, e.Body)
	}
	return t
}

// ofLeg is decision for the events of one leg.
func ofLeg(t *pbx.TraceEntry, body pbx.EventBody) {
	switch b := body.(type) {
	case pbx.LegStarted:
		direction := "outgoing"
		if b.Incoming {
			direction = "incoming"
		}
		t.Params = params("direction", direction, "number", b.Party.Number, "name", b.Party.Name,
			"edge", b.Edge, "remote", b.Remote, "user_agent", b.UA)
	case pbx.LegRinging:
		t.Params = params("early", strconv.FormatBool(b.Early))
	case pbx.LegAnswered:
		t.Params, t.Tone = params("codec", b.Codec), pbx.ToneGood
	case pbx.LegHeld:
		t.Params = params("held", strconv.FormatBool(b.Held))
	case pbx.LegEnded:
		t.Params, t.Tone = ofCause(b.Cause)
	case pbx.BridgeJoined:
		t.Params = params("role", b.Role)
	}
}

func ofCause(c pbx.Cause) (map[string]string, pbx.TraceTone) {
	tone := pbx.ToneBad
	if c.Code == pbx.CauseNormal || c.Code == pbx.CauseAnsweredElsewhere {
		tone = pbx.ToneInfo
	}
	return params("cause", string(c.Code), "party", string(c.By), "detail", c.Text), tone
}

// params makes a map of names and values, without the empty ones. What phones say
// of themselves is made printable.
func params(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = printable(pairs[i+1])
		}
	}
	return m
}
