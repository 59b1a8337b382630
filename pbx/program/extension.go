package program

import (
	"context"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/call"
)

// defaultRingTime is how long an extension rings when nothing else is said.
const defaultRingTime = 30 * time.Second

// extension rings all devices of a number; whichever answers first talks to the
// caller.
type extension struct {
	*Catalogue
	number string
}

// Run implements call.Program.
func (e extension) Run(ctx context.Context, s *call.Session) (pbx.Move, error) {
	fork, err := s.Fork()
	if err != nil {
		return pbx.Move{}, err
	}
	if why := e.ring(s, fork); why != "" {
		return s.Failed(pbx.Cause{Code: why, By: pbx.BySystem}), nil
	}
	out, err := fork.Wait(ctx, e.within(s.Move()), s.Ring)
	if err != nil {
		return pbx.Move{}, err
	}
	if !out.Won {
		return s.Failed(out.Cause), nil
	}
	if err := s.Answer(ctx); err != nil {
		return pbx.Move{}, err
	}
	why, err := s.Join(ctx, fork.Bridge(), call.Talk)
	if err != nil {
		return pbx.Move{}, err
	}
	return pbx.Hangup(why), nil
}

// ring adds every contact of every device, but not the one the call comes from.
// It says why when there is none.
func (e extension) ring(s *call.Session, f *call.Fork) pbx.CauseCode {
	why := pbx.CauseUnreachable
	added := 0
	for _, dev := range e.People.DevicesOf(e.number) {
		if dev.ID == s.Party().Device {
			why = pbx.CauseBusy // one's own line
			continue
		}
		if only := s.Move().Ring.Device; only != "" && only != dev.ID {
			continue
		}
		party := e.People.Party(e.number, dev.ID)
		for _, b := range e.Bindings.Bindings(dev.ID) {
			if err := f.Add(call.Branch{Party: party, Binding: b}); err != nil {
				if pbx.CodeOf(err) == pbx.TooMany {
					why = pbx.CauseCongested
				}
				continue
			}
			added++
		}
	}
	if added > 0 {
		return ""
	}
	return why
}

func (e extension) within(m pbx.Move) time.Duration {
	switch {
	case m.Ring.Within > 0:
		return m.Ring.Within
	case e.RingTime > 0:
		return e.RingTime
	}
	return defaultRingTime
}
