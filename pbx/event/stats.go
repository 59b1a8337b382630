package event

import (
	"sync/atomic"
	"time"
)

// counters are what the bus counts while it runs.
type counters struct {
	published atomic.Uint64
	bytes     atomic.Uint64
	errors    atomic.Uint64
	dropped   atomic.Uint64
	corrupt   atomic.Uint64
	lagged    atomic.Uint64
	queued    atomic.Int64
}

// Stats are the figures of a bus since it was opened, for metrics.
type Stats struct {
	Published     uint64 // events of every sort
	JournalBytes  uint64 // written
	JournalErrors uint64 // failed writes, syncs and other refusals of the disk
	Queued        int    // history events in memory that the disk did not take yet
	Dropped       uint64 // history events lost because the disk refused too long
	Corrupt       uint64 // damaged pieces that were found and passed over
	Lagged        uint64 // lossy subscriptions closed because their queue ran over
	Followers     []FollowerStats
}

// FollowerStats are the figures of one lossless subscriber.
type FollowerStats struct {
	Name    string
	Cursor  uint64        // number of the last event it stored
	Lag     time.Duration // age of the oldest event it could not store yet, 0: up to date
	Retries uint64        // failed attempts to store
	Skipped uint64        // events the ledger refused as such
}

// Stats returns the present figures.
func (b *Bus) Stats() Stats {
	s := Stats{
		Published:     b.stats.published.Load(),
		JournalBytes:  b.stats.bytes.Load(),
		JournalErrors: b.stats.errors.Load(),
		Queued:        int(b.stats.queued.Load()),
		Dropped:       b.stats.dropped.Load(),
		Corrupt:       b.stats.corrupt.Load(),
		Lagged:        b.stats.lagged.Load(),
	}
	b.followMu.Lock()
	defer b.followMu.Unlock()
	for _, f := range b.following {
		s.Followers = append(s.Followers, f.figures())
	}
	return s
}
