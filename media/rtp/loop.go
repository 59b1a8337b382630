package rtp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"klapka.dev/klapka/media/stream"
)

// readBuffer is larger than any packet taken, so that what was cut is seen to be
// too long.
const readBuffer = stream.MaxDatagram + 1

// retryRead is how long to wait after a failed read, so that a socket that keeps
// failing costs nothing.
const retryRead = 10 * time.Millisecond

// watched is a conn that somebody else reads: its watcher is told. Its Read does
// not wait.
type watched interface {
	conn
	watch(w watcher) error
}

// watcher is told by one goroutine at a time what arrives, and once each that the
// deadline passed and that the conn was closed.
type watcher struct {
	packet func(b []byte, from netip.AddrPort) // b is valid during the call only
	late   func()
	over   func()
}

// run has both ports read, by the engine's loops or by goroutines of their own.
// After an error nothing reads them.
func (e *endpoint) run() error {
	rtp, ok := e.rtp.(watched)
	rtcp, both := e.rtcp.(watched)
	if !ok || !both {
		go e.readRTP()
		go e.readRTCP()
		return nil
	}
	over := func() {
		if e.watched.Add(-1) == 0 {
			e.engine.released(e)
			close(e.done)
		}
	}
	e.watched.Store(2)
	if err := rtcp.watch(watcher{packet: e.takeRTCP, late: e.abort, over: over}); err != nil {
		return err
	}
	if err := rtp.watch(watcher{packet: e.takeRTP, late: e.abort, over: over}); err != nil {
		return err // released cannot happen, only one of the two can be over
	}
	return nil
}

// takeRTP is what readRTP does with a packet.
func (e *endpoint) takeRTP(b []byte, from netip.AddrPort) {
	if closed := e.closing.Load(); closed == nil {
		e.onRTP(b, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	} else if !e.drain(closed) {
		e.abort()
	}
}

// takeRTCP is what readRTCP does with one.
func (e *endpoint) takeRTCP(b []byte, from netip.AddrPort) {
	if e.closing.Load() == nil {
		e.onRTCP(b, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// readRTP reads the even port until the endpoint is closed and the port drained.
func (e *endpoint) readRTP() {
	defer e.finish()
	b := make([]byte, readBuffer)
	for {
		n, from, err := e.rtp.ReadFromUDPAddrPort(b)
		closed := e.closing.Load()
		switch {
		case err == nil && closed != nil:
			if !e.drain(closed) {
				return
			}
		case err == nil:
			e.onRTP(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		case errors.Is(err, net.ErrClosed), closed != nil:
			return
		case !errors.Is(err, os.ErrDeadlineExceeded):
			time.Sleep(retryRead)
		}
	}
}

// drain waits on after a packet for a call that is over; false when it lasted
// too long.
func (e *endpoint) drain(since *time.Time) bool {
	now := time.Now()
	end := since.Add(e.engine.drainMax)
	if !now.Before(end) {
		return false
	}
	quiet := now.Add(e.engine.drainQuiet)
	if end.Before(quiet) {
		quiet = end
	}
	return e.rtp.SetReadDeadline(quiet) == nil
}

// readRTCP reads the odd port until it is closed.
func (e *endpoint) readRTCP() {
	defer close(e.rtcpDone)
	b := make([]byte, readBuffer)
	for {
		n, from, err := e.rtcp.ReadFromUDPAddrPort(b)
		switch {
		case err == nil && e.closing.Load() == nil:
			e.onRTCP(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(retryRead)
		}
	}
}

// finish gives the pair back.
func (e *endpoint) finish() {
	e.abort()
	<-e.rtcpDone
	e.engine.released(e)
	close(e.done)
}

// abort closes both sockets, which ends the goroutines.
func (e *endpoint) abort() {
	_, _ = e.rtp.Close(), e.rtcp.Close()
}
