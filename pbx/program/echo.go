package program

import (
	"context"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/call"
)

// echoTime is how long an echo test may last: long enough for every test, short
// enough that a forgotten phone does not keep a port for the night.
const echoTime = 10 * time.Minute

// echo lets the party hear itself.
func echo(ctx context.Context, s *call.Session) (pbx.Move, error) {
	if err := s.Serve(ctx); err != nil {
		return pbx.Move{}, err
	}
	if err := s.Bed(s.Source()); err != nil {
		return pbx.Move{}, err
	}
	over := time.NewTimer(echoTime)
	defer over.Stop()
	select {
	case <-over.C:
		return pbx.Hangup(pbx.Cause{Code: pbx.CauseNormal, By: pbx.BySystem, Text: "the echo test is over"}), nil
	case <-ctx.Done():
		return pbx.Move{}, s.Wait(ctx)
	}
}
