package pbxtest

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// packetConn is a UDP socket on a Net.
type packetConn struct {
	net    *Net
	addr   netip.AddrPort
	queue  chan *packet
	read   deadline
	once   sync.Once
	closed chan struct{}
}

// ReadFrom implements net.PacketConn; a packet longer than b is cut, as UDP does.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort is ReadFrom without an allocation for the address.
func (c *packetConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	expired := c.read.wait()
	select {
	case <-c.closed:
		return 0, netip.AddrPort{}, c.error("read", net.ErrClosed)
	case <-expired:
		return 0, netip.AddrPort{}, c.error("read", os.ErrDeadlineExceeded)
	default:
	}
	select {
	case p := <-c.queue:
		n, from := copy(b, p.data), p.from
		c.net.buffers.Put(p)
		return n, from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, c.error("read", net.ErrClosed)
	case <-expired:
		return 0, netip.AddrPort{}, c.error("read", os.ErrDeadlineExceeded)
	}
}

// WriteTo implements net.PacketConn. Nobody listening is not an error.
func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	switch a := to.(type) {
	case *net.UDPAddr:
		return c.WriteToUDPAddrPort(b, a.AddrPort())
	case nil:
		return 0, c.error("write", syscall.EDESTADDRREQ)
	default:
		parsed, err := netip.ParseAddrPort(to.String())
		if err != nil {
			return 0, c.error("write", err)
		}
		return c.WriteToUDPAddrPort(b, parsed)
	}
}

// WriteToUDPAddrPort is WriteTo without an allocation for the address.
func (c *packetConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, c.error("write", net.ErrClosed)
	default:
	}
	if len(b) > maxPacket {
		return 0, c.error("write", syscall.EMSGSIZE)
	}
	c.net.send(b, c.addr, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	return len(b), nil
}

// LocalAddr is a *net.UDPAddr.
func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

// Close frees the address; pending reads return net.ErrClosed.
func (c *packetConn) Close() error {
	err := c.error("close", net.ErrClosed)
	c.once.Do(func() {
		c.net.mu.Lock()
		delete(c.net.conns, c.addr)
		c.net.mu.Unlock()
		close(c.closed)
		c.read.set(time.Time{})
		err = nil
	})
	return err
}

// SetDeadline is SetReadDeadline: a write never waits.
func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline also ends a read that is under way.
func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	return nil
}

// SetWriteDeadline has nothing to do: a write never waits.
func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }

func (c *packetConn) error(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Addr: c.LocalAddr(), Err: err}
}

// deadline is a point in time to wait for that can be moved.
type deadline struct {
	mu      sync.Mutex
	timer   *time.Timer
	expired chan struct{}
}

func (d *deadline) init() { d.expired = make(chan struct{}) }

// wait is closed when the deadline passed.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expired
}

// set moves the deadline; the zero time is never. A wait under way sees a new
// deadline unless it is later than one that has passed already.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.expired // the function has started: its close comes, or is done
	}
	d.timer = nil
	select {
	case <-d.expired:
		d.expired = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	expired := d.expired
	if left := time.Until(t); left > 0 {
		d.timer = time.AfterFunc(left, func() { close(expired) })
		return
	}
	close(expired)
}
