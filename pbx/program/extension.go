package program

import (
	"context"
	"strconv"
	"time"

	"klapka.dev/klapka/media/audio"
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
	ring, stop := e.ringback(s)
	defer stop()
	out, err := fork.Wait(ctx, e.within(s.Move()), ring)
	if err != nil {
		return pbx.Move{}, err
	}
	if !out.Won {
		return s.Failed(out.Cause), nil
	}
	if err := s.Bed(nil); err != nil {
		return pbx.Move{}, err
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

// ringback is how the caller is told that somebody is alerted: phones make a
// tone themselves, others are played one.
func (e extension) ringback(s *call.Session) (ring func() error, stop func()) {
	if s.Answered() || e.Ringback == nil || !e.Ringback(s.Edge()) {
		return s.Ring, func() {}
	}
	tone := audio.Loop(audio.Ringback())
	return func() error {
		if err := s.Early(); err != nil {
			return err
		}
		return s.Bed(tone)
	}, tone.Close
}

// ring adds every contact of every device, but not the one the call comes from.
// It says why when there is none.
func (e extension) ring(s *call.Session, f *call.Fork) pbx.CauseCode {
	why := pbx.CauseUnreachable
	added := 0
	targets := e.targets()
	if len(targets) == 0 {
		s.Decide(pbx.StepNoDevices, map[string]string{"extension": e.number})
	}
	for _, t := range targets {
		party := e.People.Party(e.number, t.ID)
		state, rung, err := e.ringDevice(s, f, t, party)
		decided(s, t.Device, party, state, rung, err)
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

// target is a device with the contacts it is reached at.
type target struct {
	pbx.Device
	contacts []pbx.Binding
}

// targets are the phones of the number, registered or not, and the browsers in
// which its owner is signed in.
func (e extension) targets() []target {
	var all []target
	for _, dev := range e.People.DevicesOf(e.number) {
		all = append(all, target{dev, e.Bindings.Bindings(dev.ID)})
	}
	if e.Browsers == nil {
		return all
	}
	for _, b := range e.Browsers.Bindings(e.number) {
		dev := pbx.Device{ID: b.Device, Extension: e.number, Name: b.UserAgent, Username: b.Username}
		all = append(all, target{dev, []pbx.Binding{b}})
	}
	return all
}

// ringDevice adds the contacts of one device: what became of it, how many there
// are, and why one could not be added.
func (e extension) ringDevice(s *call.Session, f *call.Fork, t target, party pbx.PartyInfo) (state string, rung int, err error) {
	if t.ID == s.Party().Device {
		return pbx.DeviceOwnLine, 0, nil
	}
	if only := s.Move().Ring.Device; only != "" && only != t.ID {
		return pbx.DeviceNotAsked, 0, nil
	}
	if len(t.contacts) == 0 {
		return pbx.DeviceNotRegistered, 0, nil
	}
	for _, b := range t.contacts {
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
