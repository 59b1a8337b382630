package peer

import (
	"sync"
	"time"

	"klapka.dev/klapka/media"
)

// counter is what was measured for one slot of a connection that several share.
type counter struct {
	mu     sync.Mutex
	active bool
	total  media.Stats // of earlier times
	since  media.Stats // of the connection as this time began
	heard  bool
	last   time.Time // the last packet of this time
	maxGap time.Duration
}

func (c *counter) begin(now media.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active, c.since, c.last = true, now, time.Time{}
}

func (c *counter) end(now media.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total, c.active = c.sum(now), false
}

// packet counts one of the user; first is true once.
func (c *counter) packet(now time.Time) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() {
		c.maxGap = max(c.maxGap, now.Sub(c.last))
	}
	c.last = now
	first, c.heard = !c.heard, true
	return first
}

func (c *counter) stats(now media.Stats) media.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sum(now)
	s.MaxInterarrival = c.maxGap
	return s
}

// sum adds the present time to the earlier ones. Levels are the latest.
func (c *counter) sum(now media.Stats) media.Stats {
	s := c.total
	if !c.active {
		return s
	}
	s.Codec, s.Jitter, s.RemoteJitter, s.RoundTrip = now.Codec, now.Jitter, now.RemoteJitter, now.RoundTrip
	s.PacketsSent += grown(now.PacketsSent, c.since.PacketsSent)
	s.PacketsReceived += grown(now.PacketsReceived, c.since.PacketsReceived)
	s.PacketsLost += grown(now.PacketsLost, c.since.PacketsLost)
	s.RemoteLost += grown(now.RemoteLost, c.since.RemoteLost)
	s.Ignored += grown(now.Ignored, c.since.Ignored)
	if !c.last.IsZero() {
		s.LastPacket = c.last
	}
	return s
}

// grown is by how much; loss can also shrink when late packets come.
func grown(now, before uint64) uint64 { return max(now, before) - before }
