package call

import (
	"context"
	"errors"
	"time"

	"klapka.dev/klapka/pbx"
)

// Branch is one device to be rung.
type Branch struct {
	Party   pbx.PartyInfo // Number binds the branches of one person
	Binding pbx.Binding
}

// Fork is the handle of one ringing of people on behalf of a session.
type Fork struct {
	s       *Session
	id      pbx.ForkID
	bridge  pbx.BridgeID
	ringing bool
	change  chan rung // news, newest state wins; see news
	done    chan rung // the outcome, once
}

// Outcome is how a fork ended.
type Outcome struct {
	Won   bool      // somebody answered: answer the caller and join Bridge
	Cause pbx.Cause // why not
}

// Fork starts ringing nobody yet; add branches, then Wait.
func (s *Session) Fork() (*Fork, error) {
	f := &Fork{
		s: s, id: pbx.ForkID(pbx.NewID()), bridge: pbx.BridgeID(pbx.NewID()),
		change: make(chan rung, 1), done: make(chan rung, 1),
	}
	s.core.mu.Lock()
	s.core.fork = f
	s.core.mu.Unlock()
	err := s.core.control.do(openFork{id: s.core.id, gen: s.gen, fork: f.id, bridge: f.bridge})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Bridge is where caller and winner meet.
func (f *Fork) Bridge() pbx.BridgeID { return f.bridge }

// Add rings one more device. An error means that it does not ring.
func (f *Fork) Add(b Branch) error { return f.s.core.control.ring(f.s.core, f.id, b) }

// news takes what the floor says of the fork. The session's lock is held.
func (f *Fork) news(r rung) {
	if r.winner != "" || r.failed != "" {
		select {
		case f.done <- r:
		default:
		}
		return
	}
	select {
	case f.change <- r:
	default:
	}
}

// Wait blocks until somebody answered, nobody is left to answer, or time is up;
// then the ringing has stopped. alerted is called once, when the first phone
// rings.
func (f *Fork) Wait(ctx context.Context, within time.Duration, alerted func() error) (Outcome, error) {
	err := f.s.core.control.do(filled{id: f.s.core.id, gen: f.s.gen, fork: f.id})
	if err != nil && !errors.Is(err, ErrTaken) {
		return Outcome{}, err
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		select {
		case <-f.change:
			if !f.ringing {
				f.ringing = true
				if err := alerted(); err != nil {
					return Outcome{}, err
				}
			}
		case r := <-f.done:
			return f.outcome(r), nil
		case <-timer.C:
			if out, over, err := f.timeUp(); over {
				return out, err
			}
		case <-ctx.Done():
			return Outcome{}, f.s.why()
		}
	}
}

// timeUp stops the ringing. Whoever answered in the same moment has won; then
// the news is already on its way.
func (f *Fork) timeUp() (out Outcome, over bool, err error) {
	cause := pbx.Cause{Code: pbx.CauseNoAnswer, By: pbx.BySystem}
	if !f.ringing {
		cause.Code = pbx.CauseUnreachable
	}
	err = f.s.core.control.do(closeFork{id: f.s.core.id, gen: f.s.gen, fork: f.id, cause: cause})
	switch {
	case err == nil:
		return Outcome{Cause: cause}, true, nil
	case errors.Is(err, ErrTaken), errors.Is(err, ErrClosed):
		return Outcome{}, false, nil
	}
	return Outcome{}, true, err
}

func (f *Fork) outcome(r rung) Outcome {
	if r.winner != "" {
		f.s.core.prefer(r.winner)
		return Outcome{Won: true}
	}
	by := pbx.BySystem
	if r.failed == pbx.CauseBusy || r.failed == pbx.CauseDeclined {
		by = pbx.ByCallee
	}
	return Outcome{Cause: pbx.Cause{Code: r.failed, By: by}}
}
