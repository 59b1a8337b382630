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
