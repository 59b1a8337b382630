package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

// Numbers of records in one answer.
const (
	defaultCalls = 50
	maxCalls     = 500
)

// callPartyRow says that an extension took part in a call: as caller, as
// answering party, or rung. Together with the time of the call in the key it
// makes "the newest calls of 101" a walk along the index, however many calls 101
// ever had.
type callPartyRow struct {
	Extension string    `gorm:"primaryKey"`
	Started   time.Time `gorm:"column:started_at;primaryKey"`
	Call      string    `gorm:"column:call_id;primaryKey"`
}

func (callPartyRow) TableName() string { return "call_parties" }

func rowsOfParties(r pbx.CallRecord) []callPartyRow {
	extensions := []string{wire(r.From.Extension), wire(r.AnsweredBy.Extension)}
	for _, l := range r.Legs {
		extensions = append(extensions, wire(l.Party.Extension))
	}
	slices.Sort(extensions)
	var rows []callPartyRow
	for _, e := range slices.Compact(extensions) {
		if e != "" {
			rows = append(rows, callPartyRow{Extension: e, Started: utc(r.StartedAt), Call: wire(string(r.ID))})
		}
	}
	return rows
}

// searchText is folded here, because SQLite lowers ASCII letters only.
func searchText(r pbx.CallRecord) string {
	words := []string{r.From.Number, r.From.Name, r.Dialled, r.AnsweredBy.Number, r.AnsweredBy.Name}
	for _, l := range r.Legs {
		words = append(words, l.Party.Number, l.Party.Name)
	}
	for i, w := range words {
		words[i] = strings.ToLower(wire(w))
	}
	slices.Sort(words)
	return strings.Trim(strings.Join(slices.Compact(words), "\n"), "\n")
}

// CallRecord implements pbx.CallRecords.
func (c conn) CallRecord(ctx context.Context, id pbx.CallID) (pbx.CallRecord, error) {
	row, err := take[callRow](ctx, c, "id = ?", string(id))
	if err != nil {
		return pbx.CallRecord{}, missing(err, "there is no such call")
	}
	records, err := c.withLegs(ctx, []callRow{row})
	if err != nil {
		return pbx.CallRecord{}, err
	}
	return records[0], nil
}

// CallRecords implements pbx.CallRecords. Since is included, Until is not.
// NotFound when there is no call Before.
func (c conn) CallRecords(ctx context.Context, f pbx.CallFilter) ([]pbx.CallRecord, error) {
	var before callRow
	if f.Before != "" {
		var err error
		if before, err = take[callRow](ctx, c, "id = ?", string(f.Before)); err != nil {
			return nil, missing(err, "there is no such call to continue from")
		}
	}
	var rows []callRow
	err := c.run(ctx, func(db *gorm.DB) error { return selectCalls(db, f, before).Find(&rows).Error })
	if err != nil {
		return nil, err
	}
	return c.withLegs(ctx, rows)
}

// selectCalls builds the query. Calls of one extension are reached through
// call_parties, whose key then carries every condition on time and order.
func selectCalls(db *gorm.DB, f pbx.CallFilter, before callRow) *gorm.DB {
	q, at, id := db.Table("calls AS c").Select("c.*"), "c.started_at", "c.id"
	if f.Extension != "" {
		q = db.Table("call_parties AS p").Select("c.*").Joins("JOIN calls AS c ON c.id = p.call_id").
			Where("p.extension = ?", wire(f.Extension))
		at, id = "p.started_at", "p.call_id"
	}
	if !f.Since.IsZero() {
		q = q.Where(at+" >= ?", utc(f.Since))
	}
	if !f.Until.IsZero() {
		q = q.Where(at+" < ?", utc(f.Until))
	}
	if before.ID != "" {
		q = q.Where("("+at+", "+id+") < (?, ?)", utc(before.Started), before.ID)
	}
	if f.Cause != "" {
		q = q.Where("c.cause_code = ?", wire(string(f.Cause)))
	}
	if f.Open != nil && *f.Open {
		q = q.Where("c.ended_at IS NULL")
	} else if f.Open != nil {
		q = q.Where("c.ended_at IS NOT NULL")
	}
	if s := strings.TrimSpace(f.Search); s != "" {
		q = q.Where(`c.search LIKE ? ESCAPE '\'`, "%"+likeText(strings.ToLower(wire(s)))+"%")
	}
	limit := cmp.Or(max(f.Limit, 0), defaultCalls)
	return q.Order(at + " DESC, " + id + " DESC").Limit(min(limit, maxCalls))
}

// likeText takes the meaning from the wildcards of LIKE.
func likeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s)
}

// withLegs turns rows into records, with all legs read at once.
func (c conn) withLegs(ctx context.Context, rows []callRow) ([]pbx.CallRecord, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	var legs []legRow
	err := c.run(ctx, func(db *gorm.DB) error {
		return db.Where("call_id IN ?", ids).Order("call_id, position").Find(&legs).Error
	})
	if err != nil {
		return nil, err
	}
	byCall := make(map[string][]pbx.LegRecord, len(rows))
	for _, l := range legs {
		byCall[l.Call] = append(byCall[l.Call], l.leg())
	}
	records := make([]pbx.CallRecord, len(rows))
	for i, r := range rows {
		if records[i], err = r.record(); err != nil {
			return nil, err
		}
		records[i].Legs = byCall[r.ID]
	}
	return records, nil
}
