package call

import (
	"errors"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// do asks the floor for one thing. Its consequences are posted before do
// returns, in order; none of them is waited for.
func (c *Control) do(cmd command) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	effects, err := cmd.apply(c.table)
	if err != nil {
		return err
	}
	for _, e := range effects {
		c.perform(e)
	}
	return nil
}

// perform posts one effect. The floor is locked: nothing here may wait or ask
// the floor for anything.
func (c *Control) perform(e effect) {
	switch e := e.(type) {
	case start:
		c.start(e)
	case revoke:
		c.sessions[e.id].revoke(e.gen, e.why)
	case end:
		c.sessions[e.id].leg.Post(leg.Input{Kind: leg.CmdEnd, Cause: e.cause})
	case hear:
		c.sessions[e.id].leg.Post(leg.Input{Kind: leg.CmdHear, Source: c.source(e.hearing)})
	case early:
		c.sessions[e.id].leg.Post(leg.Input{Kind: leg.CmdEarly})
	case rung:
		c.sessions[e.owner].rung(e)
	case left:
		c.sessions[e.id].left(e.cause)
	case joined:
		c.publish(e.id, e.bridge, pbx.BridgeJoined{Role: string(e.role)})
	case parted:
		c.publish(e.id, e.bridge, pbx.BridgeLeft{})
	case answered:
		c.o.Events.Publish(pbx.Event{Call: e.call, Leg: pbx.LegID(e.by), Body: pbx.CallAnswered{By: c.sessions[e.by].answers()}})
	case ended:
		c.o.Events.Publish(pbx.Event{Call: e.call, Body: pbx.CallEnded{Cause: e.cause}})
	}
}

func (c *Control) publish(id pbx.SessionID, b pbx.BridgeID, body pbx.EventBody) {
	l := c.sessions[id].leg
	c.o.Events.Publish(pbx.Event{Call: l.Call(), Leg: l.ID(), Bridge: b, Body: body})
}

// source turns what the floor decided into something an endpoint can be given.
func (c *Control) source(h hearing) media.Source {
	if len(h.from) == 1 {
		return c.sessions[h.from[0]].leg.Source()
	}
	return h.own
}

// start runs a program on its own goroutine.
func (c *Control) start(e start) {
	s := c.sessions[e.id]
	lease := s.lease(e.gen, e.move)
	if m := e.move; m.Why != "" && m.Why != "dialled" && m.To.Kind != targetBranch {
		lease.Decide(pbx.StepMove, map[string]string{"to": m.To.String(), "why": m.Why})
	}
	program, err := c.program(e.move.To)
	c.running.Go(func() { c.run(lease, program, err) })
}

func (c *Control) program(t pbx.Target) (Program, error) {
	switch t.Kind {
	case targetBranch:
		return ProgramFunc(branchProgram), nil
	case pbx.TargetHangup:
		return ProgramFunc(hangup), nil
	}
	return c.o.Programs(t)
}

// run runs one program under its lease and then moves the leg on, unless
// somebody else has done so.
func (c *Control) run(s *Session, p Program, err error) {
	defer s.cancel(nil)
	move := pbx.Move{}
	if err == nil {
		move, err = s.protect(p)
	}
	switch {
	case s.ctx.Err() != nil:
		return // moved, or gone: the floor knows
	case errors.Is(err, ErrGone), errors.Is(err, ErrMoved):
		return
	case err != nil:
		s.core.log.Error("program failed", "target", s.move.To.String(), "error", err)
		move = pbx.Hangup(pbx.Cause{Code: pbx.CauseFault, By: pbx.BySystem, Text: "program failed"})
	}
	if err := c.do(redirect{id: s.core.id, gen: s.gen, move: move}); err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrMoved) {
		s.core.log.Error("move refused", "target", move.To.String(), "error", err)
	}
}
