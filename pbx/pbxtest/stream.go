package pbxtest

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// stream is one end of a TCP connection on a Net.
type stream struct {
	net.Conn
	net           *Net
	local, remote netip.AddrPort
}

// LocalAddr is a *net.TCPAddr.
func (s *stream) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(s.local) }

// RemoteAddr is a *net.TCPAddr.
func (s *stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }

// Close ends the connection; the other end reads io.EOF.
func (s *stream) Close() error {
	s.net.mu.Lock()
	delete(s.net.streams, s)
	s.net.mu.Unlock()
	return s.Conn.Close()
}

// listener accepts streams.
type listener struct {
	net     *Net
	addr    netip.AddrPort
	backlog chan *stream
	once    sync.Once
	closed  chan struct{}
}

// Listen binds a TCP address; port 0 takes a free port.
func (n *Net) Listen(addr netip.AddrPort) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr, err := n.bindable(addr, func(a netip.AddrPort) bool { return n.listen[a] != nil })
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	l := &listener{net: n, addr: addr, backlog: make(chan *stream), closed: make(chan struct{})}
	n.listen[addr] = l
	return l, nil
}

// Dial connects to a listener from an address; port 0 takes a free port. Links
// do not apply: a stream is neither late nor lossy, and a write lasts until the
// other end has read it (deadlines work).
func (n *Net) Dial(ctx context.Context, from, to netip.AddrPort) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	n.mu.Lock()
	l := n.listen[to]
	from, err := n.bindable(from, func(netip.AddrPort) bool { return false })
	if err != nil || l == nil {
		n.mu.Unlock()
		if err == nil {
			err = syscall.ECONNREFUSED
		}
		return fail(err)
	}
	a, b := net.Pipe()
	near := &stream{Conn: a, net: n, local: from, remote: to}
	far := &stream{Conn: b, net: n, local: to, remote: from}
	n.streams[near], n.streams[far] = struct{}{}, struct{}{}
	n.mu.Unlock()
	select {
	case l.backlog <- far:
		return near, nil
	case <-l.closed:
		err = syscall.ECONNREFUSED
	case <-ctx.Done():
		err = ctx.Err()
	}
	_, _ = near.Close(), far.Close()
	return fail(err)
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case s := <-l.backlog:
		return s, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Addr is a *net.TCPAddr.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// Close frees the address; accepted streams live on.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listen, l.addr)
		l.net.mu.Unlock()
		close(l.closed)
	})
	return nil
}
