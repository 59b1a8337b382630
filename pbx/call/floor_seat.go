package call

import (
	"time"

	"klapka.dev/klapka/pbx"
)

// sit gives an incoming leg its seat and starts a call with it.
type sit struct {
	id      pbx.SessionID
	call    pbx.CallID
	from    pbx.PartyInfo
	dialled string
	move    pbx.Move
	at      time.Time
}

func (c sit) apply(t *table) ([]effect, error) {
	if _, taken := t.seats[c.id]; taken {
		return nil, ErrSeated
	}
	if _, taken := t.calls[c.call]; taken {
		return nil, ErrSeated
	}
	t.calls[c.call] = &callRow{caller: c.id, from: c.from, dialled: c.dialled, to: c.move.To, startedAt: c.at, seats: 1}
	t.seats[c.id] = &seat{id: c.id, call: c.call, person: c.from.Number, gen: 1, move: c.move}
	return []effect{start{c.id, 1, c.move}}, nil
}

// redirect is the move of one leg to another target: the program that runs ends,
// the next one starts at once. A hang-up is the move that nothing follows.
type redirect struct {
	id   pbx.SessionID
	gen  uint64 // 0: by somebody outside the program
	move pbx.Move
}

func (c redirect) apply(t *table) ([]effect, error) {
	s, err := t.lease(c.id, c.gen)
	if err != nil {
		return nil, err
	}
	move := c.move
	s.hops++
	if s.hops > pbx.MaxHops && move.To.Kind != pbx.TargetHangup {
		move = pbx.Hangup(pbx.Cause{Code: pbx.CauseLoop, By: pbx.BySystem, Text: "too many moves"})
	}
	var out []effect
	if c.gen == 0 {
		out = append(out, revoke{s.id, s.gen, ErrMoved})
	}
	why := pbx.Cause{Code: pbx.CauseNormal, By: pbx.BySystem, Text: "moved"}
	if move.To.Kind == pbx.TargetHangup {
		why = hangupCause(move)
	}
	out = append(out, t.clear(s, why)...)
	s.gen++
	s.move = move
	if move.To.Kind == pbx.TargetHangup {
		return append(out, end{s.id, hangupCause(move)}), nil
	}
	return append(out, start{s.id, s.gen, move}), nil
}

func hangupCause(m pbx.Move) pbx.Cause {
	c := m.Cause
	if c.Code == "" {
		c.Code = pbx.CauseCode(m.To.ID)
	}
	if c.Code == "" {
		c.Code = pbx.CauseNormal
	}
	if c.By == "" {
		c.By = pbx.BySystem
	}
	return c
}

// clear takes a seat out of everything its program put it in.
func (t *table) clear(s *seat, why pbx.Cause) []effect {
	out := t.abandon(s, why)
	out = append(out, t.leave(s, why)...)
	out = append(out, t.branchOver(s, why)...)
	s.branch = ""
	s.play, s.bed = nil, nil
	return append(out, t.rewire(s.id)...)
}

// gone reports that a session's leg has left the conversation.
type gone struct {
	id    pbx.SessionID
	cause pbx.Cause
}

func (c gone) apply(t *table) ([]effect, error) {
	s, ok := t.seats[c.id]
	if !ok {
		return nil, ErrGone
	}
	out := []effect{revoke{s.id, s.gen, ErrGone}}
	why := c.cause
	if row := t.calls[s.call]; row.caller == s.id && row.answeredAt.IsZero() && c.cause.By == pbx.ByCaller {
		why = pbx.Cause{Code: pbx.CauseCancelled, By: pbx.ByCaller}
	}
	out = append(out, t.abandon(s, why)...)
	out = append(out, t.leave(s, c.cause)...)
	delete(t.seats, s.id)
	out = append(out, t.branchOver(s, c.cause)...)
	return append(out, t.count(s, c.cause)...), nil
}

// count takes a seat off its call and closes the call with the last one. The
// cause of the call is its caller's, else that of the last leg.
func (t *table) count(s *seat, c pbx.Cause) []effect {
	row := t.calls[s.call]
	row.seats--
	if row.caller == s.id || row.cause.Code == "" && row.seats == 0 {
		row.cause = c
	}
	if row.seats > 0 {
		return nil
	}
	delete(t.calls, s.call)
	return []effect{ended{s.call, row.cause}}
}
