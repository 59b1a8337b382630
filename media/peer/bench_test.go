package peer_test

import (
	"runtime"
	"testing"
	"time"
)

// BenchmarkSessions says what a hundred connected sessions cost, browsers of the
// test included.
func BenchmarkSessions(bench *testing.B) {
	const sessions = 100
	for bench.Loop() {
		bench.StopTimer()
		g := newGateway(bench)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		goroutines := runtime.NumGoroutine()
		bench.StartTimer()
		start := time.Now()
		for range sessions {
			connected(bench, g)
		}
		bench.ReportMetric(float64(time.Since(start).Microseconds())/1e3/sessions, "ms/connect")
		bench.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		used := after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse
		bench.ReportMetric(float64(used)/1024/sessions, "kB/pair")
		bench.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/sessions, "goroutines/pair")
		bench.StartTimer()
	}
}
