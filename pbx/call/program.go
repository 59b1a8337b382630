package call

import (
	"context"

	"klapka.dev/klapka/pbx"
)

// Program is what a leg goes through: a plain blocking function that reads from
// top to bottom like what the party experiences, and ends by saying where the
// leg goes next. An error means a fault of ours, nothing else; ErrMoved and
// ErrGone may be returned as they come from the session's verbs.
type Program interface {
	Run(ctx context.Context, s *Session) (pbx.Move, error)
}

// ProgramFunc makes a function a Program.
type ProgramFunc func(ctx context.Context, s *Session) (pbx.Move, error)

// Run implements Program.
func (f ProgramFunc) Run(ctx context.Context, s *Session) (pbx.Move, error) { return f(ctx, s) }

// Programs finds the program of a target. NotFound when nothing answers to it.
type Programs func(t pbx.Target) (Program, error)

// targetBranch is where a leg that is being rung sits until its fork is decided;
// the id is the bridge where it will meet the caller.
const targetBranch pbx.TargetKind = "branch"

// branchProgram is the program of every rung leg: wait for an answer, claim the
// fork, meet the caller.
func branchProgram(ctx context.Context, s *Session) (pbx.Move, error) {
	if err := s.awaitUp(ctx); err != nil {
		return pbx.Move{}, err
	}
	if err := s.core.control.do(claim{id: s.core.id, gen: s.gen}); err != nil {
		return pbx.Hangup(pbx.Cause{Code: pbx.CauseAnsweredElsewhere, By: pbx.BySystem, Text: err.Error()}), nil
	}
	why, err := s.Join(ctx, pbx.BridgeID(s.move.To.ID), Talk)
	if err != nil {
		return pbx.Move{}, err
	}
	return pbx.Hangup(why), nil
}
