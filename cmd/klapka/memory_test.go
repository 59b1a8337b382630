package main

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// What a burst took is given back soon after it, once; a quiet exchange is left
// alone.
func TestMemoryIsGivenBack(t *testing.T) {
	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumForcedGC
	}
	synctest.Test(t, func(t *testing.T) {
		go giveBack(t.Context())
		before := forced()
		runtime.GC() // a busy time
		time.Sleep(3 * calm)
		after := forced()
		if after < before+2 {
			t.Errorf("%d forced collections, one of them ours", after-before)
		}
		time.Sleep(time.Hour)
		if more := forced() - after; more > 1 {
			t.Errorf("%d collections in a quiet hour", more)
		}
	})
}
