package store

import (
	"gorm.io/gorm"

	"klapka.dev/klapka/pbx"
)

// pending is what a transaction is to write. It is collected and written at the
// end, many rows with a statement; of several writes of one row the last counts.
type pending struct {
	calls    []pbx.CallRecord
	callAt   map[string]int // place in calls by the id as stored
	bindings []bindingRow
	gone     []bindingKey
	boundAt  map[bindingKey]int // place in bindings; -1: gone
}

// bindingKey is the primary key of a bindingRow.
type bindingKey struct{ device, hash string }

func (p *pending) saveCall(r pbx.CallRecord) {
	id := wire(string(r.ID))
	if at, again := p.callAt[id]; again {
		p.calls[at] = r
		return
	}
	if p.callAt == nil {
		p.callAt = make(map[string]int)
	}
	p.callAt[id] = len(p.calls)
	p.calls = append(p.calls, r)
}

func (p *pending) saveBinding(row bindingRow) {
	k := bindingKey{row.Device, row.KeyHash}
	if at, again := p.boundAt[k]; again && at >= 0 {
		p.bindings[at] = row
		return
	}
	p.note(k, len(p.bindings))
	p.bindings = append(p.bindings, row)
}

func (p *pending) deleteBinding(k bindingKey) {
	p.note(k, -1)
	p.gone = append(p.gone, k)
}

func (p *pending) note(k bindingKey, at int) {
	if p.boundAt == nil {
		p.boundAt = make(map[bindingKey]int)
	}
	p.boundAt[k] = at
}

// write brings everything into the database. Deletions come first: what was saved
// after it was deleted is there in the end, and what was deleted last is left out.
func (p *pending) write(db *gorm.DB) error {
	for _, k := range p.gone {
		if err := db.Where("device = ? AND key_hash = ?", k.device, k.hash).Delete(&bindingRow{}).Error; err != nil {
			return err
		}
	}
	var rows []bindingRow
	for i, row := range p.bindings {
		if p.boundAt[bindingKey{row.Device, row.KeyHash}] == i {
			rows = append(rows, row)
		}
	}
	if err := bindingTable().upsert(db, rows); err != nil {
		return err
	}
	return p.writeCalls(db)
}

// writeCalls replaces the legs and parties of each call: there may be fewer.
func (p *pending) writeCalls(db *gorm.DB) error {
	if len(p.calls) == 0 {
		return nil
	}
	ids := make([]any, len(p.calls))
	calls := make([]callRow, len(p.calls))
	var legs []legRow
	var parties []callPartyRow
	for i, r := range p.calls {
		calls[i] = rowOfCall(r)
		ids[i] = calls[i].ID
		legs = append(legs, rowsOfLegs(r)...)
		parties = append(parties, rowsOfParties(r)...)
	}
	for _, old := range []string{legRow{}.TableName(), callPartyRow{}.TableName()} {
		if err := deleteAll(db, old, "call_id", ids); err != nil {
			return err
		}
	}
	if err := callTable().upsert(db, calls); err != nil {
		return err
	}
	if err := partyTable().upsert(db, parties); err != nil {
		return err
	}
	return legTable().upsert(db, legs)
}
