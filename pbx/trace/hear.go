package trace

import (
	"time"

	"klapka.dev/klapka/pbx"
)

// Event takes one event of the bus.
func (r *Recorder) Event(e pbx.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch b := e.Body.(type) {
	case pbx.DeviceRegistered, pbx.DeviceUnregistered, pbx.AuthFailed:
		r.known.learn(e)
		return
	case pbx.CallRefused:
		r.refuse(e, b)
		return
	case pbx.CallStarted:
		r.evict(r.calls.put(&story{id: e.Call, at: e.At, isCall: true}))
	case pbx.CallDecision:
		e.Body = r.known.explain(b)
	}
	s := r.calls.byID[e.Call]
	if s == nil {
		return // it began before anybody listened, or was forgotten
	}
	if started, ok := e.Body.(pbx.LegStarted); ok && started.SIPCall != "" {
		r.link(s, e.Leg, started.SIPCall)
	}
	// The end is kept however much there was before it.
	if _, end := e.Body.(pbx.CallEnded); len(s.events) >= r.o.Events && !end {
		s.dropped++
		return
	}
	s.events = append(s.events, e)
}

// refuse notes that an INVITE did not become a call. The edge has mostly shown
// the message before.
func (r *Recorder) refuse(e pbx.Event, b pbx.CallRefused) {
	if d := r.dialogs[b.SIPCall]; d != nil && b.SIPCall != "" {
		if !d.owner.isCall && d.owner.refused == nil {
			d.owner.refused = &b
			return
		}
		if !d.owner.isCall {
			d.owner.attempts++
		}
		return
	}
	s := &story{id: pbx.CallID(pbx.NewID()), at: e.At, refused: &b, attempts: 1}
	if b.SIPCall != "" {
		r.open(b.SIPCall, s)
	}
	r.evict(r.refused.put(s))
}

// link gives a call the messages of one of its legs, those included that came
// before anybody knew that there would be a call.
func (r *Recorder) link(s *story, leg pbx.LegID, sipCall string) {
	d := r.dialogs[sipCall]
	if d == nil {
		d = r.open(sipCall, s)
	} else if d.owner != s {
		old := d.owner
		if old.isCall {
			return // an id that is used twice; it stays where it was first
		}
		r.refused.drop(old)
		s.dialogs = append(s.dialogs, old.dialogs...)
		for _, o := range old.dialogs {
			o.owner = s
		}
		if len(d.messages) > 0 && d.messages[0].at.Before(s.at) {
			s.at = d.messages[0].at
		}
	}
	if d.leg == "" {
		d.leg = leg
	}
}

// maxKnown bounds what is remembered of devices and user names.
const maxKnown = 10000

// knowledge is why devices are not registered: of those that are not.
type knowledge struct {
	lost   map[string]lost      // by device id
	failed map[string]time.Time // wrong credentials of REGISTER by user name
}

type lost struct {
	at     time.Time
	reason string
}

func newKnowledge() knowledge {
	return knowledge{lost: map[string]lost{}, failed: map[string]time.Time{}}
}

func (k knowledge) learn(e pbx.Event) {
	switch b := e.Body.(type) {
	case pbx.DeviceRegistered:
		delete(k.lost, b.Binding.Device)
		delete(k.failed, b.Binding.Username)
	case pbx.DeviceUnregistered:
		at := e.At
		if b.Reason == "expired" {
			at = b.Binding.Expires.UTC()
		}
		remember(k.lost, b.Binding.Device, lost{at, b.Reason})
	case pbx.AuthFailed:
		if b.Method == "REGISTER" {
			remember(k.failed, b.Username, e.At)
		}
	}
}

// remember makes room by letting go of any: who fills this up with invented
// names does not deserve an order.
func remember[T any](m map[string]T, key string, v T) {
	if _, ok := m[key]; !ok && len(m) >= maxKnown {
		for k := range m {
			delete(m, k)
			break
		}
	}
	m[key] = v
}

// explain completes the decision about a device that is not registered with what
// is known of it at this moment.
func (k knowledge) explain(b pbx.CallDecision) pbx.CallDecision {
	if b.Step != pbx.StepDevice || b.Params["state"] != pbx.DeviceNotRegistered {
		return b
	}
	params := make(map[string]string, len(b.Params)+3)
	for key, v := range b.Params {
		params[key] = v
	}
	if l, ok := k.lost[b.Params["device"]]; ok {
		params["at"], params["reason"] = l.at.Format(time.RFC3339), l.reason
	}
	if at, ok := k.failed[b.Params["username"]]; ok {
		params["auth_failed_at"] = at.UTC().Format(time.RFC3339)
	}
	b.Params = params
	return b
}
