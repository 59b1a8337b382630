package rtp

import (
	"time"

	"github.com/pion/rtcp"
)

// report sends one compound packet, and the timer to the next.
func (e *endpoint) report() {
	if e.reporter.Again() {
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
		rtcp.NewCNAMESourceDescription(e.out.SSRC(), e.name),
	}, more...)
	b, err := rtcp.Marshal(packets)
	if err != nil {
		e.engine.log.Error("RTCP report cannot be written", "error", err)
		return
	}
	if b, err = e.wire.report(b); err != nil {
		e.engine.log.Error("RTCP report cannot be encrypted", "error", err)
		return
	}
	// A failure is the network's; the next report tells the same and more.
	_, _ = e.rtcp.WriteToUDPAddrPort(b, to)
}

// bye tells the party that our stream ends (RFC 3550 §6.6).
func (e *endpoint) bye() {
	e.sendReport(&rtcp.Goodbye{Sources: []uint32{e.out.SSRC()}})
}
