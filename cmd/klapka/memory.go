package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// calm is how long nothing must have been collected before memory is given back;
// longer than a finished SIP transaction is kept.
const calm = 10 * time.Second

// giveBack returns memory to the system after a burst, until ctx ends. The runtime
// collects when the heap has doubled, else every two minutes: when ten thousand
// phones have registered after a power cut, 100 MB of finished transactions would
// stay that long, for nothing. It collects once after each busy time, never during
// one, so the cost is a few hundredths of a second of one core.
func giveBack(ctx context.Context) {
	cycles := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	count := func() uint64 {
		metrics.Read(cycles)
		return cycles[0].Value.Uint64()
	}
	tick := time.NewTicker(calm)
	defer tick.Stop()
	busy, last := true, uint64(0) // the start was a busy time
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		switch now := count(); {
		case now != last:
			busy, last = true, now
		case busy:
			debug.FreeOSMemory()
			busy, last = false, count()
		}
	}
}
