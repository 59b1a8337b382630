package pbx

import (
	"context"
	"time"
)

// CallRecord is the history row of one call; it is a view of its events.
type CallRecord struct {
	ID         CallID
	From       PartyInfo
	Dialled    string
	To         Target
	AnsweredBy PartyInfo // zero: nobody
	StartedAt  time.Time
	RangAt     time.Time // zero: nothing rang
	AnsweredAt time.Time // zero: no conversation
	EndedAt    time.Time // zero: running
	Cause      Cause     // zero while running
	Legs       []LegRecord
}

// LegRecord is the history row of one leg of a call.
type LegRecord struct {
	ID         LegID
	Call       CallID
	Parent     LegID
	Incoming   bool
	Party      PartyInfo
	Edge       string
	Remote     string
	SIPCall    string
	UserAgent  string
	StartedAt  time.Time
	RangAt     time.Time
	AnsweredAt time.Time
	EndedAt    time.Time
	Cause      Cause
	Quality    Quality
}

// CallFilter selects call records; zero fields do not restrict. The newest come
// first.
type CallFilter struct {
	Extension string // as caller, as answering party or as somebody who was rung
	Since     time.Time
	Until     time.Time
	Cause     CauseCode
	Open      *bool  // running or not
	Search    string // part of a number or name
	Before    CallID // paging: records older than this one
	Limit     int    // default 50, at most 500
}

// CallRecords is the port to stored call records.
type CallRecords interface {
	CallRecord(ctx context.Context, id CallID) (CallRecord, error)
	CallRecords(ctx context.Context, f CallFilter) ([]CallRecord, error)
}
