package rtp

import (
	"crypto/rand"
	"encoding/base64"
	mrand "math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// reportEvery is the usual time between two reports (RFC 3550 §6.2). Each is
// between half and one and a half of it, so that endpoints that began together
// do not report together.
const reportEvery = 5 * time.Second

// reporter sends our RTCP, from the first session on until the end.
type reporter struct {
	mu     sync.Mutex
	cname  string
	timer  *time.Timer
	closed bool
}

// newName is a CNAME that says nothing about us (RFC 7022 §4.2).
func newName() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// start has the first report follow, once.
func (r *reporter) start(report func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(pause()/2, report)
	}
}

// again has the next report follow; false after the end.
func (r *reporter) again() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.timer.Reset(pause())
	return true
}

// close ends the reports; begun tells whether there were any to come.
func (r *reporter) close() (begun bool) {
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

// report sends one compound packet, and the timer to the next.
func (e *endpoint) report() {
	if e.reporter.again() {
		e.sendReport()
	}
}

// sendReport sends a report with our name, and what else belongs to it.
func (e *endpoint) sendReport(more ...rtcp.Packet) {
	now := time.Now()
	reception, to := e.in.reception(now)
	if !reachable(to) {
		return
	}
	packets := append([]rtcp.Packet{
		e.out.Report(reception, now),
		rtcp.NewCNAMESourceDescription(e.out.SSRC(), e.reporter.cname),
	}, more...)
	b, err := rtcp.Marshal(packets)
	if err != nil {
		e.engine.log.Error("RTCP report cannot be written", "err", err)
		return
	}
	// A failure is the network's; the next report tells the same and more.
	_, _ = e.rtcp.WriteToUDPAddrPort(b, to)
}

// bye tells the party that our stream ends (RFC 3550 §6.6).
func (e *endpoint) bye() {
	e.sendReport(&rtcp.Goodbye{Sources: []uint32{e.out.SSRC()}})
}
