// Package crowd bounds how many connections strangers may hold, in all and from
// one address, so that they keep nobody out.
package crowd

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// retryAccept is how long to wait after a failed accept, so that a process
// without file descriptors does not spin.
const retryAccept = 10 * time.Millisecond

// Listener closes at once what is one too many.
type Listener struct {
	net.Listener
	total, perPlace int

	mu     sync.Mutex
	conns  map[*conn]struct{}
	places map[netip.Addr]int
	closed bool
}

// Limit bounds the connections of l: total in all, perPlace from one address.
func Limit(l net.Listener, total, perPlace int) *Listener {
	return &Listener{Listener: l, total: total, perPlace: perPlace, conns: map[*conn]struct{}{}, places: map[netip.Addr]int{}}
}

// Accept implements net.Listener. It fails only once the listener is closed.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			time.Sleep(retryAccept)
			continue
		}
		if counted := l.admit(c); counted != nil {
			return counted, nil
		}
		_ = c.Close() // one too many
	}
}

// Close implements net.Listener; it ends the connections too.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	l.closed = true
	open := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	return err
}

func (l *Listener) admit(c net.Conn) *conn {
	from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	k := &conn{Conn: c, listener: l, place: from.Addr().Unmap()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= l.total || l.places[k.place] >= l.perPlace {
		return nil
	}
	l.conns[k] = struct{}{}
	l.places[k.place]++
	return k
}

func (l *Listener) leave(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, in := l.conns[c]; !in {
		return
	}
	delete(l.conns, c)
	if l.places[c.place]--; l.places[c.place] <= 0 {
		delete(l.places, c.place)
	}
}

// conn is counted until it is closed.
type conn struct {
	net.Conn
	listener *Listener
	place    netip.Addr
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.listener.leave(c)
	return c.Conn.Close()
}
