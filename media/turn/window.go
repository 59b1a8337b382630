package turn

import (
	"errors"
	"net"
	"time"
)

// retryRead is how long to wait after a failed read, so that a socket that keeps
// failing costs nothing.
const retryRead = 10 * time.Millisecond

// window is the gate before a UDP socket. The library would stop at the first
// error; a window is open until it is closed.
type window struct {
	net.PacketConn
	gate gate
}

// ReadFrom implements net.PacketConn.
func (w window) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := w.PacketConn.ReadFrom(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return n, from, err
		case err != nil:
			time.Sleep(retryRead)
			continue
		case !spoken(b[:n]):
			continue
		}
		v := w.gate.judge(b[:n], from)
		if v.answer == nil {
			return n, from, nil
		}
		// A lost answer is asked for again.
		_, _ = w.WriteTo(v.answer, from)
	}
}

// spoken tells STUN and channel data by the first byte (RFC 7983 §7).
func spoken(b []byte) bool { return len(b) >= 4 && (b[0] < 4 || b[0] >= 64 && b[0] < 80) }
