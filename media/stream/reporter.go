package stream

import (
	"crypto/rand"
	"encoding/base64"
	mrand "math/rand/v2"
	"sync"
	"time"
)

// reportEvery is the usual time between two reports (RFC 3550 §6.2). Each is
// between half and one and a half of it, so that endpoints that began together
// do not report together.
const reportEvery = 5 * time.Second

// Reporter says when reports are due, from Start until Close. It may be used
// from any goroutine.
type Reporter struct {
	mu     sync.Mutex
	timer  *time.Timer
	closed bool
}

// NewName is a CNAME that says nothing about us (RFC 7022 §4.2).
func NewName() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Start has report called when the first one is due, once.
func (r *Reporter) Start(report func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(pause()/2, report)
	}
}

// Again has the next report follow; false after the end.
func (r *Reporter) Again() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.timer.Reset(pause())
	return true
}

// Close ends the reports; begun tells whether there were any to come.
func (r *Reporter) Close() (begun bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begun = r.timer != nil && !r.closed
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	return begun
}

func pause() time.Duration {
	return reportEvery/2 + mrand.N(reportEvery)
}
