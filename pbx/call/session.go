package call

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// session is what lasts of a leg's way through its programs: what is known of
// the leg, and the lease now out. It is the leg's watcher.
type session struct {
	id      pbx.SessionID
	control *Control
	leg     *leg.Leg
	codecs  []sdp.Codec
	dialled string
	log     *slog.Logger
	music   Music     // running while the party holds; its leg's actor alone touches it
	digits  chan byte // keys pressed and not read yet; the oldest are kept

	mu      sync.Mutex
	up      bool
	ended   bool
	cause   pbx.Cause
	changed chan struct{} // closed and replaced when up or ended change
	lent    *Session      // the lease now out
	fork    *Fork
	parted  chan pbx.Cause // the running Join waits here
	codec   string         // of whoever answered on this one's behalf
}

func newSession(c *Control, id pbx.SessionID, codecs []sdp.Codec) *session {
	return &session{
		id: id, control: c, codecs: codecs, log: c.log.With("leg", id),
		digits: make(chan byte, 64), changed: make(chan struct{}),
	}
}

// answers is who is said to have answered when this session did: its party, or,
// for a caller served by the exchange itself, the number it dialled.
func (s *session) answers() pbx.PartyInfo {
	if s.leg.Incoming() {
		return pbx.PartyInfo{Number: s.dialled}
	}
	return s.leg.Party()
}

// LegChanged implements leg.Watcher.
func (s *session) LegChanged(_ *leg.Leg, n leg.Notice) {
	switch n.Kind {
	case leg.NoteRinging:
		if !s.leg.Incoming() {
			s.ask(alert{id: s.id, early: n.Early})
		}
	case leg.NoteUp:
		s.ask(up{id: s.id, at: time.Now()})
		s.set(func() { s.up = true })
	case leg.NoteHeld:
		s.hold(n.Held)
	case leg.NoteDigit:
		select {
		case s.digits <- n.Key:
		default:
		}
	case leg.NoteEnded:
		s.set(func() { s.ended, s.cause = true, n.Cause })
		s.ask(gone{id: s.id, cause: n.Cause})
		s.stopMusic()
	case leg.NoteDead:
		s.control.forget(s)
	}
}

// hold starts or stops the music that the other party hears meanwhile.
func (s *session) hold(held bool) {
	old := s.music
	s.music = nil
	cmd := hold{id: s.id, held: held}
	if start := s.control.o.Music; held && start != nil {
		s.music = start()
		cmd.music = s.music
	}
	s.ask(cmd)
	if old != nil {
		old.Close()
	}
}

func (s *session) stopMusic() {
	if s.music != nil {
		s.music.Close()
		s.music = nil
	}
}

// ask sends a command whose refusal means only that it came too late.
func (s *session) ask(cmd command) {
	if err := s.control.do(cmd); err != nil {
		s.log.Debug("came too late", "command", fmt.Sprintf("%T", cmd), "refusal", err)
	}
}

// prefer has the session be answered with the codec of another one, so that
// nothing between the two needs to be converted if both have it.
func (s *session) prefer(other pbx.SessionID) {
	s.control.mu.Lock()
	winner := s.control.sessions[other]
	s.control.mu.Unlock()
	if winner == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codec = winner.leg.Codec().Name
}

func (s *session) wish() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codec
}

func (s *session) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// lease hands the leg to its next program.
func (s *session) lease(gen uint64, m pbx.Move) *Session {
	ctx, cancel := context.WithCancelCause(context.Background())
	l := &Session{core: s, gen: gen, move: m, ctx: ctx, cancel: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lent = l
	return l
}

// revoke ends a lease: its context is cancelled and its verbs return why.
func (s *session) revoke(gen uint64, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lent != nil && s.lent.gen == gen {
		s.lent.cancel(why)
	}
}

// left wakes a Join.
func (s *session) left(c pbx.Cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parted != nil {
		s.parted <- c
		s.parted = nil
	}
}

// rung passes news to the handle of the fork they are about.
func (s *session) rung(r rung) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fork != nil && s.fork.id == r.fork {
		s.fork.news(r)
	}
}

// protect runs a program and turns a panic into an error, so that a defect ends
// one call and not the exchange.
func (s *Session) protect(p Program) (m pbx.Move, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.core.log.Error("program panicked", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return p.Run(s.ctx, s)
}

// hangup is the program of a leg that was seated only to be refused: it ends as
// its move says.
func hangup(_ context.Context, s *Session) (pbx.Move, error) { return s.Move(), nil }
