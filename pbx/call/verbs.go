package call

import (
	"context"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// Session is the lease of a leg that a program holds while it runs. A move
// revokes it: its verbs then return ErrMoved (ErrGone when the leg ended), and
// its context is cancelled.
type Session struct {
	core   *session
	gen    uint64
	move   pbx.Move
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// Party is who the leg belongs to.
func (s *Session) Party() pbx.PartyInfo { return s.core.leg.Party() }

// Dialled is the number the party dialled, "" for a party that was called.
func (s *Session) Dialled() string { return s.core.dialled }

// Move is why this program runs.
func (s *Session) Move() pbx.Move { return s.move }

// Source is what the party says.
func (s *Session) Source() media.Source { return s.core.leg.Source() }

// Answered reports whether the leg is up.
func (s *Session) Answered() bool {
	s.core.mu.Lock()
	defer s.core.mu.Unlock()
	return s.core.up
}

// Decide publishes what the program chose for the call, and why, for the trace.
func (s *Session) Decide(step string, params map[string]string) {
	l := s.core.leg
	s.core.control.o.Events.Publish(pbx.Event{
		Call: l.Call(), Leg: l.ID(), Body: pbx.CallDecision{Step: step, Params: params},
	})
}

// Failed is where the leg goes when its target came to nothing: the first
// OnFail of the move, else the announcement for the cause.
func (s *Session) Failed(c pbx.Cause) pbx.Move {
	if len(s.move.OnFail) > 0 {
		return pbx.Move{To: s.move.OnFail[0], By: s.move.By, Why: string(c.Code), OnFail: s.move.OnFail[1:], Cause: c}
	}
	return pbx.Move{To: pbx.Target{Kind: pbx.TargetAnnouncement, ID: string(c.Code)}, By: s.move.By, Why: string(c.Code), Cause: c}
}

// Ring tells the party that the other side is alerted. It does nothing for a
// party that is answered or was called.
func (s *Session) Ring() error { return s.post(leg.Input{Kind: leg.CmdRing}) }

// Early lets the party hear before it is answered, which also tells it that the
// other side is alerted.
func (s *Session) Early() error { return s.post(leg.Input{Kind: leg.CmdEarly}) }

// Edge names the edge the party is at.
func (s *Session) Edge() string { return s.core.leg.Edge() }

// Answer accepts the party and waits until it is up. Answering twice is no
// error.
func (s *Session) Answer(ctx context.Context) error {
	if s.Answered() {
		return s.valid()
	}
	if err := s.post(leg.Input{Kind: leg.CmdAnswer, Prefer: s.core.wish()}); err != nil {
		return err
	}
	return s.awaitUp(ctx)
}

// Serve accepts the party on behalf of the exchange itself, so that the call
// counts as answered although nobody else is in it.
func (s *Session) Serve(ctx context.Context) error {
	if err := s.Answer(ctx); err != nil {
		return err
	}
	return s.core.control.do(served{id: s.core.id, gen: s.gen, at: time.Now()})
}

// Play lets the party hear src until done is closed, before the answer as early
// sound if need be. ErrNoMedia when the party cannot hear anything yet.
func (s *Session) Play(ctx context.Context, src media.Source, done <-chan struct{}) error {
	if !s.Answered() {
		if !s.core.leg.Offers() {
			return ErrNoMedia
		}
		if err := s.post(leg.Input{Kind: leg.CmdEarly}); err != nil {
			return err
		}
	}
	if err := s.core.control.do(sound{id: s.core.id, gen: s.gen, play: src}); err != nil {
		return err
	}
	select {
	case <-done:
	case <-ctx.Done():
		return s.why()
	}
	return s.core.control.do(sound{id: s.core.id, gen: s.gen})
}

// Bed is what the party hears while its program plays nothing else and it is in
// no conversation; nil is silence.
func (s *Session) Bed(src media.Source) error {
	return s.core.control.do(sound{id: s.core.id, gen: s.gen, bed: src})
}

// Join makes the party a member of a bridge and blocks until it is left alone
// there, which is reported with the cause of who left, or until the lease ends.
func (s *Session) Join(ctx context.Context, b pbx.BridgeID, role Role) (pbx.Cause, error) {
	parted := make(chan pbx.Cause, 1)
	s.core.mu.Lock()
	s.core.parted = parted
	s.core.mu.Unlock()
	if err := s.core.control.do(join{id: s.core.id, gen: s.gen, bridge: b, role: role, at: time.Now()}); err != nil {
		return pbx.Cause{}, err
	}
	select {
	case why := <-parted:
		return why, nil
	case <-ctx.Done():
		return pbx.Cause{}, s.why()
	}
}

// Digit waits for the next key the party presses.
func (s *Session) Digit(ctx context.Context) (byte, error) {
	select {
	case k := <-s.core.digits:
		return k, nil
	case <-ctx.Done():
		return 0, s.why()
	}
}

// Wait blocks until the lease ends and says why.
func (s *Session) Wait(ctx context.Context) error {
	<-ctx.Done()
	return s.why()
}

// awaitUp waits until the leg is answered.
func (s *Session) awaitUp(ctx context.Context) error {
	for {
		s.core.mu.Lock()
		up, ended, changed := s.core.up, s.core.ended, s.core.changed
		s.core.mu.Unlock()
		switch {
		case ended:
			return ErrGone
		case up:
			return s.valid()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s.why()
		}
	}
}

func (s *Session) post(in leg.Input) error {
	if err := s.valid(); err != nil {
		return err
	}
	s.core.leg.Post(in)
	return nil
}

// valid returns nil while the lease holds.
func (s *Session) valid() error {
	if s.ctx.Err() != nil {
		return s.why()
	}
	return nil
}

// why is the reason for which the lease ended, or the caller's own context.
func (s *Session) why() error {
	if err := context.Cause(s.ctx); err != nil {
		return err
	}
	return context.Canceled
}
