package transport

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// everyone is the one peer that sipgo's UDP transport believes to hear. It keeps
// an entry per source address for ever, in its connection pool and in its read
// loop (P8); with a single source there is a single entry, whatever the network
// sends. Requests carry their real source in the top Via, where flowOf finds it
// and where WriteTo takes the destination of answers from. The name can be
// neither resolved nor mistaken for an address.
type everyone struct{}

func (everyone) Network() string { return "udp" }
func (everyone) String() string  { return "peer.invalid:5060" }

// deadConn is the connection of an edge that was closed.
type deadConn struct{ addr net.Addr }

func (d deadConn) LocalAddr() net.Addr      { return d.addr }
func (deadConn) WriteMsg(sip.Message) error { return net.ErrClosed }
func (deadConn) Ref(int) int                { return 1 }
func (deadConn) TryClose() (int, error)     { return 1, nil }
func (deadConn) Close() error               { return nil }

const (
	minMessage = 20    // shorter datagrams cannot be SIP
	maxPacket  = 65535 // longest datagram
	viaRoom    = 80    // what marking the source may add
)

// guardConn stands between the socket and sipgo: what is not SIP, comes too fast
// or from a banned address is dropped here, before it is parsed or remembered.
type guardConn struct {
	net.PacketConn
	guard    *Guard
	tap      tap
	question question // for a STUN server
	acks     *acks
	buf      []byte
	marked   []byte
	closed   atomic.Bool
	last     func() // called before the end is reported
	first    sync.Once
	ready    chan struct{} // closed when sipgo reads, and so knows the socket
}

func newGuardConn(c net.PacketConn, g *Guard, last func()) *guardConn {
	return &guardConn{
		PacketConn: c, guard: g, last: last, acks: newAcks(),
		buf:    make([]byte, maxPacket+1),
		marked: make([]byte, 0, maxPacket),
		ready:  make(chan struct{}),
	}
}

// ReadFrom implements net.PacketConn. It returns acceptable messages only, and
// an error only when the socket is closed: any other one would end sipgo's
// listener (P11). sipgo calls it from one goroutine.
func (c *guardConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.first.Do(func() { close(c.ready) })
	for pause := time.Millisecond; ; {
		n, from, err := c.PacketConn.ReadFrom(c.buf)
		if err != nil {
			if c.closed.Load() || errors.Is(err, net.ErrClosed) {
				c.last()
				return 0, nil, net.ErrClosed
			}
			time.Sleep(pause) // e.g. an ICMP error of an earlier packet; never spin on it
			pause = min(2*pause, time.Second)
			continue
		}
		pause = time.Millisecond
		if n = c.accept(b, c.buf[:n], addrPort(from)); n > 0 {
			return n, everyone{}, nil
		}
	}
}

// accept copies an acceptable message into b as sipgo shall see it; 0: dropped.
func (c *guardConn) accept(b, msg []byte, src netip.AddrPort) int {
	if c.question.take(msg, src) {
		return 0
	}
	if !c.guard.Admit(src) {
		c.tap.dropped(c.guard, src, msg)
		return 0
	}
	if len(bytes.Trim(msg, "\r\n")) == 0 {
		c.keepalive(msg, src)
		return 0
	}
	if len(msg)+viaRoom > len(b) || len(msg) > c.guard.limits.MaxMessage {
		c.guard.counts.TooLong.Add(1)
		return 0
	}
	head, request := inspect(msg)
	if head == 0 {
		c.guard.counts.Junk.Add(1)
		return 0
	}
	c.tap.received(src, msg)
	if !request {
		if ack, again := c.acks.repeated(msg[:head]); again {
			if ack.msg != nil {
				_, _ = c.WriteTo(ack.msg, ack.to) // lost again: the refusal comes again
			}
			return 0
		}
		return copy(b, msg)
	}
	var ok bool
	if c.marked, ok = markSource(c.marked[:0], msg, head, src); !ok || len(c.marked) > len(b) {
		c.guard.counts.Junk.Add(1)
		return 0
	}
	return copy(b, c.marked)
}

// keepalive answers the ping of a registered phone (RFC 5626 §4.4.1 has it for
// streams, many phones send it on UDP); from anybody else it is not worth a
// packet.
func (c *guardConn) keepalive(msg []byte, src netip.AddrPort) {
	c.guard.counts.Keepalives.Add(1)
	if string(msg) == "\r\n\r\n" && c.guard.Known(src) {
		_, _ = c.PacketConn.WriteTo([]byte("\r\n"), net.UDPAddrFromAddrPort(src))
	}
}

// WriteTo implements net.PacketConn. Requests go where the flow says; responses
// to the source of their request, which sipgo does not know.
func (c *guardConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		src, ok := answerTo(b)
		if !ok {
			return 0, errors.New("transport: a response without its way back")
		}
		to = src
	}
	c.acks.note(b, to)
	if c.tap.see != nil {
		c.tap.sent(addrPort(to), b)
	}
	return c.PacketConn.WriteTo(b, to)
}

// Close implements net.PacketConn.
func (c *guardConn) Close() error {
	c.closed.Store(true)
	return c.PacketConn.Close()
}

// inspect tells SIP from junk by its shape: a request or status line, a complete
// header section, lines that end properly, no NUL. It returns the length of the
// header section, 0 for junk.
func inspect(msg []byte) (head int, request bool) {
	if len(msg) < minMessage {
		return 0, false
	}
	request = !bytes.HasPrefix(msg, []byte("SIP/2.0 "))
	if request && !isRequestLine(msg) {
		return 0, false
	}
	head = headerEnd(msg)
	if head == 0 || !properLines(msg[:head]) {
		return 0, false
	}
	return head, request
}

// isRequestLine checks "METHOD scheme:… SIP/2.0" (RFC 3261 §7.1).
func isRequestLine(msg []byte) bool {
	line, _, ok := bytes.Cut(msg, []byte("\r\n"))
	if !ok {
		return false
	}
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(method) == 0 || len(method) > 32 || !isToken(method) {
		return false
	}
	scheme, _, ok := bytes.Cut(rest, []byte(":"))
	if !ok || len(scheme) == 0 || len(scheme) > 32 || !isToken(scheme) {
		return false
	}
	return bytes.HasSuffix(rest, []byte(" SIP/2.0"))
}

// isToken checks for the characters of a token (RFC 3261 §25.1).
func isToken(b []byte) bool {
	for _, c := range b {
		if !isTokenByte(c) {
			return false
		}
	}
	return true
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		bytes.IndexByte([]byte("-.!%*_+`'~"), c) >= 0
}

// properLines refuses NUL and CR or LF on their own in a header section: sipgo
// lets them through, and what is copied into an answer or onto another leg would
// be an injection (P16).
func properLines(head []byte) bool {
	for i, c := range head {
		switch c {
		case 0:
			return false
		case '\r':
			if i+1 >= len(head) || head[i+1] != '\n' {
				return false
			}
		case '\n':
			if i == 0 || head[i-1] != '\r' {
				return false
			}
		}
	}
	return true
}
