package registry

import (
	"context"
	"errors"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
)

// FollowerName is the name under which the database's position in the journal is
// kept.
const FollowerName = "registrations"

// linger is how far the rows may be behind, which nobody sees: they are read at
// start-up only, together with what the journal has beyond them.
const linger = 200 * time.Millisecond

// Follower writes registrations from the journal into the ledger; give it to
// event.Bus.Follow.
func Follower(l pbx.Ledger) event.Follower {
	return event.Follower{
		Name:   FollowerName,
		Ledger: l,
		Linger: linger,
		Wants:  concerns,
		Handle: func(tx pbx.LedgerTx, batch []pbx.Event) error {
			rows := make(map[rowKey]*pbx.Binding, len(batch))
			order := collect(rows, batch)
			for _, k := range order {
				var err error
				if b := rows[k]; b != nil {
					err = tx.SaveBinding(*b)
				} else {
					err = tx.DeleteBinding(k.device, k.key)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func concerns(e pbx.Event) bool {
	switch e.Body.(type) {
	case pbx.DeviceRegistered, pbx.DeviceUnregistered:
		return true
	}
	return false
}

// rowKey names a row of the ledger.
type rowKey struct{ device, key string }

// collect reduces events to what each row is afterwards, nil for gone, so that a
// phone that refreshed ten times while the database was away is written once. It
// returns the keys in order of their first event.
func collect(rows map[rowKey]*pbx.Binding, batch []pbx.Event) []rowKey {
	var order []rowKey
	note := func(b pbx.Binding, row *pbx.Binding) {
		k := rowKey{b.Device, b.Key()}
		if _, had := rows[k]; !had {
			order = append(order, k)
		}
		rows[k] = row
	}
	for _, e := range batch {
		switch body := e.Body.(type) {
		case pbx.DeviceRegistered:
			note(body.Binding, &body.Binding)
		case pbx.DeviceUnregistered:
			note(body.Binding, nil)
		}
	}
	return order
}

// Journal is what start-up reads; event.Bus is one.
type Journal interface {
	// Replay calls fn for every history event after a sequence number, in order.
	Replay(after uint64, fn func(pbx.Event) error) error
}

// Restore reads the registrations as they were when the exchange stopped,
// however it stopped: the rows of the ledger and what the journal has beyond
// them. Give the result to Load, before Follow. It fails with Unavailable while
// the database is away; what can be read of the journal alone is returned all
// the same then, so that phones heard of lately can be called.
func Restore(ctx context.Context, l pbx.Ledger, j Journal) ([]pbx.Binding, error) {
	rows := make(map[rowKey]*pbx.Binding)
	var order []rowKey
	after, err := stored(ctx, l, func(bs []pbx.Binding) {
		clear(rows)
		order = order[:0]
		for _, b := range bs {
			k := rowKey{b.Device, b.Key()}
			rows[k] = &b
			order = append(order, k)
		}
	})
	if err != nil {
		after = 0
	}
	jerr := j.Replay(after, func(e pbx.Event) error {
		order = append(order, collect(rows, []pbx.Event{e})...)
		return nil
	})
	seen := make(map[rowKey]bool, len(order))
	var out []pbx.Binding
	for _, k := range order {
		if b := rows[k]; b != nil && !seen[k] {
			seen[k] = true
			out = append(out, *b)
		}
	}
	return out, errors.Join(err, jerr)
}

// stored reads rows and cursor of one moment: in a transaction that moves the
// cursor from where it is to where it is.
func stored(ctx context.Context, l pbx.Ledger, take func([]pbx.Binding)) (uint64, error) {
	for {
		after, err := l.Cursor(ctx, FollowerName)
		if err != nil {
			return 0, err
		}
		err = l.Apply(ctx, FollowerName, after, after, func(tx pbx.LedgerTx) error {
			bs, err := tx.Bindings()
			if err == nil {
				take(bs)
			}
			return err
		})
		if pbx.CodeOf(err) == pbx.Conflict && ctx.Err() == nil {
			continue // the cursor moved between the two
		}
		return after, err
	}
}
