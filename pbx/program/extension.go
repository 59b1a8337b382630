package program

import (
	"context"
	"strconv"
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
	devices := e.People.DevicesOf(e.number)
	if len(devices) == 0 {
		s.Decide(pbx.StepNoDevices, map[string]string{"extension": e.number})
	}
	for _, dev := range devices {
		party := e.People.Party(e.number, dev.ID)
		state, rung, err := e.ringDevice(s, f, dev, party)
		decided(s, dev, party, state, rung, err)
		switch {
		case state == pbx.DeviceOwnLine:
			why = pbx.CauseBusy
		case pbx.CodeOf(err) == pbx.TooMany:
			why = pbx.CauseCongested
		}
		added += rung
	}
	if added > 0 {
		return ""
	}
	return why
}

// ringDevice adds the contacts of one device: what became of it, how many there
// are, and why one could not be added.
func (e extension) ringDevice(s *call.Session, f *call.Fork, dev pbx.Device, party pbx.PartyInfo) (state string, rung int, err error) {
	if dev.ID == s.Party().Device {
		return pbx.DeviceOwnLine, 0, nil
	}
	if only := s.Move().Ring.Device; only != "" && only != dev.ID {
		return pbx.DeviceNotAsked, 0, nil
	}
	bindings := e.Bindings.Bindings(dev.ID)
	if len(bindings) == 0 {
		return pbx.DeviceNotRegistered, 0, nil
	}
	for _, b := range bindings {
		if refusal := f.Add(call.Branch{Party: party, Binding: b}); refusal != nil {
			err = refusal
			continue
		}
		rung++
	}
	if rung == 0 {
		return pbx.DeviceNotRung, 0, err
	}
	return pbx.DeviceRung, rung, err
}

// decided tells the trace what became of a device.
func decided(s *call.Session, dev pbx.Device, party pbx.PartyInfo, state string, rung int, err error) {
	params := map[string]string{
		"extension": dev.Extension, "name": party.Name, "device": dev.ID, "username": dev.Username,
		"state": state, "contacts": strconv.Itoa(rung),
	}
	if err != nil {
		params["error"] = err.Error()
	}
	s.Decide(pbx.StepDevice, params)
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
