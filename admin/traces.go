package admin

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
)

// TraceHead is one call, or one refused attempt, in the list of traces.
type TraceHead struct {
	Call      pbx.CallID                  `json:"call" doc:"Of a refused attempt: a name of the trace's own."`
	From      live.Peer                   `json:"from"`
	Dialled   string                      `json:"dialled"`
	Source    string                      `json:"source" doc:"ip:port the call came from."`
	StartedAt time.Time                   `json:"started_at"`
	EndedAt   *time.Time                  `json:"ended_at"`
	Refused   *string                     `json:"refused" doc:"Why it did not become a call; null: it did."`
	Attempts  int                         `json:"attempts" doc:"How many refused attempts this stands for."`
	Cause     web.Nullable[live.EndCause] `json:"cause"`
	Verdict   pbx.Verdict                 `json:"verdict" enum:"running,answered,answered_elsewhere,declined,busy,no_answer,cancelled_by_caller,not_registered,registration_expired_at,unreachable,incompatible,number_unknown,refused_digest,banned,refused,no_devices,failed"`
}

// Trace is the story of one call.
type Trace struct {
	TraceHead
	Entries  []TraceEntry   `json:"entries" nullable:"false"`
	Outcomes []TraceOutcome `json:"outcomes" nullable:"false" doc:"Of every device: why it rang or did not."`
	Dropped  int            `json:"dropped" doc:"Entries that were not kept."`
}

// TraceEntry is one line of a call's story: a message that passed, or a decision.
type TraceEntry struct {
	At     time.Time          `json:"at"`
	Kind   pbx.TraceEntryKind `json:"kind" enum:"message,decision"`
	Leg    pbx.LegID          `json:"leg"`
	From   string             `json:"from" doc:"Of a message; the exchange is klapka."`
	To     string             `json:"to"`
	Title  string             `json:"title" doc:"Start of a message, or code of a decision."`
	Params map[string]string  `json:"params" doc:"Of a decision: what its words need."`
	Text   string             `json:"text" doc:"The whole message, or the decision's particulars."`
	Tone   pbx.TraceTone      `json:"tone" enum:"info,good,bad"`
}

// TraceOutcome says why a device, or an extension as a whole, rang or did not.
type TraceOutcome struct {
	Extension string            `json:"extension"`
	Device    string            `json:"device" doc:"Device id; empty: the extension as a whole."`
	Name      string            `json:"name"`
	Leg       pbx.LegID         `json:"leg"`
	Verdict   pbx.Verdict       `json:"verdict"`
	Params    map[string]string `json:"params"`
}

type (
	tracesInput struct {
		Search string `query:"search" maxLength:"100" doc:"Part of a number, name, address or call id."`
	}
	tracesOutput struct {
		Body []TraceHead `nullable:"false"`
	}
	traceOutput  struct{ Body Trace }
	ladderOutput struct {
		ContentType string `header:"Content-Type"`
		Disposition string `header:"Content-Disposition"`
		Body        []byte
	}
)

func (a API) listTraces(_ context.Context, in *tracesInput) (*tracesOutput, error) {
	all := a.Traces.Traces(in.Search)
	out := &tracesOutput{Body: make([]TraceHead, len(all))}
	for i, h := range all {
		out.Body[i] = headOf(h)
	}
	return out, nil
}

func headOf(h pbx.TraceHead) TraceHead {
	return TraceHead{
		Call: h.ID, From: peerOf(h.From), Dialled: h.Dialled, Source: h.Source, StartedAt: h.StartedAt.UTC(),
		EndedAt: when(h.EndedAt), Refused: null(h.Refused), Attempts: h.Attempts, Cause: causeOf(h.Cause), Verdict: h.Verdict,
	}
}

func (a API) getTrace(_ context.Context, in *callPath) (*traceOutput, error) {
	t, err := a.Traces.Trace(in.Call)
	if err != nil {
		return nil, err
	}
	v := Trace{
		TraceHead: headOf(t.TraceHead), Dropped: t.Dropped,
		Entries: make([]TraceEntry, len(t.Entries)), Outcomes: make([]TraceOutcome, len(t.Outcomes)),
	}
	for i, e := range t.Entries {
		v.Entries[i] = TraceEntry{e.At, e.Kind, e.Leg, e.From, e.To, e.Title, orEmpty(e.Params), e.Raw, e.Tone}
		if e.Kind == pbx.TraceDecision {
			v.Entries[i].Text = particulars(e.Params)
		}
	}
	for i, o := range t.Outcomes {
		v.Outcomes[i] = TraceOutcome{o.Extension, o.Device, o.Name, o.Leg, o.Verdict, orEmpty(o.Params)}
	}
	return &traceOutput{v}, nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// particulars are parameters in a fixed order, a line each.
func particulars(params map[string]string) string {
	lines := make([]string, 0, len(params))
	for _, k := range slices.Sorted(maps.Keys(params)) {
		lines = append(lines, k+": "+params[k])
	}
	return strings.Join(lines, "\n")
}

func (a API) getLadder(_ context.Context, in *callPath) (*ladderOutput, error) {
	t, err := a.Traces.Trace(in.Call)
	if err != nil {
		return nil, err
	}
	name := `attachment; filename="klapka-` + string(t.ID) + `.txt"`
	return &ladderOutput{"text/plain; charset=utf-8", name, []byte(a.Ladder(t))}, nil
}
