package program

import (
	"context"
	"errors"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/call"
)

// announcement tells the caller in his language why there is no conversation,
// without answering (nobody pays for it), and ends the leg with that cause.
type announcement struct {
	prompts *audio.Prompts
	cause   pbx.CauseCode
}

// prompt is the name of what is said for a cause; "" when the cause speaks for
// itself on the caller's display.
func prompt(c pbx.CauseCode) string {
	switch c {
	case pbx.CauseNotInService:
		return "not_in_service"
	case pbx.CauseUnreachable, pbx.CauseNoAnswer:
		return "not_available"
	case pbx.CauseBusy:
		return "busy"
	case pbx.CauseCongested, pbx.CauseFault, pbx.CauseLoop:
		return "fault"
	}
	return ""
}

// Run implements call.Program.
func (a announcement) Run(ctx context.Context, s *call.Session) (pbx.Move, error) {
	end := s.Move().Cause
	if end.Code != a.cause {
		end = pbx.Cause{Code: a.cause, By: pbx.BySystem}
	}
	name := prompt(a.cause)
	if name == "" {
		return pbx.Hangup(end), nil
	}
	clip, err := a.prompts.Clip(string(s.Party().Language), name)
	if err != nil {
		return pbx.Move{}, err
	}
	player := audio.Play(clip)
	defer player.Close()
	if err := s.Play(ctx, player, player.Done()); err != nil && !errors.Is(err, call.ErrNoMedia) {
		return pbx.Move{}, err
	}
	return pbx.Hangup(end), nil
}
