package webclient

import (
	"context"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
)

// HistoryItem is a past call, as one of its people sees it.
type HistoryItem struct {
	Call       pbx.CallID     `json:"call"`
	Direction  live.Direction `json:"direction" enum:"incoming,outgoing"`
	Peer       live.Peer      `json:"peer"`
	StartedAt  time.Time      `json:"started_at"`
	AnsweredAt *time.Time     `json:"answered_at" doc:"null: no conversation of this person's."`
	EndedAt    time.Time      `json:"ended_at"`
	Missed     bool           `json:"missed" doc:"It rang, and he did not answer on any device of his."`
	Cause      live.EndCause  `json:"cause"`
}

// HistoryPage is a part of the list. With many calls of other sorts between, it
// may be shorter than others although there is more.
type HistoryPage struct {
	Items []HistoryItem `json:"items" nullable:"false"`
	Next  *string       `json:"next" doc:"Cursor of the following part; null: this is the last."`
}

type historyInput struct {
	Cursor    string `query:"cursor" maxLength:"64"`
	Direction string `query:"direction" enum:"incoming,outgoing,missed" doc:"Without it, all."`
	Search    string `query:"search" maxLength:"100" doc:"Part of a number or name."`
}

type historyOutput struct{ Body HistoryPage }

// Sizes of a part, and of what is read for it.
const (
	historyItems = 50
	historyReads = 10 // of historyItems records each
)

func (a API) history(ctx context.Context, in *historyInput) (*historyOutput, error) {
	out := &historyOutput{HistoryPage{Items: []HistoryItem{}}}
	mine := web.Who(ctx).Extension.Number
	if mine == "" {
		return out, nil
	}
	over := false
	f := pbx.CallFilter{Extension: mine, Open: &over, Search: in.Search, Before: pbx.CallID(in.Cursor), Limit: historyItems}
	for range historyReads {
		records, err := a.Records.CallRecords(ctx, f)
		if pbx.CodeOf(err) == pbx.NotFound {
			return nil, pbx.FieldErrorf("query.cursor", "the list has changed; start from its beginning")
		}
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			f.Before = r.ID
			if item := historyItem(r, mine); item.is(in.Direction) {
				out.Body.Items = append(out.Body.Items, item)
			}
			if len(out.Body.Items) == historyItems {
				out.Body.Next = cursor(r.ID)
				return out, nil
			}
		}
		if len(records) < historyItems {
			return out, nil
		}
	}
	out.Body.Next = cursor(f.Before)
	return out, nil
}

func cursor(id pbx.CallID) *string {
	text := string(id)
	return &text
}

// is reports whether the item belongs to a filter. Missed calls are incoming
// ones too.
func (i HistoryItem) is(filter string) bool {
	switch filter {
	case "":
		return true
	case "missed":
		return i.Missed
	}
	return string(i.Direction) == filter
}

// historyItem is a record seen from one of its extensions.
func historyItem(r pbx.CallRecord, mine string) HistoryItem {
	i := HistoryItem{
		Call: r.ID, Direction: live.Outgoing, StartedAt: r.StartedAt, EndedAt: r.EndedAt,
		Cause: live.EndCause{Code: r.Cause.Code, By: r.Cause.By},
	}
	if r.From.Extension == mine {
		i.Peer, i.AnsweredAt = calledPeer(r), when(r.AnsweredAt)
		return i
	}
	i.Direction, i.Peer = live.Incoming, live.Peer{Number: r.From.Number, Name: r.From.Name}
	elsewhere := false
	for _, l := range r.Legs {
		if l.Party.Extension != mine || l.Incoming {
			continue
		}
		if !l.AnsweredAt.IsZero() {
			i.AnsweredAt, i.EndedAt = when(l.AnsweredAt), l.EndedAt
			i.Missed = false
			return i
		}
		i.Missed = i.Missed || !l.RangAt.IsZero()
		elsewhere = elsewhere || l.Cause.Code == pbx.CauseAnsweredElsewhere
		i.Cause = live.EndCause{Code: l.Cause.Code, By: l.Cause.By}
	}
	i.Missed = i.Missed && !elsewhere
	return i
}

// calledPeer is whom a call went to: who answered, else who was rung, else the
// number that was dialled.
func calledPeer(r pbx.CallRecord) live.Peer {
	if p := r.AnsweredBy; p.Number != "" {
		return live.Peer{Number: p.Number, Name: p.Name}
	}
	for _, l := range r.Legs {
		if !l.Incoming && l.Party.Number == r.Dialled {
			return live.Peer{Number: r.Dialled, Name: l.Party.Name}
		}
	}
	return live.Peer{Number: r.Dialled}
}

// when is a time, or nil for none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
