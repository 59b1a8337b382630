package trace

import (
	"cmp"
	"slices"
	"strings"

	"klapka.dev/klapka/pbx"
)

// Traces implements pbx.Traces.
func (r *Recorder) Traces(search string) []pbx.TraceHead {
	search = strings.ToLower(strings.TrimSpace(search))
	r.mu.Lock()
	defer r.mu.Unlock()
	heads := make([]pbx.TraceHead, 0, len(r.calls.list)+len(r.refused.list))
	for _, list := range [][]*story{r.calls.list, r.refused.list} {
		for _, s := range slices.Backward(list) {
			if !s.shown() {
				continue
			}
			if h := s.head(); matches(h, search) {
				heads = append(heads, h)
			}
		}
	}
	slices.SortStableFunc(heads, func(a, b pbx.TraceHead) int { return b.StartedAt.Compare(a.StartedAt) })
	return heads
}

func matches(h pbx.TraceHead, search string) bool {
	for _, s := range []string{h.From.Number, h.From.Name, h.Dialled, h.Source, string(h.ID)} {
		if strings.Contains(strings.ToLower(s), search) {
			return true
		}
	}
	return false
}

// Trace implements pbx.Traces.
func (r *Recorder) Trace(id pbx.CallID) (pbx.Trace, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := cmp.Or(r.calls.byID[id], r.refused.byID[id])
	if s == nil || !s.shown() {
		return pbx.Trace{}, pbx.Errorf(pbx.NotFound, "this call is not remembered, or no longer")
	}
	t := pbx.Trace{TraceHead: s.head(), Entries: s.entries(), Outcomes: s.outcomes(), Dropped: s.dropped}
	for _, d := range s.dialogs {
		t.Dropped += d.dropped
	}
	return t, nil
}

// shown is false for what only looks like a refused call: an INVITE of ours whose
// call is not known yet, and one within a dialog whose story was forgotten.
func (s *story) shown() bool {
	if s.isCall || s.refused != nil {
		return true
	}
	for _, d := range s.dialogs {
		if len(d.messages) > 0 {
			first := d.messages[0]
			return !first.sent && !strings.Contains(strings.ToLower(header(first.raw, "to", "t")), ";tag=")
		}
	}
	return false
}

func (s *story) head() pbx.TraceHead {
	h := pbx.TraceHead{ID: s.id, StartedAt: s.at, Verdict: pbx.VerdictRunning}
	if !s.isCall {
		s.refusedHead(&h)
		return h
	}
	answered := false
	for _, e := range s.events {
		switch b := e.Body.(type) {
		case pbx.CallStarted:
			h.From, h.Dialled = b.From, b.Dialled
		case pbx.LegStarted:
			if b.Incoming && h.Source == "" {
				h.Source = b.Remote
			}
		case pbx.CallAnswered:
			answered = true
		case pbx.LegAnswered:
			answered = answered || s.dialledLegs() == 0 // an echo test, an announcement
		case pbx.CallEnded:
			h.EndedAt, h.Cause = e.At, b.Cause
		}
	}
	switch {
	case answered:
		h.Verdict = pbx.VerdictAnswered
	case !h.EndedAt.IsZero():
		h.Verdict = s.verdict(h.Cause.Code)
	}
	return h
}

// dialledLegs counts the legs that were rung.
func (s *story) dialledLegs() (n int) {
	for _, e := range s.events {
		if b, ok := e.Body.(pbx.LegStarted); ok && !b.Incoming {
			n++
		}
	}
	return n
}

// refusedHead describes an INVITE that did not become a call; what nobody
// authenticated is as the message claims it.
func (s *story) refusedHead(h *pbx.TraceHead) {
	h.Refused, h.Attempts = "challenge", s.attempts // asked for credentials, and never came back
	if b := s.refused; b != nil {
		h.Refused, h.Source, h.Dialled = b.Reason, b.Source, b.Dialled
		h.From.Number = b.From
	}
	for _, d := range s.dialogs {
		if len(d.messages) == 0 {
			continue
		}
		m := d.messages[0]
		h.Source = cmp.Or(h.Source, m.remote.String())
		h.From.Number = cmp.Or(h.From.Number, userOf(header(m.raw, "from", "f")))
		h.Dialled = cmp.Or(h.Dialled, userOf(requestURI(m.raw)))
		h.EndedAt = d.messages[len(d.messages)-1].at
	}
	h.From.Number, h.Dialled = printable(h.From.Number), printable(h.Dialled)
	if h.EndedAt.IsZero() {
		h.EndedAt = s.at
	}
	switch h.Refused {
	case "digest", "challenge":
		h.Verdict = pbx.VerdictRefusedDigest
	case "banned":
		h.Verdict = pbx.VerdictBanned
	default:
		h.Verdict = pbx.VerdictRefused
	}
}

// entries is the story in the order of time.
func (s *story) entries() []pbx.TraceEntry {
	var out []pbx.TraceEntry
	parties := s.parties()
	for _, d := range s.dialogs {
		for _, m := range d.messages {
			out = append(out, m.entry(d.leg, parties[d.leg]))
		}
	}
	for _, e := range s.events {
		out = append(out, decision(e))
	}
	if s.refused != nil {
		at := s.at
		if len(out) > 0 {
			at = out[len(out)-1].At
		}
		out = append(out, decision(pbx.Event{At: at, Body: *s.refused}))
	}
	slices.SortStableFunc(out, func(a, b pbx.TraceEntry) int { return a.At.Compare(b.At) })
	return out
}

// parties names whose each leg is.
func (s *story) parties() map[pbx.LegID]string {
	names := map[pbx.LegID]string{}
	for _, e := range s.events {
		if b, ok := e.Body.(pbx.LegStarted); ok {
			names[e.Leg] = b.Party.Number
		}
	}
	return names
}

func (m message) entry(leg pbx.LegID, party string) pbx.TraceEntry {
	peer := strings.TrimSpace(party + " " + m.remote.String())
	e := pbx.TraceEntry{
		At: m.at.UTC(), Kind: pbx.TraceMessage, Leg: leg, From: peer, To: pbx.TraceSelf,
		Raw: redact(m.raw), Title: title(m.raw), Tone: pbx.ToneInfo,
		Params: map[string]string{"edge": m.edge},
	}
	if m.sent {
		e.From, e.To = e.To, e.From
	}
	switch status := statusOf(m.raw); {
	case status >= 200 && status < 300:
		e.Tone = pbx.ToneGood
	case status >= 400 && status != 401 && status != 407:
		e.Tone = pbx.ToneBad
	}
	return e
}
