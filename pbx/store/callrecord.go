package store

import (
	"fmt"
	"math"
	"time"

	"klapka.dev/klapka/pbx"
)

// partyColumns are the columns of a pbx.PartyInfo.
type partyColumns struct {
	Number    string
	Name      string
	Extension string
	User      string
	Device    string
	Language  string
}

// causeColumns are the columns of a pbx.Cause.
type causeColumns struct {
	Code string
	By   string
	Text string
}

// callRow is one call. Search holds, in lower case, every number and name a
// person may look for.
type callRow struct {
	ID         string       `gorm:"primaryKey"`
	From       partyColumns `gorm:"embedded;embeddedPrefix:from_"`
	Dialled    string
	To         string       `gorm:"column:to_target"`
	AnsweredBy partyColumns `gorm:"embedded;embeddedPrefix:answerer_"`
	Started    time.Time    `gorm:"column:started_at"`
	Rang       *time.Time   `gorm:"column:rang_at"`
	Answered   *time.Time   `gorm:"column:answered_at"`
	Ended      *time.Time   `gorm:"column:ended_at"`
	Cause      causeColumns `gorm:"embedded;embeddedPrefix:cause_"`
	Search     string
}

// legRow is one leg of a call, at its place in the record.
type legRow struct {
	Call      string `gorm:"column:call_id;primaryKey"`
	Position  int    `gorm:"primaryKey;autoIncrement:false"`
	ID        string
	Parent    string
	Incoming  bool
	Party     partyColumns `gorm:"embedded;embeddedPrefix:party_"`
	Edge      string
	Remote    string
	SIPCall   string `gorm:"column:sip_call"`
	UserAgent string
	Started   *time.Time     `gorm:"column:started_at"`
	Rang      *time.Time     `gorm:"column:rang_at"`
	Answered  *time.Time     `gorm:"column:answered_at"`
	Ended     *time.Time     `gorm:"column:ended_at"`
	Cause     causeColumns   `gorm:"embedded;embeddedPrefix:cause_"`
	Quality   qualityColumns `gorm:"embedded;embeddedPrefix:quality_"`
}

// qualityColumns are the columns of a pbx.Quality.
type qualityColumns struct {
	Codec           string
	PacketsSent     int64
	PacketsReceived int64
	PacketsLost     int64
	JitterMS        float64 `gorm:"column:jitter_ms"`
	RemoteLost      int64
	RemoteJitterMS  float64 `gorm:"column:remote_jitter_ms"`
	RoundTripMS     float64 `gorm:"column:round_trip_ms"`
	Ignored         int64
	Impairment      string
}

func (callRow) TableName() string { return "calls" }
func (legRow) TableName() string  { return "legs" }

func columnsOfParty(p pbx.PartyInfo) partyColumns {
	return partyColumns{
		Number: wire(p.Number), Name: wire(p.Name), Extension: wire(p.Extension), User: wire(p.User),
		Device: wire(p.Device), Language: wire(string(p.Language)),
	}
}

func (c partyColumns) party() pbx.PartyInfo {
	return pbx.PartyInfo{
		Number: c.Number, Name: c.Name, Extension: c.Extension, User: c.User, Device: c.Device,
		Language: pbx.Language(c.Language),
	}
}

func columnsOfCause(c pbx.Cause) causeColumns {
	return causeColumns{Code: wire(string(c.Code)), By: wire(string(c.By)), Text: wire(c.Text)}
}

func (c causeColumns) cause() pbx.Cause {
	return pbx.Cause{Code: pbx.CauseCode(c.Code), By: pbx.Party(c.By), Text: c.Text}
}

func columnsOfQuality(q pbx.Quality) qualityColumns {
	return qualityColumns{
		Codec: wire(q.Codec), PacketsSent: count(q.PacketsSent), PacketsReceived: count(q.PacketsReceived),
		PacketsLost: count(q.PacketsLost), JitterMS: finite(q.JitterMS), RemoteLost: count(q.RemoteLost),
		RemoteJitterMS: finite(q.RemoteJitterMS), RoundTripMS: finite(q.RoundTripMS), Ignored: count(q.Ignored),
		Impairment: wire(q.Impairment),
	}
}

func (c qualityColumns) quality() pbx.Quality {
	return pbx.Quality{
		Codec: c.Codec, PacketsSent: uint64(c.PacketsSent), PacketsReceived: uint64(c.PacketsReceived),
		PacketsLost: uint64(c.PacketsLost), JitterMS: c.JitterMS, RemoteLost: uint64(c.RemoteLost),
		RemoteJitterMS: c.RemoteJitterMS, RoundTripMS: c.RoundTripMS, Ignored: uint64(c.Ignored),
		Impairment: c.Impairment,
	}.Rated()
}

func rowOfCall(r pbx.CallRecord) callRow {
	to := ""
	if !r.To.IsZero() {
		to = wire(r.To.String())
	}
	return callRow{
		ID: wire(string(r.ID)), From: columnsOfParty(r.From), Dialled: wire(r.Dialled), To: to,
		AnsweredBy: columnsOfParty(r.AnsweredBy), Started: utc(r.StartedAt), Rang: nullTime(r.RangAt),
		Answered: nullTime(r.AnsweredAt), Ended: nullTime(r.EndedAt), Cause: columnsOfCause(r.Cause),
		Search: searchText(r),
	}
}

func rowsOfLegs(r pbx.CallRecord) []legRow {
	rows := make([]legRow, len(r.Legs))
	for i, l := range r.Legs {
		rows[i] = legRow{
			Call: wire(string(r.ID)), Position: i, ID: wire(string(l.ID)), Parent: wire(string(l.Parent)),
			Incoming: l.Incoming, Party: columnsOfParty(l.Party), Edge: wire(l.Edge), Remote: wire(l.Remote),
			SIPCall: wire(l.SIPCall), UserAgent: wire(l.UserAgent), Started: nullTime(l.StartedAt),
			Rang: nullTime(l.RangAt), Answered: nullTime(l.AnsweredAt), Ended: nullTime(l.EndedAt),
			Cause: columnsOfCause(l.Cause), Quality: columnsOfQuality(l.Quality),
		}
	}
	return rows
}

func (r callRow) record() (pbx.CallRecord, error) {
	rec := pbx.CallRecord{
		ID: pbx.CallID(r.ID), From: r.From.party(), Dialled: r.Dialled, AnsweredBy: r.AnsweredBy.party(),
		StartedAt: utc(r.Started), RangAt: timeOf(r.Rang), AnsweredAt: timeOf(r.Answered),
		EndedAt: timeOf(r.Ended), Cause: r.Cause.cause(),
	}
	if err := rec.To.UnmarshalText([]byte(r.To)); err != nil {
		return rec, fmt.Errorf("target of call %s: %w", r.ID, err)
	}
	return rec, nil
}

func (r legRow) leg() pbx.LegRecord {
	return pbx.LegRecord{
		ID: pbx.LegID(r.ID), Call: pbx.CallID(r.Call), Parent: pbx.LegID(r.Parent), Incoming: r.Incoming,
		Party: r.Party.party(), Edge: r.Edge, Remote: r.Remote, SIPCall: r.SIPCall, UserAgent: r.UserAgent,
		StartedAt: timeOf(r.Started), RangAt: timeOf(r.Rang), AnsweredAt: timeOf(r.Answered),
		EndedAt: timeOf(r.Ended), Cause: r.Cause.cause(), Quality: r.Quality.quality(),
	}
}

// count is n for a signed column.
func count(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// finite is x, or 0 for what has no place in a NOT NULL column of SQLite.
func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}
