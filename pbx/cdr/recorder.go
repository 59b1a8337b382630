package cdr

import (
	"log/slog"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
)

// FollowerName is under which the recorder's cursor is stored.
const FollowerName = "calls"

// linger is how far records may be behind: what happens meanwhile is written at
// once, and a call that is over by then is written a single time.
const linger = 200 * time.Millisecond

// Recorder turns events into call records. It remembers the running calls between
// batches and reads them from the ledger whenever its memory may be wrong.
type Recorder struct {
	log  *slog.Logger
	view *view // nil: to be read from the ledger
}

// NewRecorder returns a recorder; log may be nil.
func NewRecorder(log *slog.Logger) *Recorder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Recorder{log: log}
}

// Follower returns what makes the recorder work, for event.Bus.Follow. One
// recorder follows one bus, once.
func (r *Recorder) Follower(ledger pbx.Ledger) event.Follower {
	return event.Follower{
		Name:   FollowerName,
		Ledger: ledger,
		Linger: linger,
		Wants:  wants,
		Handle: r.handle,
		Failed: func() { r.view = nil },
	}
}

func wants(e pbx.Event) bool {
	switch e.Body.(type) {
	case pbx.ExchangeStarted,
		pbx.CallStarted, pbx.CallAnswered, pbx.CallEnded,
		pbx.LegStarted, pbx.LegRinging, pbx.LegAnswered, pbx.LegEnded:
		return true
	}
	return false
}

// handle saves each record a batch changes once.
func (r *Recorder) handle(tx pbx.LedgerTx, batch []pbx.Event) error {
	if r.view == nil {
		open, err := tx.OpenCalls()
		if err != nil {
			return err
		}
		r.view = newView(open)
	}
	var order []*pbx.CallRecord
	seen := make(map[*pbx.CallRecord]bool)
	for _, e := range batch {
		changed, known := r.view.apply(e)
		if !known {
			r.log.Warn("cdr: an event of a call that is not open", "kind", e.Kind, "call", e.Call, "leg", e.Leg, "seq", e.Seq)
		}
		for _, record := range changed {
			if !seen[record] {
				seen[record] = true
				order = append(order, record)
			}
		}
	}
	for _, record := range order {
		if err := tx.SaveCall(*record); err != nil {
			return err
		}
	}
	return nil
}
