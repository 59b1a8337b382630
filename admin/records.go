package admin

import (
	"context"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
)

// CallRecord is the history of one call.
type CallRecord struct {
	Call       pbx.CallID                  `json:"call"`
	From       live.Peer                   `json:"from"`
	Dialled    string                      `json:"dialled"`
	AnsweredBy web.Nullable[live.Peer]     `json:"answered_by"`
	StartedAt  time.Time                   `json:"started_at"`
	RangAt     *time.Time                  `json:"rang_at"`
	AnsweredAt *time.Time                  `json:"answered_at"`
	EndedAt    *time.Time                  `json:"ended_at" doc:"null: it is running"`
	Cause      web.Nullable[live.EndCause] `json:"cause"`
	Legs       []LegRecord                 `json:"legs" nullable:"false"`
}

// LegRecord is the history of one party of a call.
type LegRecord struct {
	Leg             pbx.LegID                   `json:"leg"`
	Direction       live.Direction              `json:"direction" enum:"incoming,outgoing" doc:"As the exchange sees it."`
	Party           live.Peer                   `json:"party"`
	Device          string                      `json:"device" doc:"Device id."`
	UserAgent       string                      `json:"user_agent"`
	Edge            string                      `json:"edge"`
	Remote          string                      `json:"remote"`
	StartedAt       time.Time                   `json:"started_at"`
	RangAt          *time.Time                  `json:"rang_at"`
	AnsweredAt      *time.Time                  `json:"answered_at"`
	EndedAt         *time.Time                  `json:"ended_at"`
	Cause           web.Nullable[live.EndCause] `json:"cause"`
	Codec           string                      `json:"codec"`
	PacketsSent     uint64                      `json:"packets_sent"`
	PacketsReceived uint64                      `json:"packets_received"`
	PacketsLost     uint64                      `json:"packets_lost"`
	JitterMS        float64                     `json:"jitter_ms"`
	RoundTripMS     float64                     `json:"round_trip_ms" doc:"0: unknown"`
	Quality         live.Sound                  `json:"quality"`
}

// RecordPage is a part of the list.
type RecordPage struct {
	Items []CallRecord `json:"items" nullable:"false"`
	Next  *string      `json:"next" doc:"Cursor of the following part; null: this is the last."`
}

// RecordFilter chooses records. It is exported because huma passes over embedded
// types that are not.
type RecordFilter struct {
	Extension string    `query:"extension" maxLength:"10" doc:"As caller, as answering party or rung."`
	Search    string    `query:"search" maxLength:"100" doc:"Part of a number or name."`
	Since     time.Time `query:"since" doc:"Started then or later."`
	Until     time.Time `query:"until" doc:"Started before."`
	Cause     string    `query:"cause" maxLength:"32" doc:"A cause code."`
	Open      string    `query:"open" enum:"true,false" doc:"Running or not; without it, all."`
}

type (
	recordsInput struct {
		RecordFilter
		Cursor string `query:"cursor" maxLength:"64"`
		Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	}
	recordsOutput struct{ Body RecordPage }
	recordOutput  struct{ Body CallRecord }
)

func (f RecordFilter) filter() (pbx.CallFilter, error) {
	if f.Cause != "" && !known(pbx.CauseCode(f.Cause)) {
		return pbx.CallFilter{}, pbx.FieldErrorf("query.cause", "%q is not a cause", f.Cause)
	}
	out := pbx.CallFilter{
		Extension: f.Extension, Search: f.Search, Since: f.Since, Until: f.Until, Cause: pbx.CauseCode(f.Cause),
	}
	if f.Open != "" {
		open := f.Open == "true"
		out.Open = &open
	}
	return out, nil
}

func known(c pbx.CauseCode) bool {
	for _, k := range pbx.Causes {
		if k == c {
			return true
		}
	}
	return false
}

func (a API) listRecords(ctx context.Context, in *recordsInput) (*recordsOutput, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	f.Before, f.Limit = pbx.CallID(in.Cursor), in.Limit
	records, err := a.Records.CallRecords(ctx, f)
	if pbx.CodeOf(err) == pbx.NotFound {
		return nil, pbx.FieldErrorf("query.cursor", "the list has changed; start from its beginning")
	}
	if err != nil {
		return nil, err
	}
	out := &recordsOutput{RecordPage{Items: make([]CallRecord, len(records))}}
	for i, r := range records {
		out.Body.Items[i] = recordOf(r)
	}
	if n := len(records); n == in.Limit {
		out.Body.Next = null(string(records[n-1].ID))
	}
	return out, nil
}

func (a API) getRecord(ctx context.Context, in *callPath) (*recordOutput, error) {
	r, err := a.Records.CallRecord(ctx, in.Call)
	if err != nil {
		return nil, err
	}
	return &recordOutput{recordOf(r)}, nil
}

func recordOf(r pbx.CallRecord) CallRecord {
	v := CallRecord{
		Call: r.ID, From: peerOf(r.From), Dialled: r.Dialled, StartedAt: r.StartedAt.UTC(), RangAt: when(r.RangAt),
		AnsweredAt: when(r.AnsweredAt), EndedAt: when(r.EndedAt), Cause: causeOf(r.Cause), Legs: make([]LegRecord, len(r.Legs)),
	}
	if r.AnsweredBy.Number != "" {
		v.AnsweredBy = web.Some(peerOf(r.AnsweredBy))
	}
	for i, l := range r.Legs {
		v.Legs[i] = legOf(l)
	}
	return v
}

func legOf(l pbx.LegRecord) LegRecord {
	v := LegRecord{
		Leg: l.ID, Direction: live.Outgoing, Party: peerOf(l.Party), Device: l.Party.Device, UserAgent: l.UserAgent,
		Edge: l.Edge, Remote: l.Remote, StartedAt: l.StartedAt.UTC(), RangAt: when(l.RangAt), AnsweredAt: when(l.AnsweredAt),
		EndedAt: when(l.EndedAt), Cause: causeOf(l.Cause), Codec: l.Quality.Codec, PacketsSent: l.Quality.PacketsSent,
		PacketsReceived: l.Quality.PacketsReceived, PacketsLost: l.Quality.PacketsLost, JitterMS: l.Quality.JitterMS,
		RoundTripMS: l.Quality.RoundTripMS, Quality: live.SoundOf(l.Quality),
	}
	if l.Incoming {
		v.Direction = live.Incoming
	}
	return v
}

// causeOf leaves the text out: it is for the log.
func causeOf(c pbx.Cause) web.Nullable[live.EndCause] {
	if c.Code == "" {
		return web.Nullable[live.EndCause]{}
	}
	return web.Some(live.EndCause{Code: c.Code, By: c.By})
}
