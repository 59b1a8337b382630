package sip

import (
	"log/slog"
	"runtime/debug"
	"sync"
)

// queue runs functions one after the other. It borrows a goroutine while there
// is work and has none while there is not; do never blocks, so it may be called
// under a transaction's lock, where the library calls us back.
type queue struct {
	log     *slog.Logger
	panics  func() // told when a function panicked
	mu      sync.Mutex
	work    []func()
	running bool
}

// do appends f to the work.
func (q *queue) do(f func()) {
	q.mu.Lock()
	q.work = append(q.work, f)
	start := !q.running
	q.running = true
	q.mu.Unlock()
	if start {
		go q.run()
	}
}

func (q *queue) run() {
	for {
		q.mu.Lock()
		if len(q.work) == 0 {
			q.work, q.running = nil, false
			q.mu.Unlock()
			return
		}
		f := q.work[0]
		q.work[0] = nil
		q.work = q.work[1:]
		q.mu.Unlock()
		q.call(f)
	}
}

// call confines a panic to the one message that caused it: a defect met by one
// phone's odd message must not end the calls of all others.
func (q *queue) call(f func()) {
	defer func() {
		if r := recover(); r != nil {
			q.panics()
			q.log.Error("defect in a dialog", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	f()
}
