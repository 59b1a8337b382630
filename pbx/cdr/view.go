package cdr

import (
	"cmp"
	"slices"
	"time"

	"klapka.dev/klapka/pbx"
)

// view is the running calls as far as the events read so far tell.
type view struct {
	calls map[pbx.CallID]*pbx.CallRecord
	legs  map[pbx.LegID]pbx.CallID // the call whose record a leg is in
}

func newView(open []pbx.CallRecord) *view {
	v := &view{
		calls: make(map[pbx.CallID]*pbx.CallRecord),
		legs:  make(map[pbx.LegID]pbx.CallID),
	}
	for _, r := range open {
		r.Legs = slices.Clone(r.Legs)
		v.calls[r.ID] = &r
		for _, l := range r.Legs {
			v.legs[l.ID] = r.ID
		}
	}
	return v
}

// apply takes one event into the view and returns the records it changed. known is
// false when the event speaks of a call or leg that never started, or has ended.
func (v *view) apply(e pbx.Event) (changed []*pbx.CallRecord, known bool) {
	switch body := e.Body.(type) {
	case pbx.ExchangeStarted:
		return v.restarted(body), true
	case pbx.CallStarted:
		return one(v.started(e, body))
	case pbx.LegStarted:
		return one(v.legStarted(e, body))
	case pbx.CallAnswered, pbx.CallEnded:
		return one(v.call(e))
	case pbx.LegRinging, pbx.LegAnswered, pbx.LegEnded:
		return one(v.leg(e))
	}
	return nil, true
}

func one(r *pbx.CallRecord) ([]*pbx.CallRecord, bool) {
	if r == nil {
		return nil, false
	}
	return []*pbx.CallRecord{r}, true
}

func (v *view) started(e pbx.Event, body pbx.CallStarted) *pbx.CallRecord {
	r := &pbx.CallRecord{ID: e.Call, From: body.From, Dialled: body.Dialled, To: body.To, StartedAt: e.At}
	v.calls[e.Call] = r
	return r
}

func (v *view) legStarted(e pbx.Event, body pbx.LegStarted) *pbx.CallRecord {
	r := v.calls[e.Call]
	if r == nil {
		return nil
	}
	v.legs[e.Leg] = e.Call
	r.Legs = append(r.Legs, pbx.LegRecord{
		ID: e.Leg, Call: e.Call, Parent: body.Parent, Incoming: body.Incoming, Party: body.Party,
		Edge: body.Edge, Remote: body.Remote, SIPCall: body.SIPCall, UserAgent: body.UA, StartedAt: e.At,
	})
	return r
}

// call applies an event that concerns a call as a whole.
func (v *view) call(e pbx.Event) *pbx.CallRecord {
	r := v.calls[e.Call]
	if r == nil {
		return nil
	}
	switch body := e.Body.(type) {
	case pbx.CallAnswered:
		if r.AnsweredAt.IsZero() {
			r.AnsweredAt, r.AnsweredBy = notBefore(e.At, r.StartedAt), body.By
		}
	case pbx.CallEnded:
		v.close(r, e.At, body.Cause)
	}
	return r
}

// leg applies an event that concerns one leg, and the call as far as it follows.
// The leg is found by its own id; its record stays in the call it began in.
func (v *view) leg(e pbx.Event) *pbx.CallRecord {
	r := v.calls[v.legs[e.Leg]]
	if r == nil {
		return nil
	}
	l := &r.Legs[slices.IndexFunc(r.Legs, func(l pbx.LegRecord) bool { return l.ID == e.Leg })]
	switch body := e.Body.(type) {
	case pbx.LegRinging:
		if l.RangAt.IsZero() {
			l.RangAt = notBefore(e.At, l.StartedAt)
		}
		// An incoming leg only hears that another one rings.
		if r.RangAt.IsZero() && !l.Incoming {
			r.RangAt = notBefore(e.At, r.StartedAt)
		}
	case pbx.LegAnswered:
		if l.AnsweredAt.IsZero() {
			l.AnsweredAt = notBefore(e.At, l.StartedAt)
		}
		l.Quality.Codec = body.Codec
	case pbx.LegEnded:
		codec := l.Quality.Codec
		if l.Quality = body.Quality; l.Quality.Codec == "" {
			l.Quality.Codec = codec
		}
		closeLeg(l, e.At, body.Cause)
		delete(v.legs, l.ID)
	}
	return r
}

// restarted closes what an earlier epoch left open: it ended when the exchange was
// last heard of.
func (v *view) restarted(body pbx.ExchangeStarted) []*pbx.CallRecord {
	var changed []*pbx.CallRecord
	for _, r := range v.calls {
		v.close(r, body.LastAt, pbx.Cause{Code: pbx.CauseRestart, By: pbx.BySystem})
		changed = append(changed, r)
	}
	slices.SortFunc(changed, func(a, b *pbx.CallRecord) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return changed
}

// close ends a call, and any leg of it that nobody ended, and forgets them.
func (v *view) close(r *pbx.CallRecord, at time.Time, cause pbx.Cause) {
	for i := range r.Legs {
		l := &r.Legs[i]
		if l.EndedAt.IsZero() {
			closeLeg(l, at, cause)
		}
		at = notBefore(at, l.EndedAt)
		delete(v.legs, l.ID)
	}
	r.EndedAt = notBefore(notBefore(notBefore(at, r.StartedAt), r.RangAt), r.AnsweredAt)
	r.Cause = cause
	delete(v.calls, r.ID)
}

func closeLeg(l *pbx.LegRecord, at time.Time, cause pbx.Cause) {
	l.EndedAt = notBefore(notBefore(notBefore(at, l.StartedAt), l.RangAt), l.AnsweredAt)
	l.Cause = cause
}

// notBefore keeps durations from being negative when the machine's clock was set
// back during a call.
func notBefore(at, earliest time.Time) time.Time {
	if at.Before(earliest) {
		return earliest
	}
	return at
}
