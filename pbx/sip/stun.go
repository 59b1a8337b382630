package sip

import (
	"context"
	"slices"
	"time"
)

// stunEvery is how often a STUN server is asked: often enough that a router keeps
// the mapping, which is what phones outside send to.
const stunEvery = 25 * time.Second

// FollowSTUN keeps asking a STUN server, "host" or "host:port", where the edges
// are seen from outside, until ctx ends. When that changes, new messages name the
// new address, and the peers of calls that are up are told of it.
func (s *Stack) FollowSTUN(ctx context.Context, server string) {
	tick := time.NewTicker(stunEvery)
	defer tick.Stop()
	failing := false
	for {
		changed, err := s.edges.Rediscover(ctx, server)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			s.log.Warn("the STUN server does not say where we are", "server", server, "error", err)
		case err == nil && failing:
			s.log.Info("the STUN server answers again", "server", server)
		}
		failing = err != nil
		for _, e := range changed {
			s.log.Info("sip edge is seen at another address", "edge", e.Name(), "address", e.Seen())
		}
		if len(changed) > 0 {
			for _, u := range s.table.all() {
				u.q.do(func() {
					if slices.Contains(changed, u.dlg.flow.Edge) {
						u.moved()
					}
				})
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
