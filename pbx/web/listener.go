package web

import (
	"net"
	"net/netip"
	"sync"
)

// limitConnections bounds what l lets in: max connections in all, so that the
// rest of the exchange keeps its file descriptors, and perSource from one
// address, so that one stranger cannot take them all. This machine may take all:
// a proxy on it speaks for many.
func limitConnections(l net.Listener, max, perSource int) net.Listener {
	return &limited{
		Listener: l, perSource: perSource, sources: map[netip.Addr]int{},
		places: make(chan struct{}, max), done: make(chan struct{}),
	}
}

type limited struct {
	net.Listener
	perSource int
	places    chan struct{}
	done      chan struct{}
	once      sync.Once

	mu      sync.Mutex
	sources map[netip.Addr]int // those with a connection; never more than places
}

// Accept implements net.Listener. It waits while all places are taken.
func (l *limited) Accept() (net.Conn, error) {
	for {
		select {
		case l.places <- struct{}{}:
		case <-l.done:
			return nil, net.ErrClosed
		}
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.places
			return nil, err
		}
		source := addrOf(c.RemoteAddr())
		if l.enter(source) {
			return &limitedConn{Conn: c, release: sync.OnceFunc(func() { l.leave(source) })}, nil
		}
		_ = c.Close() // refused; there is nobody to tell
		<-l.places
	}
}

func (l *limited) enter(source netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sources[source] >= l.perSource && !source.IsLoopback() {
		return false
	}
	l.sources[source]++
	return true
}

func (l *limited) leave(source netip.Addr) {
	l.mu.Lock()
	if l.sources[source]--; l.sources[source] == 0 {
		delete(l.sources, source)
	}
	l.mu.Unlock()
	<-l.places
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// addrOf is the address without its port; the zero Addr when there is none.
func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
