package transport

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The reasons for which a stream is given up.
var (
	errNotSIP  = errors.New("transport: not SIP")
	errTooLong = errors.New("transport: message too long")
	errRefused = errors.New("transport: source is banned")
)

// readChunk is how much is read at once.
const readChunk = 4096

// streamConn is one accepted connection. It cuts the stream into messages itself
// (RFC 3261 §18.3), so that limits, deadlines and keepalives are decided before
// sipgo sees a byte, and tells when it ends, which sipgo does not (P24).
type streamConn struct {
	net.Conn          // TLS, or raw
	raw      net.Conn // the socket
	id       uint64
	remote   netip.AddrPort
	listener *streamListener
	began    time.Time
	secure   bool        // a WebSocket within TLS
	open     atomic.Bool // handshake done: peers may be told of its end
	once     sync.Once

	// Of the reading goroutine alone:
	in      []byte    // read, not yet a whole message
	out     []byte    // a whole message on its way to sipgo
	spoken  bool      // there was a whole message
	partial time.Time // since when in holds the beginning of one
}

// Read implements net.Conn. It returns bytes of whole, acceptable messages only.
func (c *streamConn) Read(b []byte) (int, error) {
	for len(c.out) == 0 {
		msg, rest, err := c.cut()
		if err != nil {
			c.listener.log.Debug("sip connection given up", "remote", c.remote, "error", err)
			_ = c.Close()
			return 0, err
		}
		if msg == nil {
			if err := c.fill(); err != nil {
				return 0, err
			}
			continue
		}
		if c.in = rest; len(rest) == 0 {
			c.in = nil // most connections are idle: do not keep memory for them
		}
		c.spoken, c.partial = true, time.Time{}
		switch admitted, banned := c.listener.guard.admitStream(c.remote); {
		case banned:
			c.listener.tap.dropped(c.listener.guard, c.remote, msg)
			_ = c.Close()
			return 0, errRefused
		case admitted:
			c.listener.tap.received(c.remote, msg)
			c.out = msg
		}
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

// fill reads more, for as long as the peer is entitled to be silent.
func (c *streamConn) fill() error {
	l := c.listener.guard.limits
	now := time.Now()
	var until time.Time
	switch {
	case !c.spoken:
		until = c.began.Add(l.FirstMessage)
	case len(c.in) > 0 && c.in[0] != '\r': // line breaks may come one at a time
		if c.partial.IsZero() {
			c.partial = now
		}
		until = c.partial.Add(l.FirstMessage)
	default:
		until = now.Add(l.Idle)
	}
	if err := c.SetReadDeadline(until); err != nil {
		return err
	}
	have := len(c.in)
	c.in = append(c.in, make([]byte, readChunk)...)
	n, err := c.Conn.Read(c.in[have:])
	c.in = c.in[:have+n]
	if n > 0 {
		return nil
	}
	return err
}

// cut takes the next whole message off what was read; nil: there is none yet.
// Line breaks in front of it are keepalives: two are a ping and get one back
// (RFC 5626 §4.4.1).
func (c *streamConn) cut() (msg, rest []byte, err error) {
	const crlf = "\r\n"
	for bytes.HasPrefix(c.in, []byte(crlf)) {
		switch {
		case bytes.HasPrefix(c.in, []byte(crlf+crlf)):
			c.in = c.in[4:]
			c.listener.guard.counts.Keepalives.Add(1)
			if _, err := c.Write([]byte(crlf)); err != nil {
				return nil, nil, err
			}
		case bytes.HasPrefix([]byte(crlf+crlf), c.in):
			return nil, nil, nil // half a ping, perhaps
		default:
			c.in = c.in[2:] // one alone in front of a message (RFC 3261 §7.5)
		}
	}
	return frame(c.in, c.listener.guard)
}

// frame finds a whole message at the beginning of b.
func frame(b []byte, g *Guard) (msg, rest []byte, err error) {
	limit := g.limits.MaxMessage
	head := headerEnd(b)
	if head == 0 {
		if len(b) > limit {
			g.counts.TooLong.Add(1)
			return nil, nil, errTooLong
		}
		if len(b) > 0 && !isTokenByte(b[0]) && string(b) != "\r" {
			g.counts.Junk.Add(1)
			return nil, nil, errNotSIP
		}
		return nil, nil, nil
	}
	if n, _ := inspect(b[:head]); n == 0 {
		g.counts.Junk.Add(1)
		return nil, nil, errNotSIP
	}
	length, given, ok := contentLength(b[:head])
	switch {
	case !ok:
		g.counts.Junk.Add(1)
		return nil, nil, errNotSIP
	case head > limit || length > limit-head:
		g.counts.TooLong.Add(1)
		return nil, nil, errTooLong
	case len(b) < head+length:
		return nil, nil, nil
	case !given:
		// Required on streams, forgotten by some; without it there is no body.
		msg = append(append([]byte{}, b[:head-2]...), "Content-Length: 0\r\n\r\n"...)
		return msg, b[head:], nil
	}
	return b[: head+length : head+length], b[head+length:], nil
}

// contentLength reads Content-Length; two that differ are an attack on whoever
// reads the other one.
func contentLength(head []byte) (n int, given, ok bool) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, val, _ := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !bytes.EqualFold(name, []byte("content-length")) && !bytes.EqualFold(name, []byte("l")) {
			continue
		}
		v, err := strconv.ParseUint(string(bytes.TrimSpace(val)), 10, 31)
		if err != nil || given && int(v) != n {
			return 0, true, false
		}
		n, given = int(v), true
	}
	return n, given, true
}

// Write implements net.Conn. A peer that does not read is given up: what was
// written in part cannot be mended.
func (c *streamConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.listener.guard.limits.Write)); err != nil {
		return 0, err
	}
	c.listener.tap.sent(c.remote, b)
	n, err := c.Conn.Write(b)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// RemoteAddr implements net.Conn; IPv4 never in IPv6 clothes, so that sipgo
// finds the connection by the flow's address.
func (c *streamConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// Close implements net.Conn. TLS is not told good-bye: that is a write, sipgo
// closes under a lock that all connections share, and the peer may not read.
func (c *streamConn) Close() (err error) {
	c.once.Do(func() {
		err = c.raw.Close()
		c.listener.left(c)
	})
	return err
}

// admitStream decides about one message on a connection. Too fast a peer loses
// messages, a banned one its connection.
func (g *Guard) admitStream(src netip.AddrPort) (admitted, banned bool) {
	if g.Admit(src) {
		return true, false
	}
	return false, g.bans != nil && g.bans.Banned(src.Addr())
}
