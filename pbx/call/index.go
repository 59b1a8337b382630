package call

import (
	"cmp"
	"slices"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// Calls implements pbx.CallControl.
func (c *Control) Calls() []pbx.LiveCall {
	out, legs := c.snapshot()
	for i := range out {
		for j := range out[i].Legs {
			// Measured without the floor's lock: endpoints have locks of their own.
			l := &out[i].Legs[j]
			l.Quality = legs[l.ID].Quality()
		}
	}
	return out
}

func (c *Control) snapshot() ([]pbx.LiveCall, map[pbx.LegID]*leg.Leg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := make(map[pbx.CallID]*pbx.LiveCall, len(c.table.calls))
	legs := make(map[pbx.LegID]*leg.Leg, len(c.table.seats))
	for id, r := range c.table.calls {
		calls[id] = &pbx.LiveCall{
			ID: id, From: r.from, Dialled: r.dialled, To: r.to, StartedAt: r.startedAt, AnsweredAt: r.answeredAt,
		}
	}
	for id, s := range c.table.seats {
		l := c.sessions[id].leg
		legs[l.ID()] = l
		calls[s.call].Legs = append(calls[s.call].Legs, pbx.LiveLeg{
			ID: l.ID(), Incoming: l.Incoming(), Party: l.Party(), State: liveState(s, l), Bridge: s.bridge,
		})
	}
	out := make([]pbx.LiveCall, 0, len(calls))
	for _, k := range calls {
		slices.SortFunc(k.Legs, func(a, b pbx.LiveLeg) int {
			switch {
			case a.Incoming && !b.Incoming:
				return -1
			case b.Incoming && !a.Incoming:
				return 1
			}
			return cmp.Compare(a.ID, b.ID)
		})
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b pbx.LiveCall) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, legs
}

func liveState(s *seat, l *leg.Leg) string {
	st := l.State()
	switch {
	case s.held:
		return "held"
	case st == leg.Up, st == leg.UpOffering, st == leg.Answered, st == leg.AnsweredOffering:
		if s.bridge != "" {
			return "talking"
		}
		return "waiting"
	}
	return "ringing"
}

// Hangup implements pbx.CallControl.
func (c *Control) Hangup(id pbx.LegID, cause pbx.Cause) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.sessions[pbx.SessionID(id)]
	if !ok {
		return pbx.Errorf(pbx.NotFound, "no such leg")
	}
	if _, seated := c.table.seats[s.id]; !seated {
		return ErrGone
	}
	s.leg.Post(leg.Input{Kind: leg.CmdEnd, Cause: cause})
	return nil
}

// Counts are the figures of the floor for metrics.
type Counts struct {
	Calls int    // running
	Legs  int    // running, or still being cleaned up
	Total uint64 // calls since the start
}

// Counts returns the figures of this moment.
func (c *Control) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Counts{Calls: len(c.table.calls), Legs: len(c.sessions), Total: c.total.Load()}
}

var _ pbx.CallControl = (*Control)(nil)
